"""What is read out of `WWW-Authenticate`, and what is said about its defects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from regauth_core.model import Flaw, FlawKind
from regauth_core.protocol import challenge
from regauth_core.protocol.challenge import RawChallenge, ReadLines

_HEADERS = Path(__file__).parents[1] / "headers"
CASES: list[dict[str, Any]] = yaml.safe_load((_HEADERS / "challenges.yaml").read_text("utf-8"))

TCHARS = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
WORDS = st.text(TCHARS, min_size=1, max_size=8)
NAMES = WORDS.map(str.lower)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BLOBS = st.builds(str.__add__, st.text("09AZaz-._~+/", min_size=1, max_size=20), st.sampled_from(["", "=", "=="]))
MEANT_OTHERWISE = {"realm", "service", "scope", "error", "error_description", "error_uri", "charset"}
HOSTILE = st.text(
    st.one_of(st.sampled_from(list(',,=="" \\\t\r\n;:/<>')), st.sampled_from(list("Basicrelm")), st.characters())
)


def shape(found: RawChallenge) -> list[Any]:
    """A challenge in the notation of the corpus."""
    parameters = [list(pair) for pair in found.parameters]
    if found.token68 is None:
        return [found.scheme, parameters]
    return [found.scheme, found.token68, parameters] if parameters else [found.scheme, found.token68]


def all_flaws(reading: ReadLines) -> list[Flaw]:
    return [flaw for found in reading.challenges for flaw in found.flaws] + list(reading.flaws)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_every_header_of_the_corpus_is_read_as_noted(case: dict[str, Any]) -> None:
    """Schemes, parameters, blobs, flaws with offsets and unreadable lines are exactly those of the corpus."""
    reading = challenge.read(case["lines"])

    assert case["read"] == [shape(found) for found in reading.challenges]
    assert case.get("flaws", []) == [[flaw.kind.value, flaw.offset] for flaw in all_flaws(reading)]
    assert case.get("unreadable", []) == list(reading.unreadable)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_strict_parser_agrees(case: dict[str, Any]) -> None:
    """What an independent strict parser accepts it reads in the same way; what the corpus calls invalid it refuses."""
    other = pytest.importorskip("authchallenge")
    try:
        theirs = other.parse_challenges(case["lines"], strict=True)
    except other.AuthError:
        return
    assert case.get("valid", True)
    ours = [(found.scheme, found.token68, dict(found.parameters)) for found in challenge.read(case["lines"]).challenges]
    assert [(found.scheme, found.token68, found.params) for found in theirs] == ours


def test_flaw_kinds_are_all_in_the_corpus() -> None:
    """Each kind of flaw but the limits, which have tests of their own, is proven by a header."""
    seen = {kind for case in CASES for kind, _ in case.get("flaws", [])}
    assert {kind.value for kind in FlawKind} - {"too-long"} == seen


def test_each_challenge_knows_its_line() -> None:
    """Lines are counted from 0, blank ones included."""
    reading = challenge.read(["Negotiate, NTLM", "", 'Basic realm="x"'])
    assert [found.line for found in reading.challenges] == [0, 0, 2]


def test_parameter_gives_the_first_value() -> None:
    """Of a parameter given twice the first value counts."""
    (found,) = challenge.read(['Basic realm="one", realm="two"']).challenges
    assert (found.parameter("realm"), found.parameter("scope")) == ("one", None)


def test_repr_quotes_nothing_of_the_wire() -> None:
    """A challenge that ends up in a log line or an assertion tells no value."""
    reading = challenge.read(['canary1 canary2==, canary3 canary4="canary5"', "canary6="])
    assert "canary" not in repr(reading)


def test_a_long_line_is_cut_and_says_so() -> None:
    """What stands before the limit is read; the open quote that the cut leaves is not the server's."""
    (found,) = challenge.read(['Basic realm="reg", note="' + "x" * challenge.MAX_LINE + '"']).challenges
    assert found.parameter("realm") == "reg"
    assert (Flaw(FlawKind.TOO_LONG, challenge.MAX_LINE),) == found.flaws


def test_parameters_are_bounded() -> None:
    """The parameters beyond the limit are left out, with one flaw where they begin; later challenges are read."""
    many = ", ".join(f"p{i}=1" for i in range(challenge.MAX_PARAMETERS + 9))
    first, second = challenge.read([f'Newer {many}, Basic realm="reg"']).challenges
    assert len(first.parameters) == challenge.MAX_PARAMETERS
    assert (Flaw(FlawKind.TOO_LONG, len("Newer ") + many.index("p64=")),) == first.flaws
    assert second.parameters == (("realm", "reg"),)


@pytest.mark.parametrize("lines", [[", ".join(["Newer"] * 99)], ["Newer"] * 99, ["Newer, Newer, Newer"] * 99])
def test_challenges_are_bounded(lines: list[str]) -> None:
    """Over all lines together only so many challenges are read, and a flaw tells that there were more."""
    reading = challenge.read(lines)
    assert len(reading.challenges) == challenge.MAX_CHALLENGES
    assert {flaw.kind for flaw in all_flaws(reading)} == {FlawKind.TOO_LONG}


def test_exactly_as_many_challenges_as_allowed_are_no_flaw() -> None:
    """The limit itself is not too many."""
    assert all_flaws(challenge.read([", ".join(["Newer"] * challenge.MAX_CHALLENGES)])) == []


