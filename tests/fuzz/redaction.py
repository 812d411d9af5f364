"""Puts random secrets at random places of random exchanges, and looks for them in everything that is shown of it.

    python tests/fuzz/redaction.py                         # ten minutes
    python tests/fuzz/redaction.py --seconds 60 --corpus DIRECTORY
    python tests/fuzz/redaction.py --replay 00ff…          # one input again, with all that was made of it

Guided by coverage where atheris is installed, else by hypothesis. An input is a string of bytes from which a story is
read: secrets, exchanges, where in them the secrets stand in what spelling and between what signs, and which output is
looked at. A leak ends the run with status 1 and prints the input.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import os
import sys
import tempfile
import time
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar
from unittest import mock
from urllib.parse import quote, quote_plus

ROOT: Final = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

try:
    import atheris
except ImportError:
    atheris = None

with atheris.instrument_imports(include=["regauth_core"]) if atheris is not None else contextlib.nullcontext():
    from kit.canaries import leaks, password
    from kit.messages import CHALLENGE, basic, jwt, opaque, wire
    from kit.saved import flow_file, har_file
    from regauth_core.edge.commands.diagnose import journal_of
    from regauth_core.edge.mitm.recorder import Recorder
    from regauth_core.edge.outputs.reports import print_summary, report_text
    from regauth_core.edge.outputs.trace import TraceWriter
    from regauth_core.model import ChangeKind, FailureKind
    from regauth_core.model.journal import Ending, Journal
    from regauth_core.recording.observe import Wire, observe
    from regauth_core.redaction.redactor import Redactor
    from regauth_core.report import ENDINGS

T = TypeVar("T")
LONGEST: Final = 400
"""Bytes of an input."""

NOISE = (
    "", "", "", " ", ",", ";", "=", '"', "'", "<", ">", "\\", "%", "&", "/", ".", ":", "\n", "\t", "\x1b", "\u00e9",
    "\U0001f511", "\u202e", "x", "A", "0", "token=", "Bearer ", "Basic ", "key: ", "?a=", "](", "`", "|", "(", "%25",
    "sha256:", "eyJ", "-", "_", "+", "~", "@", "$", "#", "{", "[", "\x00", "\ud800", "password is ", "\u2028",
)  # fmt: skip


class Source:
    """Decisions, read from bytes; when they are used up, every decision is the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data[:LONGEST]
        self._at = 0

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def pick(self, choices: Sequence[T]) -> T:
        """One of at most 256 choices."""
        return choices[self.byte() % len(choices)]

    def noise(self) -> str:
        """A few signs that mean something somewhere."""
        return "".join(self.pick(NOISE) for _ in range(self.byte() % 3))


@dataclass(frozen=True)
class Secret:
    """A secret, and whether its looks alone give it away."""

    text: str
    is_opaque: bool


SECRETS: tuple[Callable[[str], Secret], ...] = (
    lambda name: Secret(opaque(name, 36), True),
    lambda name: Secret(opaque(name, 24), True),
    lambda name: Secret(opaque(name, 300), True),
    lambda name: Secret(jwt(name), True),
    lambda name: Secret("ghp_" + opaque(name, 40), True),
    lambda name: Secret(password(name[:6]), False),
    lambda name: Secret(password(name[:6]).replace("-", " "), False),
    lambda name: Secret(f"{name[:4]}!w\u00f6rd\u20ac", False),
    lambda name: Secret(f"{name[:4]}\"<b>&'%3a|`\\", False),
    lambda name: Secret(f"{name[:3]}\nline\t{name[:3]}", False),
    # Fewer than 16 hexadecimal digits are left alone in the middle of a digest, so they are no secret to look for here.
    lambda name: Secret("z" + name[:6], False),
    lambda name: Secret(str(int(name[:14], 16) + 10**16), False),
)
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: quote(_bytes(text), safe=""),
    lambda text: b64encode(_bytes(text)).decode(),
    lambda text: urlsafe_b64encode(b"{}" + _bytes(text)).decode().rstrip("="),
    lambda text: json.dumps(text)[1:-1],
    lambda text: quote(quote(_bytes(text), safe=""), safe=""),
)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# Where the place tells that it is a secret: anything goes.

