"""Finding and decoding frames of a film."""
