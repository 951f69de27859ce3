"""Measures upkeep with a million clips: drift reports, and the comparison of the cleanup."""
