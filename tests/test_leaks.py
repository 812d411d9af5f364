"""No planted secret is in anything that is ever shown, and both layers that see to it are needed."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import brotli
import pytest
import zstandard
from mitmproxy import flow as mitmflow
from mitmproxy import io as mitmio
from mitmproxy.test import tflow

from kit import journals
from kit.canaries import leaks, password
from kit.messages import CHALLENGE, MANIFEST, REALM, basic, jwt, opaque, wire
from kit.outputs import STORIES, Story, outputs, recorded, told
from kit.proxy import Got, Reply, Upstream, running
from regauth_core.edge import last_look
from regauth_core.edge.offline import journal_of
from regauth_core.edge.outputs import report_text, write_reports
from regauth_core.edge.trouble import Trouble
from regauth_core.model import Safe
from regauth_core.redact import Redactor
from regauth_core.report import structure


def leaked(story: Story, folder: Path) -> list[str]:
    """Every secret of the story that is in any output."""
    return [f"{leak}: {name}" for name, text in outputs(story, folder) for leak in leaks(text, story.secrets)]


# Both layers together.


@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_no_planted_secret_is_in_any_output(story: Story, tmp_path: Path) -> None:
    """Reports of every format, terminals of every width, live lines, traces, and diagnoses of files are clean."""
    assert leaked(story, tmp_path) == []


@pytest.mark.parametrize("story", [story for story in STORIES if story.kept], ids=attrgetter("id"))
def test_what_a_diagnosis_needs_is_still_there(story: Story, tmp_path: Path) -> None:
    """Digests, scopes, services, error codes, life times and claims are in the trace, and in the HAR file."""
    shown = dict(outputs(story, tmp_path))
    for name in ("trace", ".har.json of live", ".har.json of trace"):
        assert [word for word in story.kept if word not in shown[name]] == []


@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_redaction_hides_no_finding(story: Story, tmp_path: Path) -> None:
    """The challenge that nobody answers is found, whatever else had to be taken out."""
    shown = dict(outputs(story, tmp_path))
    assert shown[".json of live"] == shown[".json of trace"]
    for name in (".json of live", "diagnose flows, json", "diagnose har, json"):
        assert "challenge-ignored" in [one["rule"] for one in json.loads(shown[name])["findings"]], name


OPAQUE = [story for story in STORIES if any(secret.startswith("9kY") for secret in story.secrets)]


@pytest.mark.parametrize("story", OPAQUE, ids=attrgetter("id"))
def test_no_piece_of_a_token_is_shown_either(story: Story, tmp_path: Path) -> None:
    """Cutting, folding and wrapping leave nothing of a token: not twelve characters in a row."""
    long = [secret for secret in story.secrets if secret.startswith("9kY")]
    pieces = {secret[at : at + 12] for secret in long for at in range(len(secret) - 11)}
    for name, text in outputs(story, tmp_path):
        assert [piece for piece in pieces if piece in text] == [], name


# Each layer alone.

NEEDS_SWEEP = {"N16a", "N16b", "N16c", "N16d", "N16e", "N17b", "N24"}
"""The secret is words among words: only who has seen it where it belongs can know it."""
NEEDS_ALLOW_LIST = {"N16", "N20", "N26", "N27", "N29"}
"""Nothing but the words around it, or that its place is not on the list, says that it is a secret: nobody remembers."""


@pytest.fixture
def without_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The final look finds nothing."""
    monkeypatch.setattr(Redactor, "sweep", lambda _, text: (text, 0))


