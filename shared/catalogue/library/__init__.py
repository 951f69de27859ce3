"""Users, videos and clips, as the API shows and changes them."""
