"""How long a new instance takes until it answers."""
