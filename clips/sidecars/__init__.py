"""Sidecars: the JSON files beside the images that record the rows of the catalogue."""
