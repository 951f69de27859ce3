"""Measures how fast one host processes many clips that are uploaded at once, each clip once."""
