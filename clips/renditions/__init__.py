"""Copies of clips that every browser plays."""
