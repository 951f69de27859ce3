"""What the cleanup reads and writes."""
