"""The repairs of lines of a drift report."""
