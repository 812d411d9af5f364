"""JUnit XML: what is a failure, what is not, and that every text fits into XML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from kit import journals, values
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal
from regauth_core.report import junit


def _suite(journal: Journal) -> ElementTree.Element:
    suite = ElementTree.fromstring(junit.render(journal)).find("testsuite")  # noqa: S314  made by us
    assert suite is not None
    return suite


def _cases(journal: Journal) -> list[tuple[str, str, str]]:
    """Whose it is, name and outcome of each testcase but that of the verdict."""
    found = []
    for case in _suite(journal).findall("testcase"):
        outcome = next((child.tag for child in case), "passed")
        found.append((case.attrib["classname"], case.attrib["name"], outcome))
    assert [found[0][0], found[0][1]] == ["regauth", "outcome"]
    return found[1:]


def test_a_finding_is_a_failure() -> None:
    """The bug is one failed testcase of its client."""
    assert _cases(journals.per_repository()) == [("skopeo · registry.test/foo", "challenge-ignored", "failure")]
    failure = _suite(journals.per_repository()).find("testcase[2]/failure")
    assert failure is not None
    assert "fault: client (confidence high" in (failure.text or "")
    assert failure.attrib["message"].startswith("the client ignored the Basic challenge")


@pytest.mark.parametrize(
    ("make", "status", "outcome"),
    [
        (journals.correct, 0, "system-out"),
        (journals.correct, 1, "failure"),
        (journals.per_repository, 1, "failure"),
        (lambda: values.journal([]), 1, "error"),
        (lambda: values.journal([]), 0, "error"),
    ],
)
def test_the_verdict_passes_only_where_all_is_well(make: Callable[[], Journal], status: int, outcome: str) -> None:
    """A failure is one, and what could not be seen has not passed."""
    journal = make()
    journal = replace(journal, environment=replace(journal.environment, status=status))
    case = _suite(journal).find("testcase")
    assert case is not None
    assert [child.tag for child in case] == [outcome]


def test_names_are_the_same_in_every_run() -> None:
    """No process has its number in them."""
    assert all("4711" not in whose for whose, _, _ in _cases(journals.thousand()))


def test_nothing_found_is_a_passed_testcase() -> None:
    """A correct client has one testcase, which passes."""
    assert _cases(journals.correct()) == [("oras", "no finding", "passed")]


def test_each_client_and_rule_has_its_testcase() -> None:
    """Two clients, two rules, and one case that is undecided."""
    assert _cases(journals.token_exchange()) == [
        ("skopeo · registry.test/library/alpine", "authorization-sent-cross-origin", "failure"),
        ("containers · registry.test/library/alpine", "credentials-rejected", "failure"),
        ("containers · registry.test/library/alpine", "challenge-not-retried", "skipped"),
    ]
    suite = _suite(journals.token_exchange())
    assert [suite.attrib[name] for name in ("tests", "failures", "skipped")] == ["4", "3", "1"]


def test_a_rule_that_fired_twice_is_one_testcase() -> None:
    """Both findings are in it, where they are about one repository."""
    journal = journals.per_repository()
    (finding,) = journal.diagnosis.findings
    twice = replace(journal, diagnosis=replace(journal.diagnosis, findings=(finding, replace(finding, client="c1"))))
    assert len(_cases(twice)) == 1
    told = [case.findtext("failure") or "" for case in _suite(twice).findall("testcase")]
    assert told[1].count("fault:") == 2


def test_an_info_is_no_failure() -> None:
    """What nobody has to act on does not turn a build red."""
    journal = journals.per_repository()
    mild = replace(journal.diagnosis.findings[0], severity=Severity.INFO)
    assert _cases(replace(journal, diagnosis=replace(journal.diagnosis, findings=(mild,)))) == [
        ("skopeo · registry.test/foo", "challenge-ignored", "system-out")
    ]


@pytest.mark.parametrize("make", [journals.hostile, journals.overflowing])
def test_hostile_text_is_xml(make: Callable[[], Journal]) -> None:
    """What XML cannot hold is an escape, and nothing of the data is an element."""
    text = junit.render(make())
    text.encode("utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314  made by us
    known = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= known


def test_escapes_are_visible() -> None:
    """A control character can be read off the report."""
    assert r"\x1b]0;title\x07" in junit.render(journals.hostile())
