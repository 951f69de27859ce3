"""Cutting by encoding: exact to the frame from any film, playable in any browser."""
