"""The HTTP handlers: each parses its call, asks a service, and renders what comes back."""
