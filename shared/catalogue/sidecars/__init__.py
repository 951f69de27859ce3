"""The outbox of sidecars, and the daily pass over all of them."""