CERTAIN: tuple[Callable[[str], Wire], ...] = (
    lambda s: wire("/v2/a/tags/list", ("Authorization", "Basic " + b64encode(b"alice:" + _bytes(s)).decode())),
    lambda s: wire("/v2/a/tags/list", ("Authorization", f"Bearer {s}")),
    lambda s: wire("/v2/a/tags/list", ("Authorization", f"Basic {basic('bob', 'x')}, Bearer {s}")),
    lambda s: wire("/v2/a/tags/list", ("PROXY-authorization", f"Bearer\t{s}")),
    lambda s: wire("/v2/a/tags/list", ("Cookie", f"sid={quote(_bytes(s))}")),
    lambda s: wire(headers=(("Set-Cookie", f"sid={quote(_bytes(s))}; Path=/; HttpOnly"),)),
    lambda s: wire("/v2/a/tags/list", ("X-Auth-Token", s)),
    lambda s: wire(f"/v2/a/tags/list?access_token={quote(_bytes(s))}"),
    lambda s: wire(status=307, headers=(("Location", f"https://u:{quote(_bytes(s), safe='')}@b.test/x"),)),
    lambda s: wire(status=307, headers=(("Location", f"https://b.test/x?sig={quote(_bytes(s), safe='')}"),)),
    lambda s: _form(f"grant_type=password&username=alice&password={quote_plus(_bytes(s))}"),
    lambda s: _form(f"grant_type=refresh_token&service=s&refresh_token={quote(_bytes(s), safe='')}"),
    lambda s: _token(json.dumps({"token": s, "expires_in": 60})),
    lambda s: _token(json.dumps({"access_token": "x", "refresh_token": s}, ensure_ascii=False)),
    lambda s: _token(json.dumps({"data": {"Access_Token": s}, "token": "y"})),
)  # fmt: skip

# Anywhere else; `{}` is replaced.

PATHS = (
    "/v2/team/app/manifests/{}",
    "/v2/team/{}/tags/list",
    "/v2/team/app/blobs/{}",
    "/v2/team/app/blobs/uploads/{}?_state={}",
    "/v2/a/tags/list?{}=1",
    "/v2/a/tags/list?x={}",
    "/v2/_catalog?last={}",
    "/token?scope=repository:{}:pull&service=s",
    "/token?service={}&account={}",
    "/token/{}/x",
    "/token?scope={}&client_id={}",
    "/v2/a/blobs/uploads/?mount={}&from={}",
    "/v1/{}",
    "/x/v2/{}/tags/list",
    "//{}",
    "/v2/{}/../{}/manifests/a",
    "/v2/a/manifests/x#{}",
    "{}",
)
REQUEST_FIELDS = (
    ("User-Agent", "tool/1.0 {}"),
    ("X-Other", "{}"),
    ("Host", "a.test:{}"),
    ("Accept", "{}"),
    ("{}", "x"),
    ("Referer", "https://a.test/{}?{}"),
    ("Range", "bytes={}"),
    ("Cookie", "{}=a; b"),
    ("Authorization", "{} abc"),
    ("Authorization", 'Digest username="{}", response="{}"'),
    ("Via", "1.1 {}"),
    ("Expect", "{}"),
)
RESPONSE_FIELDS = (
    ("WWW-Authenticate", 'Bearer realm="https://auth.test/{}",service="{}",scope="repository:{}:pull"'),
    ("WWW-Authenticate", 'Basic realm="{}"'),
    ("WWW-Authenticate", "Negotiate {}"),
    ("WWW-Authenticate", "{}"),
    ("WWW-Authenticate", 'Bearer realm="https://a.test/t",error="{}",error_description="{}",{}="x"'),
    ("Location", "https://b.test/x/{}?{}={}#{}"),
    ("Location", "{}"),
    ("Location", "/v2/a/blobs/uploads/{}"),
    ("Link", '</v2/_catalog?last={}&n=1>; rel=next; title="{}"'),
    ("Server", "x {}"),
    ("ETag", '"{}"'),
    ("Docker-Content-Digest", "{}"),
    ("Docker-Upload-UUID", "{}"),
    ("Content-Type", "text/{}"),
    ("Date", "{}"),
    ("Warning", '299 - "{}"'),
    ("Retry-After", "{}"),
    ("OCI-Subject", "{}"),
    ("Vary", "{}"),
    ("Set-Cookie", "{}=1"),
    ("Content-Location", "{}"),
    ("RateLimit-Limit", "{}"),
    ("X-Request-Id", "{}"),
)
BODIES = (
    '{"errors":[{"code":"DENIED","message":"{}"}]}',
    '{"errors":[{"code":"{}","detail":[{"Type":"{}","Name":"{}","Action":"{}"}]}]}',
    '{"error":"{}","error_description":"{}"}',
    '{"details":"{}","{}":1}',
    "{}",
    "<html><h1>{}</h1><p title='{}'>no</p>",
    '"{}"',
    '["{}"]',
    '{"message":{"a":"{}"}}',
    "denied: {}",
    '{"token":"{}',
    '{"layers":[{"urls":["https://a.test/{}"]}]}',
    '{"token":"a.eyJhY2Nlc3MiOltdfQ.b","scope":"{}","{}":"{}"}',
)
OTHERS = ("failure", "change", "label", "program", "protocol", "method")


