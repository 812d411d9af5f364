"""What may be said of an error of our own."""

from __future__ import annotations

from pathlib import Path


def whereabouts(error: BaseException) -> str:
    """The kind of `error` and where it happened; never its text, which may quote the wire."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}"
