"""The HTTP handlers: each gets its parsed request, calls a service, and renders the result."""
