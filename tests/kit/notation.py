"""A notation for conversations that a person can read, and the exchanges it stands for.

    expect: challenge-ignored error client repository=foo cause=ping-derived-auth exchanges=1,2
    client: has credentials
    ending: gone
    agent: skopeo/1.9.3

    GET /v2/                       -         -> 200
    GET /v2/foo/manifests/latest   -         -> 401 challenge Basic realm="app"
    +5s
    [c2] GET https://auth.test/token?scope=repository:foo:pull basic(alice) -> 200 token t1 expires_in=300

Header lines: any number of `expect:` (rule, severity, fault, and any of `repository=`, `registry=`, `client=`,
`cause=`, `confidence=`, `exchanges=`), `undecided: rule reason`, `near: rule`
(the rule that a silent conversation resembles), `client: has credentials`, `ending: gone|clean|cut|stopped`, `quiet:
seconds`, `source: …`. `expect: nothing` means nothing above info, `expect: silence` means nothing at all.

Exchange lines: `[client]`, method, target (host `https://registry.test` unless written; `{realm}` is
`https://auth.test/token`, `{blob}` a digest), what credential is sent, `->`, status (`lost` where the answer was not
recorded, `refused`, `tls`, `aborted` where there is none), and what the answer holds, separated by ` | `: `challenge
…`, `token NAME key=value…` (a JWT where `access=`, `sub=`, `exp=` … is given), `location URL`, `next URL`, `error CODE
message`, `json TEXT`, `html`, `text …`, `layers URL…`, `header Name: value`. Credentials: `-`, `basic(user)`,
`basic(user:password)`, `bearer(NAME)`, `both(user,NAME)`, `raw(header value)`. Indented lines after it: `> Name: value`
adds a request header, `form key=value&…` a body, and `took 400s`, `size 1000`, `connection ID`, `address IP`, `process
1 name`, `withheld REASON` say more about the exchange.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange, FailureKind
from regauth_core.model.finding import Diagnosis, Reason
from regauth_core.model.journal import Ending
from regauth_core.model.withheld import Withheld
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor

BEGIN = 1_750_000_000.0
REALM = "https://auth.test/token"
BLOB = "sha256:" + 64 * "a"
FOLDER = Path(__file__).parents[1] / "conversations"
_LINE = re.compile(
    r"(?:\[(?P<client>\w+)\] )?(?P<method>[A-Z]+) +(?P<target>\S+) +(?P<credential>-|\w+\(.*?\)) *"
    r"-> (?P<status>\w+) *(?P<rest>.*)"
)
_FAILURES = {
    "lost": FailureKind.NOT_RECORDED,
    "refused": FailureKind.CONNECT,
    "tls": FailureKind.TLS,
    "aborted": FailureKind.CLIENT_ABORTED,
}
_DETAILS = ("registry", "repository", "client", "cause", "confidence", "exchanges")
"""What an `expect:` line may say of a finding."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One `expect:` line."""

    rule: str
    severity: tuple[str, ...]
    fault: tuple[str, ...]
    details: dict[str, str]


@dataclass(slots=True)
class Talk:
    """A conversation as it was on the wire, and what is to be said about it."""

    name: str
    wires: list[Wire] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    undecided: list[tuple[str, str]] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    silent: str = ""
    known: bool = False
    ending: Ending = Ending.GONE
    quiet: float = 30.0
    agent: str = "skopeo/1.9.3"

    def exchanges(self) -> Iterator[Exchange]:
        """What the core gets to see of it."""
        redactor = Redactor(b"k" * 32)
        return (observe(wire, redactor) for wire in self.wires)

    def diagnosis(self) -> Diagnosis:
        """What is said about it."""
        diagnoser = Diagnoser(quiet_time=self.quiet, credentials_known=self.known)
        for exchange in self.exchanges():
            diagnoser.add(exchange)
        return diagnoser.finish(self.ending)


