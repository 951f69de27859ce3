"""Migrations of the old service's clips."""
