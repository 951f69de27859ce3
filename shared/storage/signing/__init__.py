"""Time-limited links to blobs: shared access signatures (SAS)."""
