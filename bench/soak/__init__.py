"""Measures the memory, threads and files of a host over time, under a mixed load."""
