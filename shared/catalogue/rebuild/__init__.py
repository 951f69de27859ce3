"""Sidecars of rows, and rows from sidecars."""
