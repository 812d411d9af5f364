"""What redactors make of thirty secrets of registry traffic: one HAR entry each, the same for everybody.

    python tests/bench/redactors.py                       # prints a Markdown table
    python tests/bench/redactors.py --python venv/bin/python

Policies of registry clients and of browsers are re-implemented in a few lines from what their projects say and do, so
read those rows as plus or minus one. Packages are the real ones; they are looked for in the environment of `--python`
(`pip install har-capture detect-secrets scrubadub`), by default this one. Safe: no planted secret is left, as it is,
percent-encoded, escaped for JSON or HTML, or inside base64. Needed: words without which nobody can tell what went wrong
(digests, scopes, services, error codes, life times), of those that the file had.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

ROOT: Final = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

from kit.canaries import CORPUS, Planted, leaks  # noqa: E402
from kit.saved import har_file  # noqa: E402
from regauth_core.edge.commands.diagnose import journal_of  # noqa: E402
from regauth_core.edge.outputs.reports import report_text  # noqa: E402

REQUIRED: Final = [planted for planted in CORPUS if planted.id.startswith("R")]
GONE: Final = "REDACTED"
Entry = dict[str, Any]
Redact = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Redactor:
    """Somebody's redactor: HAR text in, what is published out; `None` where it cannot be run here."""

    name: str
    source: str
    redact: Redact | None


def each(change: Callable[[Entry], None]) -> Redact:
    """A redactor that changes the entries of the HAR."""

    def redact(text: str) -> str:
        har = json.loads(text)
        for entry in har["log"]["entries"]:
            change(entry)
        return json.dumps(har)

    return redact


def log(line: Callable[[Entry], Iterator[str]]) -> Redact:
    """A redactor that prints lines of each entry, as a client's log does."""
    return lambda text: "\n".join(piece for entry in json.loads(text)["log"]["entries"] for piece in line(entry))


def fields(message: Entry) -> Iterator[tuple[str, str]]:
    """The header fields of a message."""
    yield from ((pair["name"], pair["value"]) for pair in message["headers"])


def shown(message: Entry, hidden: frozenset[str]) -> Iterator[str]:
    """Header lines, the values of the `hidden` fields (lower case) replaced."""
    for name, value in fields(message):
        yield f"{name}: {GONE if name.lower() in hidden else value}"


def body(entry: Entry) -> str:
    """The text of the answer."""
    return str(entry["response"]["content"].get("text", ""))


# Browsers and their helpers.

CHROME: Final = frozenset({"authorization", "cookie", "set-cookie"})


def chrome(entry: Entry) -> None:
    """Developer tools, "export HAR (sanitized)": three header fields go."""
    for message in (entry["request"], entry["response"]):
        message["headers"] = [pair for pair in message["headers"] if pair["name"].lower() not in CHROME]


CLOUDFLARE_WORDS: Final = [
    "Authorization", "SAMLRequest", "SAMLResponse", "access_token", "appID", "assertion", "auth",
    "authenticity_token", "challenge", "client_id", "client_secret", "code", "code_challenge", "code_verifier",
    "email", "facetID", "fcParams", "id_token", "password", "refresh_token", "serverData", "shdf", "state", "token",
    "usg", "vses2", "x-client-data",
]  # fmt: skip
_JWT = re.compile(r"\b(ey[\w=-]+\.ey[\w=-]+)\.[\w.+/=-]+")


def cloudflare(words: list[str], *, everything: bool = False) -> Redact:
    """The upload sanitizer: signatures of JWTs, values behind known words, or all that can be selected."""

    def redact(text: str) -> str:
        if everything:
            text = each(_all_pairs)(text)
        text = _JWT.sub(r"\1.redacted", text)
        for word in map(re.escape, words):
            text = re.sub(rf'([\s";,&?]{word}=)[^&"\s;\\]+', rf"\1{GONE}", text)
            text = re.sub(rf'("name": "{word}",\s*"value": ")(?:[^"\\]|\\.)*', rf"\1{GONE}", text)
        return text

    return redact


def _all_pairs(entry: Entry) -> None:
    for message in (entry["request"], entry["response"]):
        for pair in message["headers"]:
            # The destination of a redirect is not one of the headers that it offers to hide.
            if pair["name"].lower() != "location":
                pair["value"] = GONE
    parts = urlsplit(entry["request"]["url"])
    query = urlencode([(name, GONE) for name, _ in parse_qsl(parts.query, keep_blank_values=True)])
    entry["request"]["url"] = parts._replace(query=query).geturl()
    if "postData" in entry["request"]:
        posted = parse_qsl(entry["request"]["postData"]["text"], keep_blank_values=True)
        entry["request"]["postData"]["text"] = urlencode([(name, GONE) for name, _ in posted])
    # Every media type that it lists can be selected too.
    entry["response"]["content"].pop("text", None)


# Registry clients.


def crane(entry: Entry) -> Iterator[str]:
    """`crane -v`: Authorization goes, bodies of token exchanges and of blobs are left out."""
    hidden = frozenset({"authorization"})
    request, answer = entry["request"], body(entry)
    yield f"--> {request['method']} {request['url']}"
    yield from shown(request, hidden)
    yield from shown(entry["response"], hidden)
    if "/token" not in request["url"] and "/blobs/" not in request["url"]:
        yield answer


def regctl(entry: Entry) -> Iterator[str]:
    """`regctl -v trace`: URL and headers without Authorization, no bodies."""
    yield f"{entry['request']['method']} {entry['request']['url']}"
    yield from shown(entry["request"], frozenset({"authorization"}))
    yield from shown(entry["response"], frozenset())


