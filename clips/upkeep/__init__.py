"""Deletion, and the timer's work: cleanup, reconciliation, checksums."""
