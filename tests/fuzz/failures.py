"""Lets clients with bugs fail at random registries, and prints what is said of each failure, to be read.

    python tests/fuzz/failures.py --seed 1 --count 50

Read each account as the person would whose pull has failed: is it true, and does it say what to do? Whatever is not
shown by the conversation, and every failure without an account, is printed too, and ends it with status 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent / "addon")]

from kit.claims import wrong  # noqa: E402
from kit.clients_with_bugs import Bug, Client  # noqa: E402
from kit.notation import Talk  # noqa: E402
from kit.wire_facts import Fact  # noqa: E402
from regauth_core.model.finding import Diagnosis  # noqa: E402
from regauth_core.simulate.registry import Registry  # noqa: E402
from regauth_core.simulate.scenario import read  # noqa: E402

_PASSWORD = "wonder-land-1"  # noqa: S105
_STEPS: list[dict[str, Any]] = [
    {"status": 429, "body": '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'},
    {"status": 500},
    {"status": 503, "body": "<html>maintenance</html>", "headers": {"Content-Type": "text/html"}},
    {"status": 403, "body": '{"errors":[{"code":"DENIED","message":"quota exceeded for this project"}]}'},
    {"status": 403, "body": '{"errors":[{"code":"DENIED","message":"client with IP 10.0.0.7 is not allowed access"}]}'},
    {"status": 403, "body": '{"errors":[{"code":"DENIED","message":"token was revoked"}]}'},
    {"status": 401, "body": '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'},
    {"status": 400, "body": "400 Bad Request"},
    {"status": 404, "body": "404 page not found"},
]


def scenario(chosen: random.Random) -> dict[str, Any]:
    """A registry of a random policy."""
    pick = chosen.choice
    rights = pick([["pull"], ["pull", "push"], ["pull", "push", "delete"], ["push"], []])
    registry: dict[str, Any] = {
        "ping": {"anonymous": pick([200, 401, 401, 401, 403, 404])},
        "deny": {
            "anonymous": pick([401, 401, 401, 403, 404]),
            "invalid": pick([401, 401, "ignored", 400, 403]),
            "hide_unknown": pick([True, False]),
        },
        "repositories": [
            {"name": "team/app", "users": {"alice": rights}, "images": [1]},
            {"name": "public", "anonymous": ["pull"], "images": [1]},
        ],
        "blobs": pick([{}, {}, {"mode": "redirect"}, {"mode": "redirect", "lifetime": 0}]),
    }
    made: dict[str, Any] = {
        "schema": "regauth.scenario/1",
        "id": "x",
        "title": "t",
        "users": {"alice": {"password": _PASSWORD}},
        "registry": registry,
    }
    if pick([True, True, False]):
        made["token"] = {
            "host": "auth.test",
            "kind": pick(["jwt", "opaque"]),
            "narrow": pick(["intersect", "intersect", 401, 403]),
            "wrong_password": pick([401, 401, 403, "anonymous"]),
            "field": pick(["both", "both", "token", "access_token", "neither"]),
            "grants": {"anonymous": pick(["served", "served", 401]), "password": pick(["served", 404, 405])},
            "required": pick([True, False]),
            "expires_in": pick([300, 300, 60]),
        }
        if pick([True, False, False]):
            made["token"]["steps"] = [{**pick(_STEPS), "times": 3}]
        registry["challenge"] = pick(
            [
                {},
                {},
                {"items": [{"scheme": "Basic"}, {"scheme": "Bearer"}]},
                {"items": [{"scheme": "Negotiate"}, {"scheme": "Bearer"}]},
                {"items": []},
                {"error": False},
            ]
        )
    if pick([True, False, False]):
        registry["steps"] = [{**pick(_STEPS), "endpoints": [pick(["manifest", "blob", "ping"])], "times": 3}]
    return made


def failure(chosen: random.Random) -> tuple[str, Talk]:
    """What a client of a random bug comes to at a random registry, with words for it."""
    made = scenario(chosen)
    registry = Registry(read(yaml.safe_dump(json.loads(json.dumps(made)), sort_keys=False), "x.yaml"), secret=b"s" * 32)
    login = chosen.choice([("alice", _PASSWORD), ("alice", _PASSWORD), ("alice", "wrong-password-1"), None])
    client = Client(registry, chosen.choice(list(Bug)), login)
    repository = chosen.choice(["team/app", "team/app", "public", "team/ap"])
    is_push = chosen.choice([True, False, False])
    if is_push:
        client.push(repository)
    else:
        client.pull(repository, chosen.choice(["1", "1", "9"]), chosen.choice([0.0, 400.0]))
    who = "nobody" if login is None else f"alice, {'right' if login[1] == _PASSWORD else 'wrong'} password"
    told = f"bug: {client.bug} ({client.bug.name}); login: {who}; {'push to' if is_push else 'pull of'} {repository}"
    return f"{told}\npolicy: {made['registry']} {made.get('token', '')}", client.talk()


def is_failed(talk: Talk) -> bool:
    """Whether the last thing that the client got was no good."""
    last = Fact(talk.wires[-1])
    return not last.is_served or bool(last.path.endswith("/token") and not last.tokens)


def account(talk: Talk, diagnosis: Diagnosis) -> str:
    """The conversation and what is said of it, as text."""
    lines = []
    for fact in map(Fact, talk.wires):
        sent = " ".join(scheme for scheme, _ in fact.credentials) or ("form" if fact.form else "-")
        said = "; ".join(v for v in fact.response_headers("www-authenticate"))
        asked = f"{fact.number:2} {fact.wire.method} {fact.address} {sent}"
        lines.append(f"  {asked} -> {fact.status} {said} {fact.body[:90]!r}")
    for f in diagnosis.findings:
        lines.append(f"  * {f.rule} [{f.cause}] {f.severity} {f.fault} {f.confidence} {f.exchanges}: {f.title}")
        lines += [f"      {f.explanation}", f"      user: {f.advice.user}", f"      author: {f.advice.client_author}"]
    lines += [f"  ? {u.rule} {u.reason} {u.exchanges}: {u.explanation}" for u in diagnosis.undecided]
    lines += [f"  - {o.kind} {o.exchanges} {o.end} by {o.account}" for o in diagnosis.operations]
    return "\n".join(lines)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    options = parser.parse_args()
    chosen = random.Random(options.seed)  # noqa: S311
    failures = complaints = 0
    while failures < options.count:
        told, talk = failure(chosen)
        if not is_failed(talk):
            continue
        failures += 1
        diagnosis = talk.diagnosis()
        print(f"#{failures} {told}", account(talk, diagnosis), sep="\n")
        for complaint in wrong(talk):
            complaints += 1
            print(f"  !! {complaint}")
        if not diagnosis.findings and not diagnosis.undecided:
            print("  !! nothing is said")
    print(f"{failures} failures, {complaints} complaints, seed {options.seed}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
