"""Sources of videos, cuts and renditions."""
