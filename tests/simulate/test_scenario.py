"""Scenario files: what they may say, and how a mistake in one is told."""

from __future__ import annotations

import json
import os
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from regauth_core.report import jsontext
from regauth_core.simulate import policy
from regauth_core.simulate.document import DEPTH_LIMIT, NODE_LIMIT, TEXT_LIMIT
from regauth_core.simulate.policy import Action, AnswerStep, Challenging, Layout, OfferedChallenge, Parameter, Rights
from regauth_core.simulate.scenario import ScenarioError, read
from regauth_core.simulate.schema import schema

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
TOO_LARGE = f"deeper than {DEPTH_LIMIT} levels or more than {NODE_LIMIT} values"
HEAD = "schema: regauth.scenario/1\nid: x\ntitle: t\n"
EVERYTHING = """\
schema: regauth.scenario/1
id: everything
title: Every key of the vocabulary
why: |
  Two
  lines.
seen: [a product]
links: [owner/project#1]
tags: [basic]
users:
  alice: {password: wonder-land, identity_token: idt, token: tok}
  bob: {password: no}
registry:
  host: registry.test
  ping: {anonymous: 200, invalid: 403, valid: 404, challenge: {items: [], statuses: [200, 401]}}
  repositories:
    - name: a/b
      anonymous: [pull]
      users: {alice: [pull, push, delete], bob: [pull]}
      images: [latest, 1.0]
      digests: ['sha256:0a']
      challenge: {layout: joined, items: [{scheme: Negotiate}, {scheme: Basic, parameters: {realm: on}}]}
  deny: {anonymous: 404, invalid: ignored, insufficient: 403, hide_unknown: true, body: errors, code: NO,
         message: not you, detail: false}
  methods: {HEAD: open, POST: 405, GET: rights}
  challenge: {raw: ['Bearer realm={realm}, , Basic realm="'], error: false}
  accepts: [basic, bearer]
  blobs: {mode: redirect, status: 302, host: 'blobs.test:8443', scheme: http, authorization: refused, lifetime: 0}
  uploads: {location: relative, host: uploads.test, scheme: https, mount: false, checked: false}
  catalog: nobody
  page_size: 2
  headers: {Server: nginx}
  version: false
  steps:
    - {status: 429, headers: {Retry-After: 1}, body: slow down, endpoints: [manifest, blob], times: 3}
    - {always: true}
token:
  host: auth.test
  scheme: http
  path: /oauth2/token
  realm: '{scheme}://u@{token}/token?x=1'
  service: s
  grants: {anonymous: 401, basic: served, password: 404, refresh_token: 405}
  field: both-different
  kind: opaque
  expires_in: "60"
  lifetime: -1
  issued_at: false
  clock_ahead: 600
  required: true
  narrow: 401
  wrong_password: anonymous
  uses: 0
  steps: [{status: 500}]
answers:
  - request: GET http://login.test/*
    credential: none
    status: 401
    challenge: ['Basic realm="x"']
    body: '{issued -}'
  - {credential: none, allowed: true}
unreachable: ['old.test:443']
elsewhere: refused
topic: token
client: {action: mount, repository: a/b, source: a/b, user: bob, password: wrong}
checks: [goal-reached]
"""


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_shipped_scenarios_can_be_read(path: Path) -> None:
    """Each file of scenarios/ is a scenario whose id is its name."""
    assert path.stem == read(path.read_text(), str(path)).id


