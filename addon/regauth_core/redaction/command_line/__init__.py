"""What may be shown of a command line."""
