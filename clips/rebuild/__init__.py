"""The command that rebuilds the catalogue from sidecars: `python -m clips.rebuild`."""
