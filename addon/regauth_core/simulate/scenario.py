"""Scenario files: the policy of one registry, read with errors that name the file, the line and the key.

The vocabulary is in `policy`. What the types cannot say is checked here: that names refer to something, and that the
parts of the file fit each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from regauth_core.simulate.challenges import BRACES, PLACEHOLDERS
from regauth_core.simulate.document import ScenarioError, Spot, document, nearest
from regauth_core.simulate.policy import Challenging, Client, Scenario
from regauth_core.simulate.typed import typed

__all__ = ["Scenario", "ScenarioError", "read"]

_OF_TOKEN_SERVER = {"realm", "token"}


def read(text: str, name: str) -> Scenario:
    """The scenario in `text`; `name` is the file's, for errors, and its stem has to be the scenario's `id`.

    Raises `ScenarioError`, one line, for a `text` that is not a scenario.
    """
    top = document(text, _one_line(name))
    scenario: Scenario = typed(Scenario, top)
    for problem in _problems(scenario, top, PurePath(name)):
        raise problem
    return scenario


def _problems(scenario: Scenario, top: Spot, path: PurePath) -> Iterator[ScenarioError]:
    spots = top.entries()
    if path.suffix in (".yaml", ".yml") and path.stem != scenario.id:
        yield spots["id"].wrong(f"expected the file's name without its ending, {path.stem!r}, got {scenario.id!r}")
    registry = spots["registry"].entries()
    if "repositories" in registry:
        yield from _repository_problems(scenario, list(registry["repositories"].items()))
    for policy, spot in _challenges(scenario, registry):
        yield from _challenge_problems(policy, spot, has_token=scenario.token is not None)
    if scenario.registry.accepts and "bearer" in scenario.registry.accepts and not scenario.token:
        yield registry["accepts"].wrong("bearer needs the key 'token', which is missing")
    if "client" in spots and scenario.client is not None:
        yield from _client_problems(scenario, scenario.client, spots["client"].entries())
    elif scenario.checks:
        yield spots["checks"].wrong("checks need the key 'client', which is missing")
    if scenario.token is not None:
        yield from _token_problems(scenario, spots["token"].entries())


def _client_problems(scenario: Scenario, client: Client, spots: dict[str, Spot]) -> Iterator[ScenarioError]:
    repositories = [repository.name for repository in scenario.registry.repositories]
    for key, name in (("repository", client.repository), ("source", client.source)):
        if name is not None and name not in repositories:
            yield spots[key].wrong(f"unknown repository: not listed in 'registry'{nearest(name, repositories)}")
    if client.user is not None and scenario.user(client.user) is None:
        known = [user.name for user in scenario.users]
        yield spots["user"].wrong(f"unknown user: not listed in 'users'{nearest(client.user, known)}")
    if client.action == "mount" and client.source is None:
        yield spots["action"].wrong("a mount needs the key 'source', which is missing")


def _repository_problems(scenario: Scenario, spots: list[Spot]) -> Iterator[ScenarioError]:
    known = [user.name for user in scenario.users]
    seen: set[str] = set()
    for repository, spot in zip(scenario.registry.repositories, spots, strict=True):
        entries = spot.entries()
        if repository.name in seen:
            yield entries["name"].wrong(f"duplicate repository {repository.name!r}")
        seen.add(repository.name)
        for rights in repository.users:
            if rights.name not in known:
                user = entries["users"].entries()[rights.name]
                yield user.wrong(f"unknown user: not listed in 'users'{nearest(rights.name, known)}")
        if len(set(repository.images)) < len(repository.images):
            yield entries["images"].wrong("duplicate tag")


def _challenges(scenario: Scenario, registry: dict[str, Spot]) -> Iterator[tuple[Challenging, Spot]]:
    policy = scenario.registry
    if "challenge" in registry:
        yield policy.challenge, registry["challenge"]
    if policy.ping.challenge:
        yield policy.ping.challenge, registry["ping"].entries()["challenge"]
    if "repositories" in registry:
        for repository, spot in zip(policy.repositories, registry["repositories"].items(), strict=True):
            if repository.challenge:
                yield repository.challenge, spot.entries()["challenge"]


def _challenge_problems(policy: Challenging, spot: Spot, *, has_token: bool) -> Iterator[ScenarioError]:
    entries = spot.entries()
    if policy.raw is not None and policy.items is not None:
        yield entries["raw"].wrong("expected 'items' or 'raw', got both")
    if policy.raw is not None:
        for line, item in zip(policy.raw, entries["raw"].items(), strict=True):
            yield from _placeholder_problems(line, item, has_token=has_token)
    for offer, item in zip(policy.items or (), entries["items"].items() if policy.items else (), strict=True):
        if offer.parameters is None and offer.scheme.lower() == "bearer" and not has_token:
            yield item.wrong("Bearer without parameters needs the key 'token', which is missing")
        for parameter in offer.parameters or ():
            value = item.entries()["parameters"].entries()[parameter.name]
            yield from _placeholder_problems(parameter.value, value, has_token=has_token)


def _placeholder_problems(text: str, spot: Spot, *, has_token: bool) -> Iterator[ScenarioError]:
    for name in BRACES.findall(text):
        if name not in PLACEHOLDERS:
            choice = nearest(name, list(PLACEHOLDERS)) or f", expected one of {', '.join(PLACEHOLDERS)}"
            yield spot.wrong(f"unknown placeholder {{{name}}}{choice}")
        if name in _OF_TOKEN_SERVER and not has_token:
            yield spot.wrong(f"{{{name}}} needs the key 'token', which is missing")


def _token_problems(scenario: Scenario, spots: dict[str, Spot]) -> Iterator[ScenarioError]:
    token = scenario.token
    if token is None:
        return
    if token.realm is not None:
        if "{realm}" in token.realm:
            yield spots["realm"].wrong("the realm cannot contain itself")
        yield from _placeholder_problems(token.realm, spots["realm"], has_token=True)
    if isinstance(token.expires_in, str) and token.expires_in != "absent" and not spots["expires_in"].quoted:
        yield spots["expires_in"].expected("a number, a text in quotes, or absent")
    for step, spot in zip(token.steps, spots["steps"].items() if token.steps else (), strict=True):
        if step.endpoints:
            yield spot.entries()["endpoints"].wrong("a step of a token server cannot name endpoints")


def _one_line(name: str) -> str:
    return " ".join(name.split())
