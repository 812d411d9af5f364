"""`WWW-Authenticate` as a scenario wants it, malformed where it wants that (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace

from regauth_core.simulate.policy import Challenging, Layout, OfferedChallenge, Parameter

BRACES = re.compile(r"\{([a-z_]{1,20})\}")
"""A placeholder, or what looks like one."""
_BASIC = (Parameter(name="realm", value="registry"),)
_BEARER = tuple(Parameter(name=name, value=f"{{{name}}}") for name in ("realm", "service", "scope"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the placeholders of a challenge stand for."""

    realm: str
    service: str
    scope: str
    repository: str
    actions: str
    scheme: str
    registry: str
    token: str
    error: str = ""

    def fill(self, text: str) -> str:
        """`text` with its placeholders replaced; other braces stay."""
        return BRACES.sub(lambda match: str(getattr(self, match[1])) if match[1] in PLACEHOLDERS else match[0], text)


PLACEHOLDERS = tuple(field.name for field in fields(Setting))
"""What may stand in braces in the texts of a challenge and in a token server's `realm`."""


def challenge_lines(policy: Challenging, setting: Setting, *, bearer: bool, error: str | None) -> tuple[str, ...]:
    """The values of the `WWW-Authenticate` lines.

    `bearer` says what is offered where the policy does not say it. `error` is the Bearer parameter of that name
    (RFC 6750 section 3.1), `None` for none.
    """
    if policy.raw is not None:
        said = replace(setting, error=f',error="{error}"' if error and policy.error else "")
        return tuple(said.fill(line) for line in policy.raw)
    items = policy.items
    if items is None:
        items = (OfferedChallenge(scheme="Bearer" if bearer else "Basic"),)
    lines = tuple(_line(item, setting, error if policy.error else None) for item in items)
    return lines if policy.layout is Layout.ONE_LINE_EACH or not lines else (", ".join(lines),)


def offers_basic(policy: Challenging, *, bearer: bool) -> bool:
    """Whether Basic is among the challenges."""
    if policy.raw is not None:
        return any("basic" in line.lower() for line in policy.raw)
    if policy.items is None:
        return not bearer
    return any(item.scheme.lower() == "basic" for item in policy.items)


def _line(offer: OfferedChallenge, setting: Setting, error: str | None) -> str:
    is_bearer = offer.scheme.lower() == "bearer"
    parameters = offer.parameters
    if parameters is None:
        parameters = {"basic": _BASIC, "bearer": _BEARER}.get(offer.scheme.lower(), ())
    filled = [(parameter.name, parameter.value, setting.fill(parameter.value)) for parameter in parameters]
    # A scope that nothing is to be said about is left out; one that the file writes as "" is sent.
    pairs = [(name, value) for name, template, value in filled if value or not template]
    if is_bearer and error:
        pairs.append(("error", error))
    text = ",".join(f"{name}={_quoted(value)}" for name, value in pairs)
    return f"{offer.scheme} {text}".rstrip()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
