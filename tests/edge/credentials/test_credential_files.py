"""Files of credentials are read whatever is in them: what cannot be used costs itself, and no secret is quoted."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.canaries import password
from kit.credential_files import DOCKER, World, auth, played, shown
from regauth_core.credentials import keychain
from regauth_core.credentials.authfile import AuthFile, Pair, Tool
from regauth_core.credentials.authfile_parser import MAX_FILE, read, read_variable
from regauth_core.credentials.locations import places
from regauth_core.credentials.login_parsing import (
    MAX_OUTPUT,
    NOT_FOUND,
    helper_answer,
    identified,
    is_same,
    login_of,
    login_of_text,
)
from regauth_core.credentials.lookup import HelperAnswer

SECRET = password("files")


def entry(value: Any) -> AuthFile:
    """A file with this one entry, and a good one beside it."""
    return read(json.dumps({"auths": {"r.test": value, "good.test": auth("good")}}))


def base64(text: str | bytes) -> str:
    """`text` in base64."""
    return b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        (base64(f"a:{SECRET}"), ("a", SECRET)),
        (base64("a:b:c"), ("a", "b:c")),
        (base64("a:"), ("a", "")),
        (base64("a:b\0\0"), ("a", "b")),
        (base64("ä:ö"), ("ä", "ö")),
        (base64(b"a:\xff"), ("a", "\udcff")),
        (base64("aa:bb")[:4] + "\r\n" + base64("aa:bb")[4:], ("aa", "bb")),
    ],
)
def test_auth_holds_user_and_password(value: str, pair: Pair) -> None:
    """The first colon ends the user; padding with NUL and line breaks are nothing; foreign bytes are kept."""
    found = entry({"auth": value}).entry("r.test")
    assert found is not None
    assert found.auth == pair


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        ({"auth": "!!"}, 'has an "auth" that is not base64'),
        ({"auth": "dTpw===="}, 'has an "auth" that is not base64'),
        ({"auth": "dTpwcA="}, 'has an "auth" that is not base64'),
        ({"auth": "dTpé"}, 'has an "auth" that is not base64'),
        ({"auth": base64(SECRET)}, 'has an "auth" without a colon'),
        ({"auth": 5}, 'has a "auth" that is not text'),
        ({"username": [SECRET]}, 'has a "username" that is not text'),
        ({"identitytoken": {}}, 'has a "identitytoken" that is not text'),
        (SECRET, "is not a JSON object"),
        ([SECRET], "is not a JSON object"),
    ],
)
def test_malformed_entry_costs_itself(value: Any, defect: str) -> None:
    """What is wrong with an entry is remarked on, and the others are read."""
    file = entry(value)
    found, good = file.entry("r.test"), file.entry("good.test")
    assert found is not None
    assert good is not None
    assert (found.defect, good.defect) == (defect, "")
    assert [(remark.key, remark.text) for remark in file.remarks] == [('auths["r.test"]', defect)]


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("{", "is not JSON (line 1, column 2)"),
        ('{\n  "auths": {\n', "is not JSON (line 3, column 1)"),
        ("\ufeff{}", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"auths": NaN}', "is not JSON"),
        ('"' + SECRET, "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (" " * MAX_FILE + "{}", "is larger than 1024 KiB"),
    ],
)
def test_file_that_cannot_be_read(text: str, broken: str) -> None:
    """It says where it stops making sense, and nothing of what stands there."""
    file = read(text)
    assert file.broken.startswith(broken)
    assert file.entries == ()
    assert SECRET not in repr(file)


def test_parts_of_the_wrong_kind_cost_themselves() -> None:
    """`credHelpers` as a list does not take `auths` with it."""
    text = '{"auths": {"r.test": {}}, "credHelpers": [], "credsStore": 5, "auths": 1}'
    file = read(text)
    assert [(remark.key, remark.text) for remark in file.remarks] == [
        ("auths", "is not a JSON object"),
        ("credHelpers", "is not a JSON object"),
        ("credsStore", "is not text"),
    ]
    assert file.entry("r.test") is not None


def test_go_merges_and_ignores_case() -> None:
    """Names of fields in any case are one field; of two equal keys the last counts; null is nothing."""
    text = '{"Auths": {"r.test": {"auth": "%s"}}, "AUTHS": {"x.test": null, "r.test": {"AUTH": "%s", "auth": null}}}'
    file = read(text % (base64("a:1"), base64("b:2")))
    found = file.entry("r.test")
    assert found is not None
    assert found.auth == ("b", "2")
    assert [each.key for each in file.entries] == ["r.test", "x.test", "r.test"]
    assert read('{"credHelpers": {"r.test": "a", "r.test": "b"}}').helper("r.test") == "b"


def test_numbers_of_any_length_cost_nothing() -> None:
    """A number means nothing here, and is not computed."""
    text = json.dumps({"auths": {"r.test": {"x": "NUMBER"} | auth("a")}})
    assert read(text.replace('"NUMBER"', "9" * 500_000)).entry("r.test") is not None


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_file_is_nothing(text: str) -> None:
    """docker takes an empty file for one that says nothing; containers gives up on it, which is remarked on."""
    (remark,) = read(text).remarks
    assert (remark.text, remark.refused_by) == ("is empty", (Tool.CONTAINERS,))
    assert read_variable(text).remarks == ()


def test_secrets_in_keys_are_not_shown() -> None:
    """Somebody's URL with a password in it is a key, and explanations name keys."""
    file = read(json.dumps({"auths": {f"https://u:{SECRET}@r.test/x": {"auth": "!"}, f"u:{SECRET}@r.test": 1}}))
    assert [remark.key for remark in file.remarks] == ['auths["https://…@r.test/x"]', 'auths["…@r.test"]']
    assert SECRET not in repr(file)


