"""What must be there where a finding uses certain words, and what is never said beside what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kit.case import Case
from kit.wire_facts import Fact, registry_name


@dataclass(frozen=True)
class Sentence:
    """Words, and what must be there where a finding uses them."""

    words: str
    """A regular expression."""
    holds: Callable[[Case, re.Match[str]], bool]


def _fact(case: Case, number: str) -> Fact | None:
    return case.facts.get(int(number))


def _numbered(text: str) -> list[int]:
    if found := re.fullmatch(r"(\d+) to (\d+)", text):
        return list(range(int(found[1]), int(found[2]) + 1))
    return [int(n) for n in re.findall(r"\d+", text)]


def _facts(case: Case, text: str) -> list[Fact]:
    return [case.facts[n] for n in _numbered(text) if n in case.facts]


_NUMBERS = r"\((\d+(?:(?:, | and | to )\d+)*)"
_URL = r"(GET|HEAD|POST|PUT|PATCH|DELETE) (https?://\S+|/v2/)"


def _same_address(case: Case, match: re.Match[str]) -> bool:
    method, url, text = match.groups()
    path = re.sub(r"\?.*", "", url).partition("://")[2].partition("/")[2]
    if "<" in url:
        # Redaction hides what could be a secret.
        path = path.partition("<")[0]
        return any(f.wire.method == method and path in f.address for f in _facts(case, text))
    return any(f.wire.method == method and (url == "/v2/" or f.address.endswith(path)) for f in _facts(case, text))


def _answered(case: Case, match: re.Match[str]) -> bool:
    found = _facts(case, match["numbers"])
    return bool(found) and any(f.status == int(match["status"]) for f in found)


def _has_secret(case: Case, facts: Iterable[Fact]) -> bool:
    return any(case.used_secrets(f) for f in facts)


def _sent_here(case: Case) -> list[Fact]:
    """The client's requests with a password, to this registry or one of its token servers, for this repository."""
    name = case.finding.repository
    found = []
    for f in case.mine:
        if not f.secrets:
            continue
        if (
            f.host == case.registry
            and (name is None or f.repository in (name, None))
            or (f.address in case.realms and bool(f.query or f.form))
            and (name is None or f":{name}:" in f.asked or f.asked == "no scope")
        ):
            found.append(f)
    return found


def _is_known(case: Case) -> bool:
    return case.talk.known or any(f.secrets for f in case.mine)


def _read_anonymously(case: Case, repository: str | None, facts: Iterable[Fact]) -> bool:
    return any(
        f.repository == repository
        and 200 <= f.status < 300
        and not case.used_secrets(f)
        and f.login is None
        and (f.is_anonymous or case.issue(f.bearer) is not None)
        for f in facts
    )


def _is_read(case: Case, repository: str) -> bool:
    """Whether somebody got something of the repository in this capture."""
    return any(
        f.host == case.registry
        and f.repository == repository
        and 200 <= f.status < 300
        and f.wire.method in ("GET", "HEAD")
        and f.number <= case.mine[-1].number
        for f in case.facts.values()
    )


def _password_is_proved(case: Case) -> bool:
    """Whether the password behind what was refused was good for something, and not only before it went bad."""
    return any(case.is_accepted(secret, fact) for fact in case.refused for secret in fact.secrets)


def _is_registry(case: Case, host: str) -> bool:
    name = registry_name(host.rstrip(".,;:)").partition(":")[0])
    # "the registry that HOST serves", where only its token server is in the capture.
    return name in ("Docker Hub", "docker.io", "the") or any(
        f.host == name and f.is_registry for f in case.facts.values()
    )


def _may_log_in(case: Case, match: re.Match[str]) -> bool:
    if case.finding.rule in ("identity-token-misused", "redirected-challenge-unanswered"):
        return True
    if not _is_registry(case, match["host"]):
        return False
    host = registry_name(match["host"].rstrip(".,;:)").partition(":")[0])
    sent = [f for f in _sent_here(case) if f.number <= case.cited[-1].number and f.login != ("", "")]
    return host != case.registry or bool(sent) == match[0].endswith(" anew")


