"""The command that cuts a local file: `python -m clips.cut SOURCE START END`."""
