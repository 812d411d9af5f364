"""Picks the registry traffic out of saved requests, and observes it."""

from __future__ import annotations

from regauth_core.model import Exchange, Origin
from regauth_core.recording.bodies import remember_sent
from regauth_core.recording.observe import Wire, observe
from regauth_core.recording.traffic import Watch, destination_of, is_token_form
from regauth_core.redaction.redactor import Redactor


class TrafficFilter:
    """Learns from each answer which hosts and URLs are a registry's, so the order of the requests matters."""

    def __init__(self, redactor: Redactor, watch: Watch) -> None:
        self._redactor = redactor
        self._watch = watch

    def exchange(self, wire: Wire) -> Exchange | None:
        """The exchange that the raw message makes; `None` where it is not a registry's."""
        place = destination_of(wire.method, Origin(wire.scheme, wire.host.lower(), wire.port), wire.path)
        if self._watch.role_of(place) is None and not is_token_form(wire.request_body):
            if wire.request_body and self._watch.is_known(place.origin):
                # A login there is not shown; but the registry may repeat the password.
                remember_sent(wire.request_body, self._redactor)
            return None
        named: dict[str, list[str]] = {"www-authenticate": [], "location": [], "link": []}
        for name, value in wire.response_headers:
            lines = named.get(name.lower())
            if lines is not None:
                lines.append(value)
        if any(named.values()):
            self._watch.learn(place, named["www-authenticate"], named["location"], named["link"])
        self._watch.learn_layers(place, wire.response_body)
        return observe(wire, self._redactor)
