"""The recycle bin: deleting, restoring, and the work that both leave behind."""
