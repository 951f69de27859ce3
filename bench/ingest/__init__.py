"""Measures the ingest of a large film."""
