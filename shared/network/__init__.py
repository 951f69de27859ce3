"""What the HTTP clients of the app share: trusted CAs, and responses with complete headers."""
