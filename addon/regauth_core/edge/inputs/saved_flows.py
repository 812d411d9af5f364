"""mitmproxy's flow files flow by flow: one that cannot be read costs itself, not what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from mitmproxy import flow, http
from mitmproxy.io import compat, tnetstring

from regauth_core.edge.inputs.flows import wire_of
from regauth_core.edge.inputs.saved_file import Item, SavedFile
from regauth_core.edge.inputs.times import is_possible
from regauth_core.recording.observe import Wire

_END = "not a tnetstring: empty file"
"""mitmproxy's words for a file that ends where a flow may begin."""


class SavedFlows(SavedFile):
    """A mitmproxy flow file."""

    def items(self) -> Iterator[Item]:
        """The flows of HTTP as raw messages."""
        read = odd = 0
        try:
            with self.path.open("rb") as file:
                for wire in wires(file):
                    read += 1
                    if isinstance(wire, Odd) or (wire is not None and not is_possible(wire)):
                        odd += 1
                    elif wire is not None:
                        yield wire.started, wire
        except Damaged:
            self._cut(f"flow {read + 1} is damaged or incomplete; {read} were read")
        if odd:
            self._cut(f"skipped {odd} of {read} flows that cannot be read")


class Odd(Exception):
    """Something that is written whole and makes no flow, or one whose values are of other types."""


class Damaged(Exception):
    """From here on the file cannot be read."""


def wires(file: BinaryIO) -> Iterator[Wire | Odd | None]:
    """What each flow shows: `None` where it is not HTTP's, `Odd` where it is none. Raises `Damaged`."""
    number = 0
    while True:
        try:
            state = cast(dict[bytes | str, Any], tnetstring.load(file))
        except (ValueError, TypeError, IndexError, RecursionError, MemoryError, OverflowError) as error:
            if str(error) == _END:
                return
            raise Damaged from None
        number += 1
        yield _wire(state, number)


def _wire(state: dict[bytes | str, Any], number: int) -> Wire | Odd | None:
    try:
        found = flow.Flow.from_state(compat.migrate_flow(state))
        return wire_of(found, number) if isinstance(found, http.HTTPFlow) else None
    except Exception:  # mitmproxy takes what it finds for what it should be
        return Odd()