_CONFORMANCE = re.compile(r'(?i)((?:authorization|token|state)[^\s:="]*"?\s*[:=]\s*"?)[^\s"&,][^\n"&]*')


def conformance(entry: Entry) -> Iterator[str]:
    """The conformance tests of the OCI distribution specification: whatever follows one of three words."""
    request = entry["request"]
    lines = [f"{request['method']} {request['url']}", *shown(request, frozenset())]
    lines += [request.get("postData", {}).get("text", ""), *shown(entry["response"], frozenset()), body(entry)]
    yield from (_CONFORMANCE.sub(rf"\1{GONE}", line) for line in lines)


ORAS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


def oras(entry: Entry) -> Iterator[str]:
    """`oras --debug` of the main branch: four header fields, all query values, bodies in which a token is named."""
    yield f"{entry['request']['method']} {_bare(entry['request']['url'])}"
    for message in (entry["request"], entry["response"]):
        for name, value in fields(message):
            if name.lower() in ORAS:
                value = GONE
            elif name.lower() in ("location", "content-location", "referer"):
                value = _bare(value)
            yield f"{name}: {value}"
    answer = body(entry)
    if answer and "/blobs/" not in entry["request"]["url"]:
        yield "withheld" if re.search(r'(?i)"[^"]*(?:token|password|secret)[^"]*"\s*:', answer) else answer


def _bare(url: str) -> str:
    parts = urlsplit(url)
    query = "&".join(f"{pair.partition('=')[0]}={GONE}" for pair in parts.query.split("&") if pair)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query).geturl()


# Packages.

PACKAGES: Final = {
    "har-capture": """
from har_capture.sanitization.har import sanitize_har
def redact(text): return json.dumps(sanitize_har(json.loads(text))[0])
""",
    "detect-secrets": """
import os, tempfile
from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings
def redact(text):
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file: file.write(text)
    secrets = SecretsCollection()
    with default_settings(): secrets.scan_file(file.name)
    os.unlink(file.name)
    for _, secret in secrets:
        if secret.secret_value: text = text.replace(secret.secret_value, "REDACTED")
    return text
""",
    "scrubadub": """
import scrubadub
def redact(text): return scrubadub.clean(text)
""",
}
_FRAME: Final = """
import importlib.metadata, json, logging, sys, warnings
warnings.simplefilter("ignore"); logging.disable()
{definition}
texts = json.load(sys.stdin)
json.dump([importlib.metadata.version({name!r}), [redact(text) for text in texts]], sys.stdout)
"""


def package(name: str, python: str) -> Redactor:
    """A package that another environment may have."""
    program = _FRAME.format(definition=PACKAGES[name], name=name)
    files = {planted.id: har_file([planted.wire]) for planted in REQUIRED}
    done = subprocess.run(  # noqa: S603
        [python, "-c", program], input=json.dumps(list(files.values())), capture_output=True, text=True, check=False
    )
    if done.returncode:
        return Redactor(name, "not installed", None)
    version, texts = json.loads(done.stdout)
    made = dict(zip(files.values(), texts, strict=True))
    return Redactor(f"{name} {version}", "the package", made.__getitem__)


# Ours.


def regauth(text: str) -> str:
    """`regauth report FILE -o x.har.json`."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.har"
        path.write_text(text, encoding="utf-8")
        journal, redactor = journal_of([path])
    return report_text(journal, "x.har.json", redactor)


def redactors(python: str) -> list[Redactor]:
    """All of them."""
    policy = "its policy"
    return [
        Redactor("nothing", "the file as it is", str),
        Redactor("Cloudflare har-sanitizer, API default", policy, cloudflare([])),
        Redactor("Chrome, sanitized export", policy, each(chrome)),
        *(package(name, python) for name in ("scrubadub", "detect-secrets")),
        Redactor("Cloudflare har-sanitizer, page default", policy, cloudflare(CLOUDFLARE_WORDS)),
        Redactor("crane -v", policy, log(crane)),
        Redactor("regctl -v trace", policy, log(regctl)),
        Redactor("OCI conformance", policy, log(conformance)),
        package("har-capture", python),
        Redactor(
            "Cloudflare har-sanitizer, everything selected", policy, cloudflare(CLOUDFLARE_WORDS, everything=True)
        ),
        Redactor("oras --debug, main branch", policy, log(oras)),
        Redactor("regauth", "`regauth report`", regauth),
    ]


def row(one: Redactor) -> str:
    """A line of the table."""
    if one.redact is None:
        return f"| {one.name} | {one.source} | – | – | – |"
    leaking: list[str] = []
    needed = kept = 0
    for planted in REQUIRED:
        text = har_file([planted.wire])
        published = one.redact(text)
        if leaks(published, planted.secrets):
            leaking.append(planted.id)
        words = _needed(planted, text)
        needed += len(words)
        kept += sum(1 for word in words if word in published)
    told = _ranges(leaking) or "none"
    return f"| {one.name} | {one.source} | {len(REQUIRED) - len(leaking)} | {told} | {kept} of {needed} |"


def _needed(planted: Planted, text: str) -> list[str]:
    return [word for word in planted.kept if word in text]


def _ranges(names: list[str]) -> str:
    """``R01–R05, R07``."""
    runs: list[list[str]] = []
    for name in names:
        if runs and int(name[1:]) == int(runs[-1][-1][1:]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]}{'–' if len(run) > 2 else ', '}{run[-1]}" for run in runs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the packages (this one)")
    arguments = parser.parse_args()
    print(f"| Redactor | Run as | Safe of {len(REQUIRED)} | Leaks | Needed words kept |")
    print("| --- | --- | --- | --- | --- |")
    for one in redactors(arguments.python):
        print(row(one))


if __name__ == "__main__":
    main()
