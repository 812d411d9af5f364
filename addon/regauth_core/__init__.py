"""regauth: shows who broke the authentication between a registry client and a registry."""

__version__ = "0.1.0"
