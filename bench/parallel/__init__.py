"""Measures how many clips a host should process at a time."""
