"""The API's description (OpenAPI 3.1), generated from what the handlers declare, and its page."""
