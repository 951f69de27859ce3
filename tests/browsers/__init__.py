"""Cuts and playable copies in real browsers, where this machine has them."""
