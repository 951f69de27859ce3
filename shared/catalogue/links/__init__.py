"""Who received which link, and shares."""
