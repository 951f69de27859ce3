"""What only a developer's machine runs: never deployed, never imported by the app."""
