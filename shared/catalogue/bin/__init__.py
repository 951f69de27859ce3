"""The recycle bin, deletions for ever, and what is left of them."""
