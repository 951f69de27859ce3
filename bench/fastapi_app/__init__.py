"""The measured endpoints once more, as they are usually written: what bench/requests compares with.

FastAPI, SQLAlchemy's async sessions over asyncpg, pydantic models for the answers, PyJWT with
its own cached client for the issuer's keys, and the storage library's `generate_blob_sas`.
It leaves out what the app also does: links on record, windows, the archive tier, admins.
"""