def jwt(claims: dict[str, object]) -> str:
    """An unsigned token with these claims (RFC 7519)."""
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class _Reader:
    def __init__(self, name: str) -> None:
        self.talk = Talk(name)
        self.now = BEGIN
        self.tokens: dict[str, str] = {}

    def header(self, key: str, value: str) -> None:
        talk = self.talk
        if key == "expect" and value in ("nothing", "silence"):
            talk.silent = value
        elif key == "expect":
            rule, severity, fault, *details = _expectation(value)
            talk.expected.append(
                Expected(
                    rule, tuple(severity.split("|")), tuple(fault.split("|")), dict(d.split("=", 1) for d in details)
                )
            )
        elif key == "undecided":
            rule, _, reason = value.partition(" ")
            talk.undecided.append((rule, str(Reason(reason))))
        elif key == "near":
            talk.near.append(value)
        elif (key, value) == ("client", "has credentials"):
            talk.known = True
        elif key == "ending":
            talk.ending = Ending(value)
        elif key == "quiet":
            talk.quiet = float(value)
        elif key == "agent":
            talk.agent = value
        elif key != "source":
            raise ValueError("unknown header")

    def line(self, match: re.Match[str]) -> None:
        target = match["target"].replace("{realm}", REALM)
        scheme, host, port, path = _split(target if "://" in target else "https://registry.test" + target)
        status = match["status"]
        headers, body = self._answer([p for p in match["rest"].split(" | ") if p])
        default = 443 if scheme == "https" else 80
        client = match["client"]
        request_headers = [
            ("Host", host if port == default else f"{host}:{port}"),
            ("User-Agent", self.talk.agent if client in (None, "c1") else f"{client}/1.0"),
            *(("Authorization", value) for value in self._credentials(match["credential"])),
        ]
        wire = Wire(
            number=len(self.talk.wires) + 1,
            method=match["method"],
            scheme=scheme,
            host=host,
            port=port,
            path=path,
            request_headers=tuple(request_headers),
            request_body=None,
            request_size=0,
            status=int(status) if status.isdigit() else None,
            response_headers=tuple(headers),
            response_body=body,
            response_size=len(body or b""),
            failure=None if status.isdigit() else (_FAILURES[status], status),
            started=self.now,
            first_byte=self.now + 0.01,
            ended=self.now + 0.02,
            address="127.0.0.1",
        )
        self.talk.wires.append(wire)
        self.now += 0.05

    def _credentials(self, text: str) -> list[str]:
        if text == "-":
            return []
        kind, _, inside = text[:-1].partition("(")
        if kind == "basic":
            pair = inside if ":" in inside else f"{inside}:{inside}-password-1"
            return ["Basic " + base64.b64encode(pair.encode()).decode()]
        if kind == "bearer":
            return ["Bearer " + self.tokens.setdefault(inside, f"opaque-{inside}-0123456789abcdef")]
        if kind == "both":
            user, _, token = inside.partition(",")
            return [*self._credentials(f"basic({user})"), *self._credentials(f"bearer({token})")]
        return [inside]

    def _answer(self, parts: list[str]) -> tuple[list[tuple[str, str]], bytes | None]:
        headers: list[tuple[str, str]] = []
        body: bytes | None = None
        kind = "application/json"
        for part in parts:
            word, _, rest = part.replace(
                "{realm}", f'realm="{REALM}"' if part.startswith("challenge") else REALM
            ).partition(" ")
            if word == "challenge":
                headers.append(("WWW-Authenticate", rest))
            elif word == "location":
                headers.append(("Location", rest))
            elif word == "next":
                headers.append(("Link", f'<{rest}>; rel="next"'))
            elif word == "header":
                name, _, value = rest.partition(": ")
                headers.append((name, value))
            elif word == "token":
                body = self._token(rest)
            elif word == "error":
                code, _, message = rest.partition(" ")
                body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
            elif word == "json":
                body = rest.encode()
            elif word == "layers":
                kind = "application/vnd.docker.distribution.manifest.v2+json"
                body = json.dumps({"schemaVersion": 2, "layers": [{"urls": rest.split()}]}).encode()
            elif word in ("html", "text"):
                kind, body = ("text/html" if word == "html" else "text/plain"), (rest or "<html>login</html>").encode()
            else:
                raise ValueError(f"unknown answer {word}")
        if body is not None and not any(n.lower() == "content-type" for n, _ in headers):
            headers.append(("Content-Type", kind))
        return headers, body

    def _token(self, text: str) -> bytes:
        name, *pairs = text.split()
        given = dict(p.split("=", 1) for p in pairs)
        claims: dict[str, object] = {}
        for key in ("sub", "iss", "aud"):
            if key in given:
                claims[key] = given.pop(key)
        for key in ("exp", "nbf", "iat"):
            if key in given:
                claims[key] = int(self.now + float(given.pop(key)))
        if "access" in given:
            words = [w for w in given.pop("access").split(";") if w]
            claims["access"] = [
                {"type": w.split(":")[0], "name": w.split(":")[1], "actions": w.split(":")[2].split(",")} for w in words
            ]
        value = jwt({"jti": name, **claims}) if claims else f"opaque-{name}-0123456789abcdef"
        self.tokens[name] = value
        answer: dict[str, object] = {given.pop("field", "token"): value}
        for key, text_value in given.items():
            answer[key] = int(text_value) if re.fullmatch(r"-?\d+", text_value) else text_value
        return json.dumps(answer).encode()

    def detail(self, text: str) -> None:
        wire = self.talk.wires[-1]
        word, _, rest = text.partition(" ")
        if word == ">":
            name, _, value = rest.partition(": ")
            kept = [h for h in wire.request_headers if h[0].lower() != name.lower()]
            wire = replace(wire, request_headers=(*kept, (name, value)))
        elif word == "form":
            form = ("Content-Type", "application/x-www-form-urlencoded")
            wire = replace(
                wire, request_headers=(*wire.request_headers, form), request_body=rest.encode(), request_size=len(rest)
            )
        elif word == "took":
            seconds = float(rest.rstrip("s"))
            wire = replace(wire, ended=wire.started + seconds)
            self.now = wire.started + seconds + 0.05
        elif word == "size":
            wire = replace(wire, request_size=int(rest))
        elif word == "connection":
            wire = replace(wire, connection=rest)
        elif word == "address":
            wire = replace(wire, address=rest)
        elif word == "withheld":
            wire = replace(wire, withheld=Withheld(rest))
        elif word == "process":
            number, _, program = rest.partition(" ")
            wire = replace(wire, process=int(number), program=program)
        else:
            raise ValueError("unknown detail")
        self.talk.wires[-1] = wire


