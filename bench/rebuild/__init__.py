"""Sidecars and the rebuild: what the outbox costs, how fast it drains, how fast a rebuild is."""
