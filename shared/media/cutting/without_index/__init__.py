"""Films without an index: where they can be entered, and the stretch of one that a cut needs."""
