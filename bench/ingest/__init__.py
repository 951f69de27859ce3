"""What the ingest of a large film costs."""
