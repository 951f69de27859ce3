"""Transfer of local files to and from storage: what the migration and the Python API share."""
