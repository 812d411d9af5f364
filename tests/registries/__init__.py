"""Real registries on loopback ports, for the real clients to read from and write to through regauth."""
