"""What a running host takes of the machine over time, under a mixed load."""