FIELDS = st.sampled_from(
    ["auths", "Auths", "credHelpers", "credsStore", "auth", "username", "password", "identitytoken", "registrytoken"]
)
ODD = f"{SECRET} #1"  # could be no helper's name: those are shown
KEYS = FIELDS | st.sampled_from(["r.test", "https://r.test/v2/", "r.test/team", "docker.io", f"u:{ODD}@r.test"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(ODD)
JSON = st.recursive(
    LEAVES | st.just(base64(f"a:{ODD}")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(FIELDS, st.dictionaries(KEYS, JSON, max_size=4) | JSON, max_size=4).map(json.dumps)


@given(text=st.text() | DOCUMENTS | DOCUMENTS.map(lambda text: text[: len(text) // 2]), tool=st.sampled_from(Tool))
@example(text='{"auths": {"\\ud800": {"auth": "\\ud800"}}}', tool=Tool.DOCKER)
@example(text='{"auths": {"r.test": {"username": "a:b", "password": "c"}}}', tool=Tool.DOCKER)
def test_no_file_makes_a_lookup_fail(text: str, tool: Tool) -> None:
    """Any text as a file and as the variable ends in a login or in none, and no explanation quotes a secret."""
    where = places({"DOCKER_AUTH_CONFIG": text}, home="/home/u", user=7)
    world = World({DOCKER: text}, {("h", "r.test"): "failed"})
    found = played(keychain.find(tool, where, "r.test", "team/app"), world)
    assert "swordfish" not in repr(found) + repr(read_variable(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:b", "a"),
        ("a:b\n", "a"),
        ("a:b\r\n", "a"),
        ("a:b:c", "a"),
        ("<token>:x", "identity token"),
        ("eyJhbGciOi.x.y\n", "registry token"),
        ("", "is empty"),
        ("\n", "is empty"),
        ("a:b\nc:d", "holds more than one line"),
        (":", "is neither USER:PASSWORD nor a token that can be sent"),
        ("two words", "is neither USER:PASSWORD nor a token that can be sent"),
    ],
)
def test_login_of_one_line(text: str, expected: str) -> None:
    """A variable or a file of one line holds user and password, or a token."""
    login = login_of_text(text)
    assert (login if isinstance(login, str) else shown(login)) == expected


@pytest.mark.parametrize(
    ("status", "output", "expected"),
    [
        (0, '{"ServerURL":"s","Username":"a","Secret":"b"}', ("a", "b")),
        (0, '{"username":"a","SECRET":"b"}\n', ("a", "b")),
        (0, '{"Username":"<token>","Secret":"b"} and more', ("<token>", "b")),
        (0, '{"Username":"","Secret":""}', None),
        (1, NOT_FOUND + "\n", None),
        (1, SECRET, "ended with exit status 1"),
        (-9, "", "was ended by signal 9"),
        (0, "", "did not print a JSON object"),
        (0, SECRET, "did not print a JSON object"),
        (0, "[" * 10_000, "did not print a JSON object"),
        (0, '{"Username":1,"Secret":"b"}', 'printed a "Username" or "Secret" that is not text'),
        (0, '{"Username":"a:b","Secret":"c"}', 'printed a "Username" that cannot be sent'),
        (0, "x" * (MAX_OUTPUT + 1), "printed more than 64 KiB"),
    ],
)
def test_what_a_helper_said(status: int, output: str, expected: Pair | str | None) -> None:
    """A pair, nothing, or what went wrong without the helper's own words."""
    answer = helper_answer(status, output.encode())
    assert (answer.failure or answer.pair) == expected


@given(status=st.integers(-64, 255), output=st.binary() | DOCUMENTS.map(str.encode))
def test_no_output_of_a_helper_raises(status: int, output: bytes) -> None:
    """Whatever a helper prints comes out as an answer."""
    assert isinstance(helper_answer(status, output), HelperAnswer)


def test_name_of_a_login_tells_it_from_others() -> None:
    """Equal logins of one registry have one name, and without the key it means nothing."""
    one, other = login_of(("a", SECRET)), login_of(("a", "x"))
    assert one is not None
    assert other is not None
    names = [identified(login, "r.test", b"key").id for login in (one, one, other)]
    assert names[0] == names[1] != names[2]
    assert names[0] not in (identified(one, "r.test", b"other").id, identified(one, "x.test", b"key").id)
    assert is_same(one, identified(one, "r.test", b"key"))
    assert not is_same(one, other)
    assert not is_same(one, None)
