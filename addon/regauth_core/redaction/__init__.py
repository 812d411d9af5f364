"""What may be shown of what was seen; the only maker of `Safe`."""
