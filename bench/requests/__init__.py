"""Calls of the API under load, beside FastAPI with SQLAlchemy."""