def _expectation(text: str) -> list[str]:
    """The words of an `expect:` line, checked."""
    words = text.split()
    if len(words) < 3 or not all(word.partition("=")[0] in _DETAILS for word in words[3:]):
        raise ValueError(f"expected nothing, silence, or rule, severity, fault and any of {'=, '.join(_DETAILS)}=")
    return words


def _split(url: str) -> tuple[str, str, int, str]:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    host, _, port = authority.partition(":")
    return scheme, host, int(port or (443 if scheme == "https" else 80)), slash + path


def read(text: str, name: str) -> Talk:
    """The conversation that `text` notes. Raises `ValueError` with the line that is not in the notation, and why."""
    reader = _Reader(name)
    for number, line in enumerate(text.replace("{blob}", BLOB).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            try:
                _read_line(reader, line)
            except (ValueError, LookupError) as error:
                raise ValueError(f"{name}:{number}: {error}: {line}") from error
    return reader.talk


def _read_line(reader: _Reader, line: str) -> None:
    if line.startswith((" ", "\t")):
        reader.detail(line.strip())
    elif line.startswith("+"):
        reader.now += float(line[1:].rstrip("s"))
    elif match := _LINE.fullmatch(line.strip()):
        reader.line(match)
    elif re.match(r"[a-z]+: ", line):
        key, _, value = line.partition(": ")
        reader.header(key, value.strip())
    else:
        raise ValueError("neither a header nor an exchange")


def conversations() -> list[Talk]:
    """All recorded conversations, each under the name of its rule and file: ``challenge-ignored/open-ping-basic``."""
    found = sorted(p for p in FOLDER.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc"))
    return [read(path.read_text(), str(path.relative_to(FOLDER).with_suffix(""))) for path in found]


def complaints(talk: Talk, diagnosis: Diagnosis) -> list[str]:
    """In what a diagnosis differs from what the talk expects; empty where it does not."""
    found = list(diagnosis.findings)
    wrong = []
    for expected in talk.expected:
        fits = [f for f in found if f.rule == expected.rule]
        if not fits:
            wrong.append(f"{expected.rule} is missing")
            continue
        finding = fits[0]
        found.remove(finding)
        shown = {
            "severity": (finding.severity, expected.severity),
            "fault": (finding.fault, expected.fault),
            **{key: (_shown(finding, key), (value,)) for key, value in expected.details.items()},
        }
        wrong += [f"{finding.rule}: {k} is {got}, not {want}" for k, (got, want) in shown.items() if got not in want]
    loud = [f for f in found if f.severity != "info" or talk.silent == "silence"]
    wrong += [f"{f.rule} ({f.severity}, {f.exchanges}) is not expected" for f in loud]
    undecided = [(u.rule, str(u.reason)) for u in diagnosis.undecided]
    wrong += [f"undecided {u} is missing" for u in talk.undecided if u not in undecided]
    wrong += [f"undecided {u} is not expected" for u in undecided if u not in talk.undecided and talk.silent]
    return wrong


def in_words(diagnosis: Diagnosis) -> Iterator[str]:
    """Everything that is said, as an author wants to read it."""
    for finding in diagnosis.findings:
        exchanges = ",".join(map(str, finding.exchanges))
        cause = f" cause={finding.cause}" if finding.cause else ""
        yield f"\n{finding.rule} {finding.severity} {finding.fault}{cause} exchanges={exchanges}"
        yield from (f"  {text}" for text in (finding.title, finding.explanation))
        yield f"  user: {finding.advice.user}"
        yield f"  client's author: {finding.advice.client_author}"
        yield f"  confidence {finding.confidence}: {finding.confidence_reason}"
    for case in diagnosis.undecided:
        yield f"\nundecided: {case.rule} {case.reason}\n  {case.explanation}"


def _shown(finding: object, key: str) -> str:
    value = getattr(finding, key)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
