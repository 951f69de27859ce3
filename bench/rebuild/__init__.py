"""Measures the cost of the sidecar outbox, how fast it drains, and how fast a rebuild is."""
