"""JUnit XML: what is a failure, what is not, and that every text fits into XML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from kit import journals
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal
from regauth_core.report import junit


def _suite(journal: Journal) -> ElementTree.Element:
    suite = ElementTree.fromstring(junit.render(journal)).find("testsuite")  # noqa: S314  made by us
    assert suite is not None
    return suite


def _cases(journal: Journal) -> list[tuple[str, str, str]]:
    """Client, name and outcome of each testcase."""
    found = []
    for case in _suite(journal).findall("testcase"):
        outcome = next((child.tag for child in case), "passed")
        found.append((case.attrib["classname"].partition(":")[0], case.attrib["name"], outcome))
    return found


def test_a_finding_is_a_failure() -> None:
    """The bug is one failed testcase of its client."""
    assert _cases(journals.per_repository()) == [("c1", "challenge-ignored", "failure")]
    failure = _suite(journals.per_repository()).find("testcase/failure")
    assert failure is not None
    assert "fault: client (confidence high" in (failure.text or "")
    assert failure.attrib["message"].startswith("the client ignored the Basic challenge")


def test_nothing_found_is_a_passed_testcase() -> None:
    """A correct client has one testcase, which passes."""
    assert _cases(journals.correct()) == [("c1", "no finding", "passed")]


def test_each_client_and_rule_has_its_testcase() -> None:
    """Two clients, two rules, and one case that is undecided."""
    assert _cases(journals.token_exchange()) == [
        ("c1", "authorization-sent-cross-origin", "failure"),
        ("c2", "credentials-rejected", "failure"),
        ("c2", "challenge-not-retried", "skipped"),
    ]
    suite = _suite(journals.token_exchange())
    assert [suite.attrib[name] for name in ("tests", "failures", "skipped")] == ["3", "2", "1"]


def test_a_rule_that_fired_twice_is_one_testcase() -> None:
    """Both findings are told in it."""
    assert _cases(journals.thousand()) == [("c1", "challenge-ignored", "failure")]
    assert (_suite(journals.thousand()).findtext("testcase/failure") or "").count("fault:") == 2


def test_an_info_is_no_failure() -> None:
    """What nobody has to act on does not turn a build red."""
    journal = journals.per_repository()
    mild = replace(journal.diagnosis.findings[0], severity=Severity.INFO)
    assert _cases(replace(journal, diagnosis=replace(journal.diagnosis, findings=(mild,)))) == [
        ("c1", "challenge-ignored", "system-out")
    ]


@pytest.mark.parametrize("make", [journals.hostile, journals.overflowing])
def test_hostile_text_is_xml(make: Callable[[], Journal]) -> None:
    """What XML cannot hold is an escape, and nothing of the data is an element."""
    text = junit.render(make())
    text.encode("utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314  made by us
    known = {"testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= known


def test_escapes_are_visible() -> None:
    """A control character can be read off the report."""
    assert r"\x1b]0;title\x07" in junit.render(journals.hostile())
