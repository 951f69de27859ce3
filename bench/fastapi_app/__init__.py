"""The measured endpoints as they are usually written: bench/requests compares with them.

FastAPI, SQLAlchemy's async sessions over asyncpg, pydantic models for the answers, PyJWT with
its own cached client for the issuer's keys, and the storage library's `generate_blob_sas`.
It leaves out what the app also does: links on record, windows, the archive tier, admins.
"""