def _form(text: str) -> Wire:
    return wire(
        "/token", method="POST", host="auth.registry.test", body=text.encode("utf-8", "surrogateescape"), answer="{}"
    )


def _token(body: str) -> Wire:
    raw = body.encode("utf-8", "surrogatepass")
    return wire("/token?service=registry.test&scope=repository:a:pull", host="auth.registry.test", answer=raw)


def anywhere(source: Source, secret: str) -> Wire:
    """An exchange with the secret at a place that says nothing of it."""

    def put(template: str, within: Callable[[str], str] = str) -> str:
        text = source.noise() + source.pick(SPELLINGS)(secret) + source.noise()
        return template.replace("{}", within(text))

    kind = source.byte() % 5
    status = source.pick((200, 401, 403, 404, 307, 202, 500, 201))
    if kind == 0:
        return wire(put(source.pick(PATHS), source.pick(WITHIN_PATHS)), status=status)
    if kind == 1:
        name, value = source.pick(REQUEST_FIELDS)
        return wire("/v2/a/tags/list", (put(name), put(value)), status=status)
    if kind == 2:
        fields = [source.pick(RESPONSE_FIELDS) for _ in range(1 + source.byte() % 2)]
        return wire(status=status, headers=tuple((put(name), put(value)) for name, value in fields))
    if kind == 3:
        path = source.pick(
            ("/v2/a/manifests/1", "/token?service=s&scope=repository:a:pull", "/v2/", "/v2/a/blobs/uploads/")
        )
        inner = source.pick(WITHIN_BODIES)
        body = put(source.pick(BODIES), inner).encode("utf-8", "surrogatepass")
        return wire(path, status=status, answer=source.pick((body, b"\xef\xbb\xbf" + body, body[:-1])))
    return other(source, put("{}"))


def other(source: Source, text: str) -> Wire:
    """An exchange with `text` where it is no part of a message."""
    changed: dict[str, dict[str, object]] = {
        "failure": {"status": None, "failure": (source.pick(list(FailureKind)), f"no {text}")},
        "change": {"changes": ((ChangeKind.OTHER, f"set {text}"),)},
        "label": {"label": text},
        "program": {"program": text},
        "protocol": {
            "alpn": text,
            "alpn_offers": (text,),
            "http_version": text,
            "tls_version": text,
            "connection": text,
        },
        "method": {"method": text},
    }
    return replace(wire("/v2/a/tags/list"), **changed[source.pick(OTHERS)])  # type: ignore[arg-type]


