"""What the blob trigger of clips writes."""
