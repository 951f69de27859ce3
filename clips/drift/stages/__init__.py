"""The stages of a drift report: one for each kind of container."""
