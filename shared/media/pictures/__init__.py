"""Pictures made from frames: poster, stills, storyboard, preview."""
