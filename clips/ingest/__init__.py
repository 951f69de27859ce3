"""What happens when a blob lands: metadata, images, and the clip's state."""
