"""What counts as drift. Pure."""
