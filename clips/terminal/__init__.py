"""What the commands of the app have in common: a line of progress, interruption, failure."""
