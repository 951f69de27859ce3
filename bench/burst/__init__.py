"""Many clips uploaded at once to one running host: how fast it processes them, each once."""
