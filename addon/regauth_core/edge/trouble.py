"""What a person has to put right before regauth can go on."""

from __future__ import annotations


class Trouble(Exception):
    """One line: what is wrong, where, and what was expected. The command line prints it and exits with status 2."""