def quote_any(text: str) -> str:
    """Percent-encoded, whatever it is."""
    return quote(_bytes(text))


def in_json(text: str) -> str:
    """As a part of a JSON string."""
    return json.dumps(text)[1:-1]


WITHIN_PATHS: tuple[Callable[[str], str], ...] = (str, quote_any)
WITHIN_BODIES: tuple[Callable[[str], str], ...] = (str, in_json)


@dataclass(frozen=True)
class Made:
    """What an input stands for."""

    secrets: tuple[Secret, ...]
    wires: tuple[Wire, ...]
    anonymize: frozenset[str]


def story(source: Source) -> Made:
    """The story that is read from `source`."""
    # The challenge names the token server: what goes to others is not watched in files.
    challenged = wire("/v2/team/other/tags/list", status=401, headers=(("WWW-Authenticate", CHALLENGE),))
    secrets, wires = [], [wire("/v2/", answer="{}"), challenged]
    for _ in range(1 + source.byte() % 2):
        # Of a hash, so that changing a byte gives another secret and not one that looks like words.
        name = opaque(f"{source.byte()} {source.byte()}", 40).encode().hex()[6:]
        secret = source.pick(SECRETS)(name)
        secrets.append(secret)
        if not secret.is_opaque or source.byte() % 2:
            wires.append(source.pick(CERTAIN)(secret.text))
        wires += [anywhere(source, secret.text) for _ in range(source.byte() % 3)]
    wires.append(wire("/v2/team/app/tags/list", status=401, headers=(("WWW-Authenticate", 'Basic realm="r"'),)))
    placed = [
        replace(one, number=n, started=one.started + n, ended=one.started + n + 0.1) for n, one in enumerate(wires, 1)
    ]
    kinds = [kind for kind in ("hosts", "repositories", "users") if not source.byte() % 4]
    return Made(tuple(secrets), tuple(placed), frozenset(kinds))


def recorded(made: Made, trace: Path) -> tuple[Journal, Redactor]:
    """The story as it is recorded live."""
    redactor = Redactor(os.urandom(32), anonymize=made.anonymize)
    recorder = Recorder(
        redactor, started=1.0, quiet_time=30.0, credentials_known=True, trace=TraceWriter(trace, redactor)
    )
    for one in made.wires:
        recorder.end(one)
    return recorder.finish(Ending.GONE, 1.0), redactor


def show(source: Source, made: Made, folder: Path) -> tuple[str, str]:
    """Name and text of one of the outputs."""
    way = source.pick(("live", "trace", "flows", "har"))
    path = folder / way
    path.unlink(missing_ok=True)
    if way in ("live", "trace"):
        journal, redactor = recorded(made, path)
        if way == "trace":
            text = path.read_text("utf-8", "surrogatepass")
            if source.byte() % 2:
                return "trace", text
            journal, redactor = journal_of([path], anonymize=made.anonymize)
    else:
        # These formats hold what can be on the wire.
        wires = [_sendable(one) for one in made.wires]
        if way == "flows":
            path.write_bytes(flow_file(wires))
        else:
            path.write_text(har_file(wires))
        journal, redactor = journal_of([path], credentials_known=True, anonymize=made.anonymize)
    ending = source.pick((*ENDINGS, "80", "33"))
    if ending.startswith("."):
        return f"{ending} of {way}", report_text(journal, f"x{ending}", redactor)
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"COLUMNS": ending}):
        print_summary(journal, redactor, out)
    return f"terminal of {way}", out.getvalue()


