"""The measured endpoints as they are usually written, for the comparison in bench/requests.

FastAPI, SQLAlchemy's async sessions over asyncpg, pydantic models for the answers, PyJWT with
its own cached client for the issuer's keys, and the storage library's `generate_blob_sas`.
It leaves out other work of the app: grants, windows, the archive tier, admins.
"""