@pytest.fixture
def without_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be replaced is kept as it was; that it was seen is remembered as always."""
    mark, veil, prose, user = Redactor.mark, Redactor.veil, Redactor.prose, Redactor.user

    def kept_mark(self: Redactor, secret: str, kind: str) -> str:
        mark(self, secret, kind)
        return secret

    def kept_veil(self: Redactor, text: str, kind: str = "val", *, sure: bool = False) -> str:
        veil(self, text, kind, sure=sure)
        return text

    def kept_prose(self: Redactor, text: str) -> str:
        prose(self, text)
        return text

    def kept_user(self: Redactor, name: str) -> Safe:
        user(self, name)
        return name  # type: ignore[return-value]

    monkeypatch.setattr(Redactor, "mark", kept_mark)
    monkeypatch.setattr(Redactor, "veil", kept_veil)
    monkeypatch.setattr(Redactor, "prose", kept_prose)
    monkeypatch.setattr(Redactor, "user", kept_user)


@pytest.mark.usefixtures("without_sweep")
@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_the_allow_list_alone(story: Story, tmp_path: Path) -> None:
    """Without the sweep all is clean but what only the sweep can know."""
    assert bool(leaked(story, tmp_path)) == (story.id in NEEDS_SWEEP)


@pytest.mark.usefixtures("without_allow_list")
@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_the_sweep_alone(story: Story, tmp_path: Path) -> None:
    """With everything kept the sweep takes out all that was known as a secret when it was seen."""
    assert bool(leaked(story, tmp_path)) == (story.id in NEEDS_ALLOW_LIST)


# Broken into pieces.

PHRASES = (
    "correct horse_battery `staple` 42",
    "zwölf <b>Boxkämpfer</b> & 'Viktor' | jagen",
    "a\\b c|d ``e`` *f* _g_ ~h~ $i$ @j #12",
    "over the lazy dog " * 12,
    opaque("phrase", 700),
)


def bare(text: str) -> str:
    """The letters and digits of a text: what is left of it however it was marked up, quoted, folded or wrapped."""
    return "".join(sign for sign in text if sign.isalnum())


@pytest.mark.usefixtures("without_allow_list")
@pytest.mark.parametrize("phrase", PHRASES)
def test_no_markup_hides_a_secret_from_the_sweep(phrase: str, tmp_path: Path) -> None:
    """Neither code spans and escapes nor narrow terminals and colours take a pass phrase apart so that it gets through."""
    story = Story(
        "phrase",
        told(
            wire(MANIFEST, ("Authorization", "Basic " + basic("alice", phrase))),
            wire(status=403, answer=json.dumps({"errors": [{"code": "DENIED", "message": f"not with {phrase} again"}]})),
        ),
        (phrase,),
        notes=(f"the client said {phrase} and left",),
        version=f"client configured with {phrase}",
        command=("client", "login", phrase),
    )
    for name, text in outputs(story, tmp_path):
        assert leaks(text, story.secrets) == [], name
        assert bare(phrase) not in bare(text), name
    assert "left" in dict(outputs(story, tmp_path))[".md of live"]


# What cannot be taken out.

WORDS = [
    (".json", "explanation"),
    (".json", "client_author"),
    (".json", "challenge"),
    (".har.json", "startedDateTime"),
    (".html", "exchange"),
    (".html", "textContent"),
    (".xml", "testsuite"),
    (".xml", "failures"),
    (".md", "### Received"),
]


@pytest.mark.parametrize(("ending", "word"), WORDS)
def test_secret_that_is_a_part_of_the_format_stops_the_report(ending: str, word: str, tmp_path: Path) -> None:
    """Nothing is written, what was there stays, one line says why and does not say the word."""
    path = tmp_path / f"report{ending}"
    path.write_text("before")
    redactor = Redactor(b"k" * 32)
    redactor.remember(word)
    journal = journals.per_repository()
    is_shown = word in report_text(journal, path.name, Redactor(b"k" * 32))
    assert is_shown
    complaints = write_reports(journal, [path, tmp_path / "other.txt.json"], redactor)
    if word == "challenge":
        # Only text for readers holds it: it is replaced.
        assert complaints == ()
        assert word not in path.read_text()
        return
    assert complaints[0] == f"{path}: {last_look.REFUSAL}"
    assert path.read_text() == "before"
    assert word not in complaints[0]
