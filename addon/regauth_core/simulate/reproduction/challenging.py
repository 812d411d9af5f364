"""The `WWW-Authenticate` lines of a capture as the texts of a scenario."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from regauth_core.model import Exchange, FlawKind, Response
from regauth_core.simulate.challenges import BRACES, PLACEHOLDERS
from regauth_core.simulate.message import Asked
from regauth_core.simulate.policy import Challenging, OfferedChallenge, Parameter
from regauth_core.simulate.reproduction.surroundings import Surroundings
from regauth_core.simulate.route import needs, route

Lines = tuple[str, ...]
_DEFAULT = 'Bearer realm="{realm}",service="{service}"'
_SCOPED = f'{_DEFAULT},scope="{{scope}}"'
_BASIC = re.compile(r'Basic realm="([^"\\]{0,200})"')
_ERROR = re.compile(r',error="(?:invalid_token|insufficient_scope)"$')
_MAX_LINE = 1_900


def templates(exchange: Exchange, asked: Asked, places: Surroundings) -> Lines | None:
    """The lines of an answer with placeholders for what changes; `None` where a scenario cannot hold them."""
    response = exchange.response
    if response is None:
        return None
    found = []
    for value in lines_of(response):
        line = _template(value, asked, places)
        if len(line) > _MAX_LINE or any(name not in PLACEHOLDERS for name in BRACES.findall(line)):
            return None
        found.append(line)
    return tuple(found)


def lines_of(response: Response) -> Lines:
    """The lines of an answer as they were on the wire, as far as they may be shown."""
    lines = [value.strip() for name, value in response.headers if name.lower() == "www-authenticate"]
    for challenge in response.challenges:
        # A defect that is mended where a line is made anew without its secrets.
        if any(flaw.kind is FlawKind.UNTERMINATED_QUOTE for flaw in challenge.flaws) and challenge.line < len(lines):
            lines[challenge.line] = lines[challenge.line].removesuffix('"')
    return tuple(lines)


def _template(line: str, asked: Asked, places: Surroundings) -> str:
    place = route(asked.route)
    scope = " ".join(need.scope for need in needs(asked, place)) if place.proper else ""
    pairs = [("scope", scope)]
    if places.token is not None:
        origin, path = places.token
        pairs += [("realm", f"{origin}{path}"), ("service", places.service or "")]
    for name, value in pairs:
        if value:
            line = line.replace(f'{name}="{value}"', f'{name}="{{{name}}}"')
    return _ERROR.sub("{error}", line)


def commonest(found: Iterable[Lines]) -> Lines | None:
    """The lines that most answers have; `None` where there are no answers."""
    counted = Counter(found)
    return counted.most_common(1)[0][0] if counted else None


def policy_of(lines: Lines, *, has_token: bool) -> Challenging:
    """The policy that gives `lines`."""
    bare = tuple(line.replace("{error}", "") for line in lines)
    reports = bare != lines
    if not lines:
        return Challenging(items=())
    if has_token and bare in ((_DEFAULT,), (_SCOPED,)):
        return Challenging(error=reports)
    basic = _BASIC.fullmatch(lines[0]) if len(lines) == 1 else None
    if basic is not None and not BRACES.search(basic[1]):
        return Challenging(
            items=(OfferedChallenge(scheme="Basic", parameters=(Parameter(name="realm", value=basic[1]),)),)
        )
    return Challenging(raw=lines)
