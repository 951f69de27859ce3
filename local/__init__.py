"""Programs for a developer's machine: never deployed, never imported by the app."""
