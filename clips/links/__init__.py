"""Access to clips and their images: links, shares, stills, storyboards."""
