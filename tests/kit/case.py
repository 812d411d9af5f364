"""One finding beside the exchanges that it is about, for checks that share no code with the rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kit.notation import Talk
from kit.wire_facts import Fact, registry_name
from regauth_core.model.finding import Finding


@dataclass
class Case:
    """One finding about one conversation."""

    talk: Talk
    finding: Finding
    facts: dict[int, Fact]
    all: list[Finding]

    @cached_property
    def cited(self) -> list[Fact]:
        """The exchanges that the finding cites."""
        return [self.facts[n] for n in self.finding.exchanges]

    @cached_property
    def mine(self) -> list[Fact]:
        """Every exchange of the clients that the finding cites."""
        clients = {f.client for f in self.cited}
        found: list[Fact] = []
        for fact in (f for f in self.facts.values() if f.client in clients):
            quiet = fact.wire.started - max((f.wire.ended or f.wire.started for f in found), default=0.0)
            if found and found[-1].number >= self.cited[-1].number and quiet >= self.talk.quiet:
                # What comes after a silence is another story, about which there may be another finding.
                break
            found.append(fact)
        return found

    @cached_property
    def here(self) -> list[Fact]:
        """Those of them with the registry that the finding is about."""
        return [f for f in self.mine if f.host == self.registry]

    @cached_property
    def registry(self) -> str:
        """The registry that the finding is about, by one name."""
        return registry_name(self.finding.registry.partition("://")[2].partition(":")[0])

    @cached_property
    def refused(self) -> list[Fact]:
        """The cited exchanges that failed."""
        return [f for f in self.cited if f.is_refused]

    @cached_property
    def realms(self) -> set[str]:
        """The addresses of the token servers that the registry names to the client, without the query."""
        found = set()
        for fact in self.mine:
            for scheme, parameters in fact.challenges:
                if scheme == "bearer" and fact.host == self.registry:
                    found.add(parameters.get("realm", "").partition("?")[0])
        return found

    def is_token_request(self, fact: Fact) -> bool:
        """Whether it asks a token server for a token."""
        if fact.address in self.realms or fact.tokens:
            return True
        asks = {"scope", "service", "grant_type"} & {*fact.query, *fact.form}
        return (bool(asks) and fact.repository is None) or not (fact.is_registry or fact.path.startswith("/v1/"))

    @cached_property
    def token_requests(self) -> list[Fact]:
        """The client's requests for tokens."""
        return [f for f in self.mine if self.is_token_request(f)]

    def issue(self, token: str | None) -> Fact | None:
        """The exchange in which a token was issued."""
        return next((f for f in self.facts.values() if token in f.tokens), None) if token else None

    def used_secrets(self, fact: Fact) -> set[str]:
        """The passwords behind a request: those that it carries, or those with which its token was had."""
        issue = self.issue(fact.bearer)
        return fact.secrets | (issue.secrets if issue is not None else set())

    def is_served_later(self, fact: Fact) -> bool:
        """Whether the same client got the same later."""
        return any(f.what == fact.what and 200 <= f.status < 300 and f.number > fact.number for f in self.mine)

    def is_accepted(self, secret: str, refused: Fact) -> bool:
        """Whether a password was good soon after it was refused, for something that is not cited."""
        ends = (refused.wire.ended or refused.wire.started) + self.talk.quiet
        uses = [f for f in self.facts.values() if secret in f.secrets and f.number > refused.number]
        # An open ping takes whatever it is sent.
        good = [f for f in uses if f.tokens or (f.is_registry and f.is_served and not f.is_ping)]
        return any(f not in self.cited and f.wire.started < ends for f in good)

    @cached_property
    def texts(self) -> list[str]:
        """Every text of the finding."""
        f = self.finding
        return [f.title, f.explanation, f.confidence_reason, f.advice.user, f.advice.client_author]

    @property
    def sends_nothing_since(self) -> bool:
        """Whether the client sends nothing for this repository that the first refusal asks for."""
        first = self.refused[0]
        later = (f for f in self.here if f.number > first.number and f.repository == self.finding.repository)
        return not any(scheme in first.schemes for f in later for scheme, _ in f.credentials)
