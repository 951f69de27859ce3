"""Files of the old service: where they are, and which clip each one is for."""