def _sendable(one: Wire) -> Wire:
    def clean(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    changed: dict[str, object] = {}
    for field in dataclasses.fields(one):
        held = getattr(one, field.name)
        if isinstance(held, str):
            changed[field.name] = clean(held if field.name != "path" or held.startswith("/") else f"/{held}")
        elif field.name.endswith("headers"):
            changed[field.name] = tuple((clean(name), clean(value)) for name, value in held)
        elif field.name == "request_body" and held is not None:
            changed[field.name] = held.decode("utf-8", "replace").encode()
    return replace(one, **changed)  # type: ignore[arg-type]


def is_name(secret: Secret, made: Made) -> bool:
    """Whether a pass phrase is also the name of a repository or host in the story, which stays readable."""
    redactor = Redactor(b"k" * 32)
    for one in made.wires:
        observe(one, redactor)
    redactor.remember(secret.text)
    return not secret.is_opaque and not redactor.sweep(secret.text)[1]


class Leak(Exception):
    """A secret was shown."""


def check(data: bytes, folder: Path, *, loud: bool = False) -> None:
    """Make the story of `data`, show it, and look for its secrets. Raises `Leak`."""
    source = Source(data)
    made = story(source)
    name, text = show(source, made, folder)
    found = leaks(text, tuple(secret.text for secret in made.secrets if not is_name(secret, made)))
    if loud:
        for one in made.wires:
            print({field.name: getattr(one, field.name) for field in dataclasses.fields(one)})
        print(text)
    if found:
        raise Leak(f"{name}: {found}\n  --replay {data[:LONGEST].hex()}")


def check_or_exit(data: bytes, folder: Path) -> None:
    """As `check`, but ends the process with status 1 where something leaks or fails: libFuzzer catches exceptions."""
    try:
        check(data, folder)
    except Leak as leak:
        print(f"LEAK in {leak}", flush=True)
        os._exit(1)
    except Exception:
        traceback.print_exc()
        print(f"  --replay {data[:LONGEST].hex()}", flush=True)
        os._exit(1)


def run(engine: str, seconds: float, corpus: Path | None) -> None:
    """Try inputs for so many seconds. Raises `Leak`."""
    with tempfile.TemporaryDirectory() as name:
        if engine == "atheris":
            kept = [str(corpus)] if corpus else []
            limits = [
                f"-max_total_time={int(seconds)}",
                f"-max_len={LONGEST}",
                "-len_control=0",
                "-print_final_stats=1",
                # What libFuzzer writes itself, of inputs that take too long or too much memory.
                f"-artifact_prefix={name}/",
            ]
            atheris.Setup([sys.argv[0], *kept, *limits], lambda data: check_or_exit(data, Path(name)))
            atheris.Fuzz()
            return
        from hypothesis import HealthCheck, Phase, given, seed, settings
        from hypothesis import strategies as st

        until, rounds = time.monotonic() + seconds, 0
        while time.monotonic() < until:

            @seed(rounds)
            @settings(
                max_examples=300,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )
            @given(st.binary(min_size=20, max_size=LONGEST))
            def attempt(data: bytes) -> None:
                check(data, Path(name))

            attempt()
            rounds += 1
        print(f"{rounds * 300} inputs, no leak")


def main() -> int:
    """Read the command line; 1 if something leaked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    known = ("atheris", "hypothesis") if atheris is not None else ("hypothesis",)
    parser.add_argument("--engine", choices=known, default=known[0], help="what makes the inputs")
    parser.add_argument("--corpus", type=Path, help="directory of inputs that are kept from run to run (atheris)")
    parser.add_argument("--replay", metavar="HEX", help="try this input only, and print its story")
    arguments = parser.parse_args()
    try:
        if arguments.replay is not None:
            with tempfile.TemporaryDirectory() as name:
                check(bytes.fromhex(arguments.replay), Path(name), loud=True)
        else:
            run(arguments.engine, arguments.seconds, arguments.corpus)
    except Leak as leak:
        print(f"LEAK in {leak}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
