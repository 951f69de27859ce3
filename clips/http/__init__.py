"""The HTTP edge: requests in, JSON or problem+json out. No policy, no SQL."""
