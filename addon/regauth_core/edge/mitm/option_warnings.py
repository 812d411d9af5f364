"""What the user has to know of options that work against each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from regauth_core.edge.mitm.callers import untold
from regauth_core.edge.mitm.options import Settings

_SAVING: Final = ("save_stream_file", "hardump")
"""mitmproxy's own options for files that hold all that was sent."""
_AFTERWARDS: Final = ("map_remote", "modify_headers", "stickyauth")
"""Those that act on a request after credentials were added to it."""
WARNED: Final = frozenset({"regauth_inject", "regauth_clients", *_SAVING, *_AFTERWARDS})
"""The options on which `of_injection` depends."""


def of_injection(settings: Settings, options: Any, *, is_proxy_shared: bool) -> Iterator[str]:
    """Warnings while credentials are injected. `options` are mitmproxy's; `is_proxy_shared`: anybody may use it."""
    if is_proxy_shared and (complaint := untold(settings.callers)):
        yield complaint
    if any(getattr(options, name) for name in _SAVING):
        yield (
            "mitmproxy's own file (-w, save_stream_file or hardump) will hold the credentials that "
            f"regauth_inject={settings.inject} sends; do not publish it"
        )
    for name in (name for name in _AFTERWARDS if getattr(options, name)):
        yield (
            f"mitmproxy's own {name} runs after regauth_inject={settings.inject} adds credentials, and may send them "
            "to another host"
        )


def of_printed_urls(options: Any) -> Iterator[str]:
    """A warning where mitmdump prints URLs as they are; the other programs have no such option."""
    if getattr(options, "flow_detail", False):
        yield (
            "mitmdump's own output shows whole URLs, tokens and signatures included; --set flow_detail=0 turns it off"
        )
