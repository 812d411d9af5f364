"""Which times and sizes a file may state: calculating with others, or showing them, would fail."""

from __future__ import annotations

from regauth_core.model import Exchange
from regauth_core.recording.observe import Wire

LATEST = 253_402_300_799.0
"""The last second of the year 9999, which is as far as calendars go."""
_LARGEST = 2**63


def is_time(value: object) -> bool:
    """Whether `value` is a number of seconds since the epoch that a calendar can show."""
    return isinstance(value, int | float) and 0 <= value <= LATEST


def is_possible(one: Exchange | Wire) -> bool:
    """Whether the times and sizes of an exchange can be what they are said to be."""
    if isinstance(one, Exchange):
        sizes = [one.number, one.request.size, one.request.target_size, one.response.size if one.response else 0]
    else:
        sizes = [one.number, one.request_size, one.response_size]
    times = [one.started, *(time for time in (one.first_byte, one.ended) if time is not None)]
    return all(map(is_time, times)) and all(isinstance(size, int) and 0 <= size < _LARGEST for size in sizes)
