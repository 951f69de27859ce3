"""The recycle bin, permanent deletions, and the notes that deletions leave."""
