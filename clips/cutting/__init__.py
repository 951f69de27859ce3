"""Sources of videos, and clips that are cut out of them."""
