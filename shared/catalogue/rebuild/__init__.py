"""What a rebuild of the catalogue reads and writes."""
