"""What it costs to cut clips out of long films, beside the command line and whole download."""
