"""The HTTP handlers: each parses its request, calls a service, and renders the result."""
