"""Measures how fast files of the old service are migrated."""
