"""Rows to compare with storage, their repair, and the runs of both."""