@pytest.mark.parametrize("lines", [[""] * 99 + ["Basic"], ["=="] * 99])
def test_lines_are_bounded(lines: list[str]) -> None:
    """Lines beyond the limit are not looked at, and a flaw says so."""
    reading = challenge.read(lines)
    assert reading.challenges == ()
    assert len(reading.flaws) <= challenge.MAX_FLAWS


def test_flaws_are_bounded() -> None:
    """A line of commas does not become thousands of flaws."""
    reading = challenge.read(["Basic" + "," * 10_000, "," * 10_000])
    assert len(all_flaws(reading)) <= 2 * challenge.MAX_FLAWS


class Counting:
    """Stands in for the expressions of the parser and counts the characters that they run over."""

    def __init__(self, expression: re.Pattern[str], total: list[int]) -> None:
        self.expression, self.total = expression, total

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        """As the expression does; an open quote makes it run to the end of the text."""
        found = self.expression.match(text, at)
        self.total[0] += (found.end() - at if found else 0) + 1
        if not found and text[at : at + 1] == '"':
            self.total[0] += len(text) - at
        return found


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        "=",
        ",",
        "a ",
        "a=",
        'a="',
        '\\"',
        '"\\',
        "a b",
        "Basic ",
        "Basic a",
        'Basic a="b" ',
        "a/",
        "; Basic ",
        ";",
        "\t",
        "é",
        "a,",
    ],
)
def test_the_work_grows_with_the_line_and_not_faster(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No repeated piece makes the parser run over the same text again and again."""
    total = [0]
    for name in ("_BLANKS", "_TOKEN", "_TOKEN68", "_PARAMETER_AHEAD", "_QUOTED", "_UNQUOTED", "_URL", "_JUNK"):
        monkeypatch.setattr(challenge, name, Counting(getattr(challenge, name), total))
    text = (piece * challenge.MAX_LINE)[: challenge.MAX_LINE - 1]
    challenge.read([text])
    assert total[0] <= 12 * len(text)


@given(st.lists(HOSTILE, max_size=4))
def test_nothing_on_the_wire_raises(lines: list[str]) -> None:
    """Whatever arrives is read, and every flaw points into its line."""
    reading = challenge.read(lines)
    for found in reading.challenges:
        assert all(0 <= flaw.offset < len(lines[found.line]) for flaw in found.flaws)
        assert [flaw.offset for flaw in found.flaws] == sorted(flaw.offset for flaw in found.flaws)
    longest = max(map(len, lines), default=0)
    assert all(0 <= flaw.offset < longest for flaw in reading.flaws)


@given(HOSTILE)
def test_a_line_gives_the_same_alone_and_among_others(line: str) -> None:
    """What one line says does not depend on the others."""
    alone, among = challenge.read([line]), challenge.read(["Newer", line, "Newer"])
    assert [shape(found) for found in alone.challenges] == [shape(found) for found in among.challenges[1:-1]]


def quoted(value: str, escaped: str) -> str:
    """A quoted-string for `value` that also escapes the characters of `escaped`, needlessly."""
    return '"' + "".join("\\" + c if c in '"\\' + escaped else c for c in value) + '"'


@st.composite
def challenges(draw: st.DrawFn) -> tuple[str, list[Any], int]:
    """A well-formed challenge: its text, its shape and how many parameters it has."""
    scheme = draw(WORDS)
    if draw(st.booleans()):
        blob = draw(BLOBS.filter(lambda text: text.lower() not in MEANT_OTHERWISE))
        assume(not (blob.endswith("=") and scheme.lower() in ("basic", "bearer")))
        return f"{scheme} {blob}", [scheme, blob], 0
    pairs = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda pair: pair[0]))
    blank = draw(st.sampled_from(["", " ", "\t "]))
    texts = [f"{name}{blank}={blank}{quoted(value, draw(st.sampled_from(['', 'ab', ','])))}" for name, value in pairs]
    return f"{scheme} {f'{blank},{blank}'.join(texts)}", [scheme, [list(pair) for pair in pairs]], len(pairs)


@given(st.lists(challenges(), min_size=1, max_size=5), st.sampled_from([",", ", ", "\t,\t"]))
def test_well_formed_challenges_come_back_as_they_were_written(
    written: list[tuple[str, list[Any], int]], separator: str
) -> None:
    """Quoting, blanks and joining in one line lose nothing and invent no flaw."""
    assume(all(shape[0].lower() not in MEANT_OTHERWISE for _, shape, _ in written))
    reading = challenge.read([separator.join(text for text, _, _ in written)])
    assert [expected for _, expected, _ in written] == [shape(found) for found in reading.challenges]
    assert all_flaws(reading) == []


@given(st.lists(challenges(), min_size=1, max_size=3), st.sampled_from([",", ",,", " , "]))
def test_a_strict_parser_agrees_about_what_it_accepts(
    written: list[tuple[str, list[Any], int]], separator: str
) -> None:
    """On generated headers too, the second opinion is the same wherever there is one."""
    other = pytest.importorskip("authchallenge")
    header = separator.join(text for text, _, _ in written)
    try:
        theirs = other.parse_challenges(header, strict=True)
    except other.AuthError:
        return
    ours = challenge.read([header]).challenges
    assert [(found.scheme, found.token68) for found in theirs] == [(found.scheme, found.token68) for found in ours]
    assert [found.params for found in theirs] == [dict(found.parameters) for found in ours]
