"""Measures metadata and images of films, compared with ffprobe and ffmpeg."""
