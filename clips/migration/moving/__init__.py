"""Moves files into storage and points the rows of their clips at them."""
