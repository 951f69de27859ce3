"""Many clips uploaded at once to one running host: how fast it works them off, each once."""
