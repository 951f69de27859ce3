"""Cutting MP4 and MOV by their index alone: a new index, and ranges of the source to copy."""
