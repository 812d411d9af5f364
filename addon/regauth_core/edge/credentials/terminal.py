"""Asks a person for a user and a password."""

from __future__ import annotations

import getpass
import warnings
from pathlib import Path
from typing import Final

from regauth_core.credentials.authfile import Pair
from regauth_core.edge.errors import UserError

_TERMINAL: Final = Path("/dev/tty")


def ask(subject: str) -> Pair:
    """The user and password for `subject`, typed at this process's terminal; the password is not shown.

    Raises `UserError` where there is no terminal, or where the person ends it.
    """
    try:
        with _TERMINAL.open("w", encoding="utf-8") as out, _TERMINAL.open(encoding="utf-8", errors="replace") as typed:
            out.write(f"User for {subject} (empty: a registry token follows): ")
            out.flush()
            line = typed.readline()
    except OSError:
        raise UserError(f"prompt:{subject}: there is no terminal to ask at; use env: or file: instead") from None
    if not line:
        raise UserError(f"prompt:{subject}: nothing was typed")
    user = line.rstrip("\r\n")
    try:
        with warnings.catch_warnings():
            # It would go on where it cannot hide what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            password = getpass.getpass(f"{'Password' if user else 'Token'} for {subject}: ")
    except (EOFError, getpass.GetPassWarning):
        raise UserError(f"prompt:{subject}: cannot read a password from the terminal") from None
    return user, password
