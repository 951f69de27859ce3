"""What a file is: its layout, its format, its tracks."""
