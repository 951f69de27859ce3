"""Connections to Postgres: signing in, the pool, and running queries."""
