"""One message as it was on the wire becomes one exchange."""
