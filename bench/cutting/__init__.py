"""Measures cuts out of long films, compared with ffmpeg and with a download of the whole film."""
