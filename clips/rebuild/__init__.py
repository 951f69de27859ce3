"""Sidecars, and the command that rebuilds the catalogue from them: `python -m clips.rebuild`."""
