"""Keeps errors of regauth away from mitmproxy."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from regauth_core.edge.errors import where_it_failed

_log = logging.getLogger(__name__)


class Guard:
    """Catches every exception, logs it without anything from the wire, and counts it."""

    def __init__(self) -> None:
        self.failures = 0
        """How often something went wrong."""

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        """No exception leaves the block; `what` is what was being examined, for the log."""
        try:
            yield
        except Exception as error:
            self.failures += 1
            _log.error("regauth: could not examine %s (%s)", what, where_it_failed(error))
