"""Who calls, and as whom the app calls: bearer tokens, signing keys, the app's identity."""
