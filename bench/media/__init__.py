"""What metadata and images of films cost, beside the command line tools."""