SENTENCES = (
    Sentence(rf"{_URL} {_NUMBERS}", _same_address),
    Sentence(
        r"(?:answered|refused with) (?P<status>\d{3})[^().;]{0,60}? \((?P<numbers>\d+(?:(?:, | and | to )\d+)*)\)",
        _answered,
    ),
    Sentence(r"\((?P<numbers>\d+(?:(?:, | and | to )\d+)*),? (?:was )?answered (?P<status>\d{3})", _answered),
    Sentence(r"was answered (\d{3})", lambda c, m: any(f.status == int(m[1]) for f in c.cited)),
    Sentence(
        r"without (?:a |any )?(?:credentials?|login) \((\d+)\)",
        lambda c, m: (f := _fact(c, m[1])) is not None and not c.used_secrets(f) and f.login is None,
    ),
    Sentence(
        r"(?:was|had been) accepted (?:by \S+ |before )\((\d+)\)",
        lambda c, m: (f := _fact(c, m[1])) is not None and not f.is_anonymous and (f.is_served or f.status == 404),
    ),
    Sentence(
        rf"(?:issued|got|gave) (?:the client )?a token [^().]*?{_NUMBERS}\)",
        lambda c, m: all(f.tokens for f in _facts(c, m[1])),
    ),
    Sentence(r"had issued [^()]*\((\d+)\)", lambda c, m: (f := _fact(c, m[1])) is not None and bool(f.tokens)),
    Sentence(
        r"\((\d+)\)(?: for [^()]*?)? was sent without a credential",
        lambda c, m: (f := _fact(c, m[1])) is not None and not f.has_authorization and not f.secrets,
    ),
    Sentence(
        r"\((\d+)\)(?: for [^()]*?)? was sent with a user name and password",
        lambda c, m: (f := _fact(c, m[1])) is not None and bool(f.secrets),
    ),
    Sentence(
        r"\((\d+)\)(?: for [^()]*?)? was sent with a Bearer token",
        lambda c, m: (f := _fact(c, m[1])) is not None and f.bearer is not None,
    ),
    Sentence(r"No password was sent|No credential was sent", lambda c, m: not c.cited[-1].secrets),
    Sentence(
        r"[Nn]o password was sent with this request|It sent no password with that request",
        lambda c, m: not c.cited[-1].secrets,
    ),
    Sentence(r"is known to hold credentials|has credentials and sent none", lambda c, m: _is_known(c)),
    Sentence(
        r"asked no token server|contacted no token server",
        lambda c, m: not any(f.address in c.realms and f.number > c.refused[0].number for f in c.token_requests),
    ),
    Sentence(
        r"sent no [\w ]+ credential for this",
        lambda c, m: c.sends_nothing_since,
    ),
    Sentence(r"The client succeeded anyway", lambda c, m: any(f.is_served and f.is_registry for f in c.mine)),
    Sentence(
        r"No repetition succeeded",
        lambda c, m: not c.is_served_later(c.refused[-1]),
    ),
    Sentence(
        r"The client went on anyway|let the client in anyway",
        lambda c, m: any(
            (f.is_served or f.status in (400, 404, 429) or f.has_authorization) for f in c.here[1:] or c.cited
        ),
    ),
    Sentence(
        r"The ping \((\d+)\) was answered 200 without a challenge",
        lambda c, m: (f := _fact(c, m[1])) is not None and f.is_ping and f.status == 200 and not f.schemes,
    ),
    Sentence(
        r"did not request a new token|no new token was requested",
        lambda c, m: not any(f.number > c.cited[-1].number for f in c.token_requests),
    ),
    Sentence(r"(?<![a-z] )[Ll]og in to (?P<host>Docker Hub|[\w.-]+)(?: anew)?", _may_log_in),
    Sentence(
        r"Store a login for (?P<host>[\w.-]+)",
        lambda c, m: _is_registry(c, m["host"]) and not any(f.number <= c.cited[-1].number for f in _sent_here(c)),
    ),
    Sentence(r"[Cc]heck the spelling of ([\w./-]+)", lambda c, m: not _is_read(c, m[1].rstrip("."))),
    Sentence(
        r"(?:Check or renew|Renew) the password \(or access token\) for (?P<host>[\w.-]+)",
        lambda c, m: (
            _is_registry(c, m["host"])
            and bool(c.cited)
            and not _password_is_proved(c)
            and any(f.secrets for f in c.refused)
        ),
    ),
    Sentence(r"[Cc]hange the password(?! does not)", lambda c, m: any(f.secrets for f in c.cited)),
    Sentence(
        r"The password is probably wrong|Correct the password",
        lambda c, m: not _password_is_proved(c),
    ),
    Sentence(
        r"the account|this account|The account",
        lambda c, m: _has_secret(c, c.cited) or any(f.credentials for f in c.cited),
    ),
    Sentence(
        r"the repository\b(?! from the path)(?! itself)|The repository\b",
        lambda c, m: c.finding.repository is not None,
    ),
    Sentence(
        r"[Tt]he login (?:is|was) good",
        lambda c, m: any(f.credentials and f.is_served for f in c.mine) or any(f.secrets and f.tokens for f in c.mine),
    ),
    Sentence(r"[Tt]he login lacks", lambda c, m: _has_secret(c, c.cited)),
    Sentence(r"got no answer \((\d+)\)", lambda c, m: (f := _fact(c, m[1])) is not None and f.status == 0),
    Sentence(
        r"can be read without a login \((\d+)\)",
        lambda c, m: (f := _fact(c, m[1])) is not None and _read_anonymously(c, c.finding.repository, [f]),
    ),
    Sentence(
        r"^([\w./-]+) can be read without a login:",
        lambda c, m: _read_anonymously(c, m[1], c.facts.values()),
    ),
    Sentence(r"carried Basic", lambda c, m: any(s == "basic" for f in c.cited for s, _ in f.credentials)),
    Sentence(r"carried Bearer|carried a Bearer", lambda c, m: any(f.bearer for f in c.cited)),
    Sentence(
        r"not the password|the password is not the reason|so it is not wrong|is not wrong",
        lambda c, m: any(f.secrets and (f.tokens or f.is_served) for f in c.facts.values()),
    ),
    Sentence(
        r"no credential is in question|nothing was refused", lambda c, m: all(f.status == 0 for f in c.cited[-1:])
    ),
    Sentence(
        r"The client asked for ((?:[\w/.-]+:\S+ ?)+|no scope) [^.;]*?\((\d+)\)",
        lambda c, m: (f := _fact(c, m[2])) is not None and set(f.asked.split()) == set(m[1].split()),
    ),
    Sentence(
        r"Nothing for now",
        lambda c, m: any(f.is_served or f.status == 404 for f in c.mine if f.is_registry),
    ),
)
"""What must be there where a finding uses certain words."""


CONTRADICTIONS: tuple[tuple[str, str], ...] = (
    (r"(?:Check or renew|Renew|Correct) the password", r"it is not the password|so it is not wrong"),
    (r"(?:Check or renew|Renew) the password", r"password is not the reason|Changing the password does not help"),
    (r"(?:Check or renew|Renew) the password", r"The password was never sent|do not change it"),
    (r"(?:Check or renew|Renew) the password", r"The password may be right|The password was not judged"),
    (r"(?:Check or renew|Renew) the password", r"login is not the matter|not about the login|not at the login"),
    (r"(?<![a-z] )[Ll]og in to|Store a login", r"login is not the matter|not about the login|not at the login"),
    (r"(?<![a-z] )[Ll]og in to|Store a login", r"[Tt]he login (?:is|was) good"),
    (r"[Cc]heck the spelling", r"login is not the matter|can be read without a login"),
    (r"Do not try again", r"(?<![a-z] )Try again"),
    (r"Harmless", r"[Tt]he password is probably wrong"),
    (r"answered correctly", r"Update the registry|Correct how|Report to the operator of"),
    (r"No setting of|No setting helps", r"Check host, port and path"),
)
"""Two things of which at most one is said of a client at a registry for a repository."""
