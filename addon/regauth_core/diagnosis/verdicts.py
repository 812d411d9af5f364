"""From what rules match to what is said: one failure gets one finding, and the same finding is reported once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regauth_core.conversation.conversation import Conversation, EndedBy
from regauth_core.conversation.engines import remedy
from regauth_core.conversation.refusal import reasons_of
from regauth_core.model import Exchange, Origin
from regauth_core.model.finding import (
    Advice,
    Confidence,
    Fault,
    Finding,
    Proof,
    ProofResult,
    Reason,
    Severity,
    TakenBack,
    Undecided,
    Verification,
)
from regauth_core.model.stated_reasons import BEYOND_THE_LOGIN
from regauth_core.rules.base import Match, Rule

MOST_FINDINGS = 10_000
MOST_EXCHANGES = 500
"""How many exchanges one finding lists."""


class Verdicts:
    """Collects findings and undecided matters over a whole trace."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, ...], Finding] = {}
        self._undecided: dict[tuple[str, ...], Undecided] = {}
        self._provable: set[str] = set()
        self._proofs: dict[int, Verification] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of their first exchange."""
        return tuple(sorted(map(self._proven, self._findings.values()), key=lambda f: (f.exchanges[:1], f.rule)))

    @property
    def undecided(self) -> tuple[Undecided, ...]:
        """All undecided matters, in the order of their first exchange."""
        return tuple(sorted(self._undecided.values(), key=lambda u: (u.exchanges[:1], u.rule)))

    def prove(self, proof: Proof) -> None:
        """Take what came of sending a refused exchange as a correct client would have sent it."""
        if len(self._proofs) < MOST_FINDINGS:
            self._proofs[proof.exchange] = proof.verification

    def is_provable(self, finding: Finding) -> bool:
        """Whether such a proof would say more about `finding`."""
        return finding.rule in self._provable and self._proof(finding) is None

    def _proof(self, finding: Finding) -> Verification | None:
        return next((self._proofs[number] for number in finding.exchanges if number in self._proofs), None)

    def _proven(self, finding: Finding) -> Finding:
        proof = self._proof(finding) if finding.rule in self._provable and self._proofs else None
        return proven(finding, proof) if proof is not None else finding

    def chosen(self, conversation: Conversation, matches: Sequence[tuple[Rule, Match]]) -> list[tuple[Rule, Match]]:
        """Of the matches of one conversation, those that are reported, with their doubts."""
        said = [(rule, match) for rule, match in matches if not _is_refuted(rule, match)]
        return chosen(
            [(rule, qualified) for rule, match in said if (qualified := _qualified(conversation, rule, match))]
        )

    def take(self, conversation: Conversation, told: Sequence[tuple[Rule, Match]]) -> list[Finding]:
        """What the chosen matches of one conversation say that has not been said before."""
        new: list[Finding] = []
        for rule, match in told:
            if match.undecided is not None:
                self._keep_undecided(_undecided(conversation, rule, match, match.undecided))
            elif self._keep(found := _finding(conversation, rule, match)):
                new.append(found)
                if rule.is_provable:
                    self._provable.add(rule.name)
        return new

    def take_back(self, conversation: Conversation, rule: Rule, match: Match, by: Exchange) -> TakenBack | None:
        """What a match of a conversation had said turns out to be wrong, `by` an exchange; `None` if it was not said.

        Where other conversations gave the same finding, it stays for their sake.
        """
        found = _finding(conversation, rule, match)
        known = self._findings.get(key := _key(found))
        if known is None:
            return None
        left = tuple(n for n in known.exchanges if n not in found.exchanges)
        if left:
            self._findings[key] = replace(known, exchanges=left)
        else:
            del self._findings[key]
        return TakenBack(
            rule=found.rule,
            client=found.client,
            registry=found.registry,
            repository=found.repository,
            exchanges=found.exchanges,
            by=by.number,
            at=by.finished,
        )

    def _keep(self, found: Finding) -> bool:
        key = _key(found)
        known = self._findings.get(key)
        if known is None:
            if len(self._findings) < MOST_FINDINGS:
                self._findings[key] = found
            return True
        numbers = tuple(sorted({*known.exchanges, *found.exchanges}))[:MOST_EXCHANGES]
        worse = max(known, found, key=lambda f: f.severity.rank)
        self._findings[key] = replace(worse, exchanges=numbers)
        return False

    def _keep_undecided(self, one: Undecided) -> None:
        key = (one.rule, one.client, one.registry, one.repository or "", one.reason)
        if key not in self._undecided and len(self._undecided) < MOST_FINDINGS:
            self._undecided[key] = one


def _key(found: Finding) -> tuple[str, ...]:
    """What is equal for findings that are one."""
    return (found.rule, found.client, found.registry, found.repository or "", found.cause or "")


def chosen(matches: Sequence[tuple[Rule, Match]]) -> list[tuple[Rule, Match]]:
    """Of several matches in one conversation, those to report.

    `matches` comes in the order of root causes. Those that stand alone are all reported. Of the others, the first rule
    with a warning or an error is told, with all its matches; where there is none, the first that stays undecided, or
    the first with an info.
    """
    alone = [(r, m) for r, m in matches if r.stands_alone]
    others = [(r, m) for r, m in matches if not r.stands_alone]
    weighty = [(r, m) for r, m in others if m.undecided is None and _severity(r, m) is not Severity.INFO]
    pool = weighty or [(r, m) for r, m in others if m.undecided is not None] or others
    return alone + [(r, m) for r, m in pool if r is pool[0][0] or pool[0][0].name in r.beside]


def proven(finding: Finding, proof: Verification) -> Finding:
    """`finding` with its proof; confidence and fault follow from it.

    A client that failed to answer is at fault only if the answer would have helped: where the credentials themselves
    are refused, they come first.
    """
    found = replace(finding, verification=proof)
    if proof.outcome is ProofResult.WOULD_HAVE_WORKED and finding.fault is Fault.CLIENT:
        return replace(found, confidence=Confidence.HIGH, confidence_reason=f"proved: {proof.note}")
    if proof.outcome not in (ProofResult.CREDENTIALS_REJECTED, ProofResult.INSUFFICIENT_RIGHTS):
        return found
    certain = proof.outcome is ProofResult.CREDENTIALS_REJECTED
    return replace(
        found,
        fault=Fault.CREDENTIALS,
        confidence=Confidence.HIGH if certain else Confidence.MEDIUM,
        confidence_reason=f"tried beside the client: {proof.note}",
        explanation=f"{finding.explanation} regauth sent what a correct client would have sent: {proof.note}.",
        advice=replace(
            finding.advice,
            user="Try other credentials first: every client that sends these will be refused."
            if certain
            else "Get the account the missing right first: every client would fail without it.",
        ),
    )


_ALTERED = (
    Reason.CHANGED_BY_REGAUTH,
    "regauth changed what passed between this client and this registry; record with regauth_inject=off to decide this",
)
_UNFINISHED = {
    EndedBy.CUT: (Reason.CAPTURE_CUT, "the capture ends before the conversation was over"),
    EndedBy.STOPPED: (
        Reason.QUIET_TIME_NOT_REACHED,
        "the recording stopped while the client might still have continued",
    ),
}


def _is_refuted(rule: Rule, match: Match) -> bool:
    """Whether the answers say themselves that it was something else."""
    return rule.yields and any(BEYOND_THE_LOGIN.intersection(reasons_of(e)) for e in match.exchanges)


def _qualified(conversation: Conversation, rule: Rule, match: Match) -> Match | None:
    """A match that a later exchange could have undone is undecided where later exchanges may be missing.

    So is a match that blames a client for exchanges that regauth changed.
    What would only be an info is then left out.
    """
    if match.undecided is None and conversation.at_registry.is_altered and (match.fault or rule.fault) is Fault.CLIENT:
        match = replace(match, undecided=_ALTERED)
    unfinished = _UNFINISHED.get(conversation.over)
    if not rule.at_once and match.undecided is None and unfinished is not None and match.rests_on_absence:
        match = replace(match, undecided=unfinished)
    return None if match.undecided is not None and _severity(rule, match) is Severity.INFO else match


def _severity(rule: Rule, match: Match) -> Severity:
    return match.severity or rule.severity


def _evidence(conversation: Conversation, match: Match) -> tuple[tuple[int, ...], Origin]:
    numbers = tuple(sorted({e.number for e in match.exchanges}))[:MOST_EXCHANGES]
    origins = [e.origin for e in match.exchanges if e.target.repository == conversation.repository]
    return numbers, origins[0] if origins and origins[0].host == conversation.origin.host else conversation.origin


def _finding(conversation: Conversation, rule: Rule, match: Match) -> Finding:
    numbers, origin = _evidence(conversation, match)
    confidence, because = match.confidence, match.because
    rests = match.rests_on_absence and not rule.at_once
    if rests and conversation.over is EndedBy.CLEAN:
        confidence, because = confidence.less, f"{because}; the capture does not show that the client had ended"
    if rests and conversation.dropped:
        confidence, because = Confidence.LOW, f"{because}; {conversation.dropped} earlier exchanges were dropped"
    help_today = remedy(rule.name, match.cause, conversation.client_state.engine)
    user = f"{match.user.rstrip('.')}; {help_today}." if help_today else match.user
    return Finding(
        rule=rule.name,
        severity=_severity(rule, match),
        fault=match.fault or rule.fault,
        confidence=confidence,
        confidence_reason=because,
        cause=match.cause,
        client=conversation.client_state.identifier,
        registry=str(origin),
        repository=conversation.repository,
        exchanges=numbers,
        title=match.title,
        explanation=match.explanation,
        advice=Advice(client_author=match.client_author, user=user),
        references=rule.references,
    )


def _undecided(conversation: Conversation, rule: Rule, match: Match, undecided: tuple[Reason, str]) -> Undecided:
    numbers, origin = _evidence(conversation, match)
    return Undecided(
        rule=rule.name,
        reason=undecided[0],
        client=conversation.client_state.identifier,
        registry=str(origin),
        repository=conversation.repository,
        exchanges=numbers,
        explanation=f"{match.title}: {undecided[1]}",
    )
