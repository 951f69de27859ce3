"""Bearer tokens of callers, the issuer's signing keys, and the app's own identity."""
