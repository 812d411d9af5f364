"""`regauth whoami`: which credential would be sent for an image, where it was looked for, and who does not find it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TextIO

from regauth_core.credentials.authfile import Tool
from regauth_core.credentials.locations import AUTH_CONFIG
from regauth_core.credentials.login import Login
from regauth_core.credentials.login_parsing import is_same
from regauth_core.credentials.lookup import Found, Looked, LookupResult
from regauth_core.credentials.registry_names import one_name
from regauth_core.edge.credentials.keyring import Keyring, sources_of
from regauth_core.edge.errors import UserError, unknown_word
from regauth_core.edge.files import shortened
from regauth_core.protocol.reference import NamedRepository, named
from regauth_core.protocol.registries import DOCKER_HUB
from regauth_core.redaction.looks import is_opaque
from regauth_core.report.text import visible

_WIDTH: Final = 80
_NAMES: Final = {
    Tool.DOCKER: "docker",
    Tool.CONTAINERS: "containers (skopeo, podman, buildah)",
    Tool.CRANE: "crane (go-containerregistry)",
}
_REGAUTH: Final = "regauth"
# Names of users beside which, or in whose place, some registries take a token.
_TOKEN_BESIDE: Final = frozenset({"", "x-oauth-basic", "x-oauth-token"})
_AZURE: Final = "00000000-0000-0000-0000-000000000000"
"""The name that Azure gives to everybody who has a token."""


def whoami(reference: str, as_: str | None, sources: Sequence[str], environment: Mapping[str, str], out: TextIO) -> int:
    """Print to `out` how the credential for the image `reference` is found; 0 if there is one, else 1.

    By the rules of the tool `as_` (``docker``, ``containers``, ``crane``), else of regauth's own `sources` (as in
    ``--credentials``) if there are any, else of all three tools, with what they differ in. Raises `UserError` for bad
    usage. Never prints a secret.
    """
    image = named(reference)
    if image is None:
        raise UserError("whoami: expected an image such as quay.io/team/app:1.0, or a registry such as quay.io")
    if as_ is not None and as_ not in Tool.__members__.values():
        raise unknown_word("whoami: --as", as_, Tool)
    if as_ is not None and sources:
        raise UserError("whoami: expected --as or --credentials, not both")
    keyring = Keyring(sources_of("whoami: --credentials", sources, environment), environment)
    keyring.prompt()
    tools = [Tool(as_)] if as_ is not None else list(Tool)
    found = asyncio.run(_own(keyring, image) if sources else _tools(keyring, image, tools))
    for line in _told(image, found, environment):
        out.write(f"{line}\n")
    out.flush()
    return 0 if any(each.login for each in found.values()) else 1


async def _own(keyring: Keyring, image: NamedRepository) -> dict[str, Found]:
    registry = one_name(image.host.lower().removesuffix(":443").removesuffix(":80"))
    return {_REGAUTH: await keyring.look_up(registry, image.repository)}


async def _tools(keyring: Keyring, image: NamedRepository, tools: Sequence[Tool]) -> dict[str, Found]:
    return {tool.value: await keyring.login_of_tool(tool, image.host, image.repository) for tool in tools}


def _told(image: NamedRepository, found: Mapping[str, Found], environment: Mapping[str, str]) -> Iterator[str]:
    """All lines, none longer than `_WIDTH`."""
    asked = f" (asked at {image.endpoint})" if image.host == DOCKER_HUB else ""
    yield from _folded(f"registry    {image.host}{asked}", "", 12)
    yield from _folded(f"repository  {image.repository or 'none: the registry itself'}", "", 12)
    for name, each in found.items():
        yield ""
        yield f"{_title(name)} looks in"
        yield from _steps(each.looked, environment)
        yield from _folded(f"and {_result(each)}", "", 4)
    if len(found) > 1:
        yield ""
        yield from _differences(found, environment)


def _title(name: str) -> str:
    return _NAMES[Tool(name)] if name != _REGAUTH else name


def _steps(looked: Sequence[Looked], environment: Mapping[str, str]) -> Iterator[str]:
    """One line for each place, below the file or variable that it is in."""
    shown = None
    for each in looked:
        source = shortened(each.source, environment)
        if not each.key:
            yield from _folded(f"{source}: {_outcome(each)}", "  ", 2)
        else:
            if source != shown:
                yield from _folded(source, "  ", 2)
            yield from _folded(f"{each.key}: {_outcome(each)}", "    ", 2)
        shown = source


def _outcome(looked: Looked) -> str:
    if looked.source == AUTH_CONFIG and looked.outcome is LookupResult.MISSING:
        return "not set"
    return f"{looked.outcome} ({looked.note})" if looked.note else str(looked.outcome)


def _result(found: Found) -> str:
    """What comes of a lookup, as the end of a sentence."""
    if found.login is None:
        return "ends with an error" if found.is_refused else "finds nothing: the client is anonymous"
    used = _credential(found.login)
    return f"would use {used}, but stops at the broken entry above" if found.is_refused else f"uses {used}"


def _credential(login: Login) -> str:
    if login.registry_token:
        return "a registry token"
    pair = f"user and password of {_user(login)}" if login.has_pair else ""
    if login.identity_token:
        return f"an identity token, beside {pair}" if pair else "an identity token"
    return pair


def _user(login: Login) -> str:
    """The user's name, unless it could be the secret itself."""
    could_be_token = login.password in _TOKEN_BESIDE and not login.identity_token
    if (could_be_token or is_opaque(login.user)) and login.user != _AZURE:
        return "a user whose name is not shown because it could be a token"
    return visible(login.user, 64) or "a user without a name"


def _differences(found: Mapping[str, Found], environment: Mapping[str, str]) -> Iterator[str]:
    """Whether all find the same, and what those that do not have passed over."""
    first, *others = found.values()
    if all(_is_alike(first, other) for other in others):
        yield "All three find the same." if first.login else "None of the three finds a credential."
        return
    yield "The three differ:"
    for name, each in found.items():
        where = each.matched
        place = f", from {' '.join(filter(None, (shortened(where.source, environment), where.key)))}" if where else ""
        yield from _folded(f"{name} {_result(each)}{place}", "  ", 2)
        if each is not first or not each.login:
            for reason in _reasons(each):
                place = f"{shortened(reason.source, environment)} {reason.key}"
                yield from _folded(f"{place}: {_outcome(reason)}", "    ", 2)


def _is_alike(one: Found, other: Found) -> bool:
    return one.is_refused == other.is_refused and is_same(one.login, other.login)


def _reasons(found: Found) -> Iterator[Looked]:
    """What explains that nothing, or something else, was found."""
    telling = (LookupResult.SKIPPED, LookupResult.MALFORMED, LookupResult.FAILED, LookupResult.EMPTY)
    return (each for each in found.looked if each.outcome in telling and each.note)


def _folded(text: str, indent: str, hang: int) -> list[str]:
    """`text` in lines of at most `_WIDTH` characters, all behind `indent`, those after the first further in."""
    shown = visible(text)
    further = indent + " " * hang
    return textwrap.wrap(shown, _WIDTH, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False)
