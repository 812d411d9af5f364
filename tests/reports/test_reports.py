"""Conversations rebuilt from public reports: who was at fault and why, as the reports found it in the end.

They are HAR files with neutral names. None of them was at hand when the rules were written, so they show what the rules
say of what nobody had shown them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.model.finding import Severity
from regauth_core.model.outcome import Verdict
from regauth_core.report.outcome import conclusion

FOLDER = Path(__file__).parents[1] / "reports"


class Told(NamedTuple):
    """What is to be said: the one finding above info, and what it must advise and must not."""

    rule: str | None
    fault: str | None
    cause: str | None
    verdict: Verdict
    advice: str = ""
    not_advice: tuple[str, ...] = ()


_PASSWORD = ("password (or", "renew the password", "spelling")

REPORTS = {
    "fresh-token-refused-at-login": Told(
        "fresh-token-refused", "configuration", "invalid-token", Verdict.REFUSED, "issuer", _PASSWORD
    ),
    "every-lookup-refused-after-a-good-exchange": Told(
        "fresh-token-refused", "configuration", "several-tokens", Verdict.REFUSED, "audience", _PASSWORD
    ),
    "vanity-redirect-token-dropped": Told(
        "redirected-challenge-unanswered", "client", "token-lost", Verdict.REFUSED, "packages.forge.example"
    ),
    "facade-answers-bearer-crane": Told(None, None, None, Verdict.OK),
    "redirected-registry-gets-the-other-token": Told(
        "authorization-sent-cross-origin", "client", "redirect", Verdict.REFUSED, "primary.example"
    ),
    "facade-pull-alone": Told(
        "redirected-challenge-unanswered",
        "configuration",
        "login-under-another-name",
        Verdict.REFUSED,
        "must not be sent",
        ("mirror",),
    ),
    "mirror-path-extra-scope": Told(
        "unasked-scope-refused", "client", "upstream-repository", Verdict.REFUSED, "netpol/node", ("grant",)
    ),
    "placeholder-scope-of-the-ping": Told(
        "unasked-scope-refused", "client", "scope-of-the-ping", Verdict.REFUSED, "user/image", ("Store a login",)
    ),
    "realm-path-404": Told("refused-unexplained", "configuration", "token-path", Verdict.REFUSED, "path of the realm"),
    "token-server-down": Told(
        "refused-unexplained", "token-server", "token-server-error", Verdict.REFUSED, "later", ("Host header",)
    ),
    "token-refused-for-the-address": Told(
        "refused-unexplained", "configuration", "address-rule", Verdict.REFUSED, "address", _PASSWORD
    ),
    "session-cookie-brings-csrf": Told("refused-unexplained", "client", "csrf", Verdict.REFUSED, "cookies", _PASSWORD),
    "token-answer-of-wrong-types": Told(
        "unusable-token-response", "token-server", "field-types", Verdict.REFUSED, "expires_in"
    ),
    "ping-wants-a-repository": Told(
        "challenge-scope-wrong", "registry", "ping-names-repository", Verdict.REFUSED, "ping"
    ),
    "logged-in-and-yet-limited-as-anonymous": Told(
        "rate-limited", "registry", "anonymous", Verdict.NOT_AUTHENTICATION, "index.docker.io/v1/", ("Log in to",)
    ),
    "presented-basic-answered-400": Told(
        "refused-unexplained", "client", "credential-not-asked-for", Verdict.REFUSED, "challenge"
    ),
    "client-certificate-missing": Told(
        "refused-unexplained", "configuration", "client-certificate", Verdict.REFUSED, "certificate", _PASSWORD
    ),
    "basic-beside-bearer-on-a-public-registry": Told(
        "challenge-not-retried", "client", "both-schemes-offered", Verdict.REFUSED, "Bearer alone", ("try again",)
    ),
    "pull-first-then-push": Told(None, None, None, Verdict.OK),
    "public-package-401-first": Told(None, None, None, Verdict.OK),
}

NOT_YET: frozenset[str] = frozenset()
"""Reports that are judged wrongly still. The list may only become shorter."""


def complaints(name: str) -> list[str]:
    """In what the judgement of a report differs from what was really wrong."""
    told = REPORTS[name]
    journal, _ = journal_of([FOLDER / f"{name}.har"])
    weighty = [f for f in journal.diagnosis.findings if f.severity is not Severity.INFO]
    verdict = conclusion(journal).verdict
    wrong = [] if verdict is told.verdict else [f"the verdict is {verdict}"]
    if told.rule is None:
        return wrong + [f"{f.rule} is said of a correct client" for f in weighty]
    if len(weighty) != 1:
        return [*wrong, f"{[f.rule for f in weighty]} instead of {told.rule} alone"]
    found = weighty[0]
    shown = (found.rule, str(found.fault), found.cause)
    if shown != (told.rule, told.fault, told.cause):
        wrong.append(f"{shown} instead of {(told.rule, told.fault, told.cause)}")
    user = found.advice.user
    if told.advice not in user:
        wrong.append(f"the advice does not speak of {told.advice}: {user}")
    return wrong + [f"the advice speaks of {text}: {user}" for text in told.not_advice if text in user]


def test_every_report_is_judged() -> None:
    """Each file has its line in the table, and each line its file."""
    assert {path.stem for path in FOLDER.glob("*.har")} == set(REPORTS)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_report_is_judged_as_it_was_found_in_the_end(name: str) -> None:
    """Who, why and what to do: and nobody is accused where nobody was at fault."""
    assert bool(complaints(name)) == (name in NOT_YET), complaints(name)