def test_everything_that_the_file_says_is_in_the_value() -> None:
    """Keys become fields, mappings by name become tuples, and scalars mean what their field is."""
    scenario = read(EVERYTHING, "everything.yaml")
    users = [(user.name, user.password, user.identity_token) for user in scenario.users]
    assert users == [("alice", "wonder-land", "idt"), ("bob", "no", None)]
    (repository,) = scenario.registry.repositories
    assert repository.users[1] == Rights(name="bob", actions=(Action.PULL,))
    assert repository.images == ("latest", "1.0")
    basic = OfferedChallenge(scheme="Basic", parameters=(Parameter(name="realm", value="on"),))
    assert repository.challenge == Challenging(
        layout=Layout.JOINED, items=(OfferedChallenge(scheme="Negotiate"), basic)
    )
    assert scenario.why == "Two\nlines.\n"
    assert [rule.rule for rule in scenario.registry.methods] == ["open", 405, "rights"]
    assert scenario.registry.steps[1] == AnswerStep(always=True)
    assert scenario.token is not None
    assert (scenario.token.expires_in, scenario.token.lifetime, scenario.token.narrow) == ("60", -1, 401)


KINDS = [kind for kind in vars(policy).values() if is_dataclass(kind)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_key_of_the_vocabulary_is_proven(kind: Any) -> None:
    """No key can be added without the example above saying it; an entry of two fields is written without keys."""
    names = {field.name for field in fields(kind)}
    keys = names - {"name"} if len(names) > 2 else set()
    assert {name for name in keys if not re.search(rf"\b{name}:\s", EVERYTHING)} == set()


MISTAKES = {
    "an unknown status": (
        "registry:\n  ping: {anonymous: maybe}\n",
        "5: registry.ping.anonymous: expected one of 200, 401, 403, 404, got 'maybe'",
    ),
    "an unknown key": ("registry: {pign: {}}\n", "4: registry.pign: unknown key, did you mean 'ping'?"),
    "a key of nowhere": (
        "registry:\n  deny: {zzz: 1}\n",
        "5: registry.deny.zzz: unknown key, expected one of anonymous, body, code, detail, hide_unknown, insufficient,"
        " invalid, message",
    ),
    "a key twice": ("title: u\nregistry: {}\n", "4: title: duplicate key"),
    "a word for true": (
        "registry:\n  uploads: {mount: yes}\n",
        "5: registry.uploads.mount: expected one of true, false, got 'yes'",
    ),
    "a number out of range": (
        "registry:\n  page_size: 0\n",
        "5: registry.page_size: expected a number from 1 to 1000, got '0'",
    ),
    "a list for keys": ("registry: []\n", "4: registry: expected keys with values, got a list"),
    "keys for a list": (
        "registry:\n  repositories: {}\n",
        "5: registry.repositories: expected a list, got keys with values",
    ),
    "keys for a word": ("registry: {host: {}}\n", "4: registry.host: expected a single value, got keys with values"),
    "nothing": ("registry:\n", "4: registry: expected keys with values, got nothing"),
    "an unknown user": (
        "users: {alice: {password: p}}\nregistry:\n  repositories:\n  - name: a\n    users:\n      alicia: [pull]\n",
        "9: registry.repositories[0].users.alicia: unknown user: not listed in 'users', did you mean 'alice'?",
    ),
    "an unknown action": (
        "registry:\n  repositories:\n  - {name: a, anonymous: [read]}\n",
        "6: registry.repositories[0].anonymous[0]: expected one of pull, push, delete, got 'read'",
    ),
    "a repository twice": (
        "registry:\n  repositories:\n  - {name: a}\n  - {name: a}\n",
        "7: registry.repositories[1].name: duplicate repository 'a'",
    ),
    "a repository in capitals": (
        "registry:\n  repositories: [{name: A}]\n",
        "5: registry.repositories[0].name: expected the name of a repository, in lower case, got 'A'",
    ),
    "a tag twice": (
        "registry:\n  repositories: [{name: a, images: [t, t]}]\n",
        "5: registry.repositories[0].images: duplicate tag",
    ),
    "items and raw": (
        "registry:\n  challenge:\n    items: []\n    raw: []\n",
        "7: registry.challenge.raw: expected 'items' or 'raw', got both",
    ),
    "an unknown placeholder": (
        "registry:\n  challenge:\n    raw:\n    - 'Basic realm={realms}'\n",
        "7: registry.challenge.raw[0]: unknown placeholder {realms}, did you mean 'realm'?",
    ),
    "a realm without a token server": (
        "registry:\n  ping: {challenge: {items: [{scheme: Bearer, parameters: {realm: '{realm}'}}]}}\n",
        "5: registry.ping.challenge.items[0].parameters.realm: {realm} needs the key 'token', which is missing",
    ),
    "Bearer without a token server": (
        "registry:\n  challenge: {items: [{scheme: bearer}]}\n",
        "5: registry.challenge.items[0]: Bearer without parameters needs the key 'token', which is missing",
    ),
    "bearer accepted without a token server": (
        "registry:\n  accepts: [bearer]\n",
        "5: registry.accepts: bearer needs the key 'token', which is missing",
    ),
    "a realm made of itself": (
        "registry: {}\ntoken: {realm: '{realm}'}\n",
        "5: token.realm: the realm cannot contain itself",
    ),
    "an expiry in words": (
        "registry: {}\ntoken: {expires_in: soon}\n",
        "5: token.expires_in: expected a number, a text in quotes, or absent, got 'soon'",
    ),
    "an endpoint of the token server": (
        "registry: {}\ntoken: {steps: [{status: 500, endpoints: [ping]}]}\n",
        "5: token.steps[0].endpoints: a step of a token server cannot name endpoints",
    ),
    "a name inside": (
        "users: {alice: {name: bob, password: p}}\nregistry: {}\n",
        "4: users.alice.name: the name is the key before the colon",
    ),
    "a line break in a header": (
        'registry:\n  challenge: {raw: ["Basic\\r\\nSet-Cookie: x"]}\n',
        "5: registry.challenge.raw[0]: control characters are not allowed",
    ),
    "two lines in a header": (
        'registry:\n  challenge: {raw: ["Basic\\nSet-Cookie: x"]}\n',
        "5: registry.challenge.raw[0]: expected one line",
    ),
    "half a character": (
        'registry:\n  challenge: {raw: ["\\uD800"]}\n',
        "5: registry.challenge.raw[0]: unpaired surrogate",
    ),
    "an alias": (
        "seen: &a [b]\nlinks: *a\nregistry: {}\n",
        "4: unsupported YAML: anchors and aliases are not supported",
    ),
    "a tag": (
        "registry: !!python/name:os.system {}\n",
        "4: unsupported YAML: the tag 'tag:yaml.org,2002:python/name:os.system'",
    ),
    "broken YAML": ("registry: {\n", "5: unsupported YAML: expected the node content, but found '<stream end>'"),
    "two documents": ("registry: {}\n---\na: b\n", "5: unsupported YAML: but found another document"),
}
"""What follows `HEAD`, and the message after the file's name."""

UNUSABLE = {
    "a missing key": ("schema: regauth.scenario/1\nid: x\n", "1: expected the key 'title', which is missing"),
    "another schema": (
        "schema: regauth.scenario/2\nid: x\ntitle: t\nregistry: {}\n",
        "1: schema: expected regauth.scenario/1, got 'regauth.scenario/2'",
    ),
    "another id": (
        "schema: regauth.scenario/1\nid: y\ntitle: t\nregistry: {}\n",
        "2: id: expected the file's name without its ending, 'x', got 'y'",
    ),
    "an id that is no name": (
        "schema: regauth.scenario/1\nid: X y\ntitle: t\nregistry: {}\n",
        "2: id: expected lower-case words joined by hyphens, got 'X y'",
    ),
    "no text": ("schema: regauth.scenario/1\nid: x\ntitle:\nregistry: {}\n", "3: title: expected a text, got nothing"),
    "a forbidden character": ("\x01", " unsupported YAML: a character or an escape that YAML does not allow"),
    "an impossible escape": ('"\\UFFFFFFFF"', " unsupported YAML: a character or an escape that YAML does not allow"),
    "an empty file": ("# nothing\n", "1: expected a scenario, got an empty file"),
    "too long": ("#" * (TEXT_LIMIT + 1), f" expected at most {TEXT_LIMIT} characters, got {TEXT_LIMIT + 1}"),
    "too deep": ("[" * 100_000, f"1: unsupported YAML: {TOO_LARGE}"),
    "too many": ("a: [" + "b," * NODE_LIMIT + "]", f"1: unsupported YAML: {TOO_LARGE}"),
}
"""Whole files, and the message after the file's name."""


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    """One line: the file, the line, the key, what was expected and what is there."""
    with pytest.raises(ScenarioError) as error:
        read(HEAD + text, "x.yaml")
    assert str(error.value) == f"x.yaml:{message}"


@pytest.mark.parametrize(("text", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_is_no_scenario_is_told_apart(text: str, message: str) -> None:
    """What is no plain YAML, too large, or of another kind is refused in one line."""
    with pytest.raises(ScenarioError) as error:
        read(text, "x.yaml")
    assert str(error.value) == f"x.yaml:{message}"


def test_a_name_that_is_no_file_needs_no_id() -> None:
    """A scenario that does not come out of a file may have any id."""
    assert read(HEAD + "registry: {}\n", "<made>").id == "x"


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="[]{}&*!|>-:, \n\t'\"%#?ax0\\U"))
def test_no_text_escapes_as_another_exception(text: str) -> None:
    """Whatever the file holds, reading gives a scenario or a `ScenarioError` of one line."""
    _read_or_refuse(text)


WORDS = st.sampled_from(["pull", "Basic", "{realm}", "200"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_value_in_any_place_escapes_as_another_exception(data: st.DataObject) -> None:
    """One value of a whole scenario replaced by anything: a scenario or a `ScenarioError` of one line."""
    top = yaml.safe_load(EVERYTHING)
    at: Any = top
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            at[key] = data.draw(VALUES)
            break
        at = at[key]
    _read_or_refuse(yaml.safe_dump(top))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(EVERYTHING)), st.integers(0, 40), st.text(max_size=6))
def test_no_edit_of_a_scenario_escapes_as_another_exception(start: int, size: int, text: str) -> None:
    """Some characters of a whole scenario replaced by others: a scenario or a `ScenarioError` of one line."""
    _read_or_refuse(EVERYTHING[:start] + text + EVERYTHING[start + size :])


def _read_or_refuse(text: str) -> None:
    try:
        read(text, "everything.yaml")
    except ScenarioError as error:
        assert len(str(error).splitlines()) == 1


SHIPPED_SCHEMA = Path(__file__).parents[2] / "addon" / "regauth_core" / "schema" / "scenario.schema.json"


def test_the_shipped_schema_comes_from_the_classes() -> None:
    """The file in the package is what the classes give; `REGAUTH_RENEW_GOLDEN=1` writes it."""
    if os.environ.get("REGAUTH_RENEW_GOLDEN") == "1":
        SHIPPED_SCHEMA.write_text(jsontext.encode(schema()), encoding="utf-8")
    assert schema() == json.loads(SHIPPED_SCHEMA.read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", [EVERYTHING, *(path.read_text() for path in SCENARIOS)])
def test_what_can_be_read_fits_the_schema(text: str) -> None:
    """As an editor reads it, to which `1.0` is a number."""
    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize("mistake", ["pign: 1", "ping: {anonymous: 599}", "page_size: 0", "repositories: {}"])
def test_what_cannot_be_read_does_not_fit_the_schema(mistake: str) -> None:
    """An unknown key, a value that is none of those, a number out of bounds, a wrong kind."""
    text = HEAD + f"registry: {{{mistake}}}\n"
    with pytest.raises(ScenarioError):
        read(text, "<test>")
    assert not jsonschema.Draft202012Validator(schema()).is_valid(yaml.safe_load(text))
