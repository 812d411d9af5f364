"""By what names clients address a reverse proxy, which mitmproxy overwrites before any other hook sees the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.proxy import layer, mode_specs
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._events import RequestHeaders
from mitmproxy.proxy.tunnel import TunnelLayer

from regauth_core.auth.callers import Addressed

_MOST: Final = 16


class Names:
    """Notes the names in each request to a reverse proxy as it is read. Changes nothing.

    Only an addon behind mitmproxy's own `NextLayer` sees the layer that reads the requests.
    """

    name = "regauth-names"

    def __init__(self) -> None:
        self._names: WeakKeyDictionary[http.Request, tuple[str, ...]] = WeakKeyDictionary()

    def next_layer(self, chosen: layer.NextLayer) -> None:
        """A connection's protocol is known now."""
        if not isinstance(chosen.context.client.proxy_mode, mode_specs.ReverseMode):
            return
        found = chosen.layer
        while isinstance(found, TunnelLayer):
            found = found.child_layer
        if isinstance(found, HttpLayer):
            # The one place between reading a request and overwriting its `Host`.
            found.event_to_child = self._noting(found.event_to_child)  # type: ignore[method-assign]

    def addressed(self, flow: http.HTTPFlow) -> Addressed | None:
        """The reverse proxy as the client of `flow` addressed it; `None` for other proxies."""
        client = flow.client_conn
        mode = client.proxy_mode
        if not isinstance(mode, mode_specs.ReverseMode):
            return None
        names = self._names.get(flow.request, ())
        if names and client.sni:
            names = (*names, client.sni)
        here = client.sockname[0] if client.sockname else ""
        return Addressed(names=names, here=here, registry=mode.address[0])

    def _noting(self, pass_on: Callable[..., Any]) -> Callable[..., Any]:
        def noting(child: object, event: object) -> Any:
            if isinstance(event, RequestHeaders) and event.request not in self._names:
                self._names[event.request] = _named(event.request)
            return pass_on(child, event)

        return noting


def _named(request: http.Request) -> tuple[str, ...]:
    """Whom the target and the `Host` fields name; nobody, where they are more than anybody would send."""
    said = [request.authority, *request.headers.get_all("host")]
    names = tuple(name for name in said if name)
    return names if len(names) <= _MOST else ()
