"""`regauth scenarios`: the shipped scenarios, one of them, or the schema of their files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from regauth_core.edge.errors import UserError
from regauth_core.edge.scenarios import scenario_at, scenario_path, shipped_scenarios
from regauth_core.simulate.checks import CHECKS
from regauth_core.simulate.document import nearest
from regauth_core.simulate.policy import Scenario, Topic

_WIDTH = 80


def listing() -> str:
    """All shipped scenarios by topic, at most `_WIDTH` columns wide."""
    found = [scenario_at(scenario_path(name)) for name in shipped_scenarios()]
    widest = max((len(scenario.id) for scenario in found), default=0)
    lines: list[str] = []
    for topic in Topic:
        group = [scenario for scenario in found if scenario.topic is topic]
        if group:
            lines += ["", f"{topic}:"]
        for scenario in group:
            title = textwrap.wrap(scenario.title, _WIDTH - widest - 4)
            lines.append(f"  {scenario.id.ljust(widest)}  {title[0]}")
            lines += [f"{' ' * (widest + 4)}{line}" for line in title[1:]]
    lines += ["", "regauth scenarios NAME shows one; regauth run --scenario NAME -- … plays it."]
    return "\n".join(lines[1:]) + "\n"


def page(name: str) -> str:
    """The shipped scenario called `name`, with what it tests, who was hit, and how to try it. Raises `UserError`."""
    names = shipped_scenarios()
    if name not in names:
        raise UserError(f"scenarios: unknown scenario {name[:80]!r}{nearest(name, list(names))}; see regauth scenarios")
    path = scenario_path(name)
    scenario = scenario_at(path)
    parts = [path.read_text("utf-8").rstrip(), "", *_tested(scenario), *_hit(scenario), *_tried(scenario)]
    return "\n".join(parts) + "\n"


def _tested(scenario: Scenario) -> Iterator[str]:
    yield "What a client has to do right:"
    for name in scenario.checks:
        check = CHECKS[name]
        yield f"  {name} ({check.level})"
        yield from textwrap.wrap(
            f"{check.text}. {check.clause}.", _WIDTH, initial_indent="    ", subsequent_indent="    "
        )
    yield ""


def _hit(scenario: Scenario) -> Iterator[str]:
    if scenario.seen:
        yield f"Seen at: {', '.join(scenario.seen)}"
    if scenario.links:
        yield "Who was hit by it:"
        yield from (f"  {_link(link)}" for link in scenario.links)
    if scenario.seen or scenario.links:
        yield ""


def _link(text: str) -> str:
    repository, mark, number = text.partition("#")
    return f"https://github.com/{repository}/issues/{number}" if mark else text


def _tried(scenario: Scenario) -> Iterator[str]:
    client = scenario.client
    if client is None:
        return
    user = scenario.user(client.user) if client.user else None
    login = f"{user.name}:{client.password or user.password}" if user else ""
    place = f"docker://{scenario.registry.host}/{client.repository}"
    credentials = f" --creds {login}" if login else ""
    target = f" --dest-creds {login}" if login else ""
    command = {
        "tags": f"skopeo list-tags{credentials} {place}",
        "pull": f"skopeo inspect{credentials} {place}:latest",
    }.get(client.action, f"skopeo copy{target} dir:IMAGE {place}:new")
    yield "Try it:"
    yield f"  regauth run --scenario {scenario.id} -- \\"
    yield f"    {command}"
