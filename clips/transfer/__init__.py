"""Local files and the connections that carry them into storage."""
