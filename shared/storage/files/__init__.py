"""Whole files to and from blobs: in parallel blocks, verified, resumable."""
