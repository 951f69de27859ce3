"""Measures calls of the API under load, compared with FastAPI and SQLAlchemy."""
