"""Cutting a clip out of a film: by its index alone, by copying packets, by encoding."""
