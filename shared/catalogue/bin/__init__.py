"""The recycle bin, deletions for ever, and the notes that deletions leave."""
