"""The curl lines: what they ask, what they leave out, and that a shell cannot be tricked by them."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from kit import journals, values
from regauth_core.model import Exchange, Safe
from regauth_core.model.journal import Journal
from regauth_core.report.markdown import reproduction


def _commands(journal: Journal) -> list[str]:
    told = reproduction.lines(journal, journal.diagnosis.findings[0])
    return [line for line in told if not line.startswith("#")]


def _refused(exchange: Exchange) -> Journal:
    return values.journal([exchange], values.finding(exchange.number))


def _bearer(**changes: str) -> Exchange:
    wanted = values.challenge("Bearer", **{"realm": "https://auth.test/token", "service": "r", **changes})
    return values.exchange(
        1, "GET", "/v2/foo/tags/list", 401, target=values.tags("foo"), response=values.refused(wanted)
    )


def test_basic_is_shown_in_three_requests() -> None:
    """Ping, the refused request anonymously, and the same with placeholders."""
    assert _commands(journals.per_repository()) == [
        "curl -i https://registry.test/v2/",
        "curl -i https://registry.test/v2/foo/tags/list",
        'curl -i -u "$REG_USER:$REG_PASS" https://registry.test/v2/foo/tags/list',
    ]


def test_bearer_is_shown_in_four_requests() -> None:
    """Ping, the refused request, the token request of the challenge, and the request with the token."""
    assert _commands(_refused(_bearer(scope="repository:foo:pull"))) == [
        "curl -i https://registry.test/v2/",
        "curl -i https://registry.test/v2/foo/tags/list",
        "curl -i -u \"$REG_USER:$REG_PASS\" 'https://auth.test/token?service=r&scope=repository:foo:pull'",
        'curl -i -H "Authorization: Bearer $TOKEN" https://registry.test/v2/foo/tags/list',
    ]


def test_a_foreign_realm_is_pointed_out() -> None:
    """Who sends a password to another host is told so before."""
    told = reproduction.lines(_refused(_bearer()), values.finding(1))
    assert "# (this is another host: leave out -u unless you trust it with the password)" in told


def test_a_leak_is_not_repeated() -> None:
    """The request that carried the credential to another origin is shown without it."""
    commands = _commands(journals.token_exchange())
    (leak,) = [line for line in commands if "blobs.test" in line]
    assert "-u" not in leak
    assert "$TOKEN" not in leak


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "POST"])
def test_what_changes_something_is_shown_anonymously(method: str) -> None:
    """Nobody deletes a manifest by following a report."""
    exchange = values.exchange(
        1,
        method,
        "/v2/foo/manifests/latest",
        401,
        target=values.tags("foo"),
        response=values.refused(values.challenge("Basic", realm="r")),
    )
    assert _commands(_refused(exchange))[1:] == [f"curl -i -X {method} https://registry.test/v2/foo/manifests/latest"]


def test_head_and_blobs_have_ways_of_their_own() -> None:
    """HEAD is asked as HEAD, and a blob is not poured over the terminal."""
    told = values.refused(values.challenge("Basic", realm="r"))
    head = values.exchange(1, "HEAD", "/v2/foo/blobs/x", 401, target=values.blob("foo"), response=told)
    blob = values.exchange(1, "GET", "/v2/foo/blobs/x", 401, target=values.blob("foo"), response=told)
    assert _commands(_refused(head))[1] == "curl -i --head https://registry.test/v2/foo/blobs/x"
    assert _commands(_refused(blob))[1] == "curl -sS -o /dev/null -D - https://registry.test/v2/foo/blobs/x"


@pytest.mark.parametrize("text", journals.HOSTILE)
def test_a_shell_reads_data_as_one_word(text: str) -> None:
    """Whatever is in URL, realm and scope, a shell sees curl with as many words as for harmless data."""
    hostile = _bearer(scope=text, service=text, realm=f"https://auth.test/{text}")
    hostile = replace(hostile, request=replace(hostile.request, url=Safe(f"https://registry.test/v2/{text}")))
    harmless = reproduction.lines(_refused(_bearer(scope="s")), values.finding(1))
    told = reproduction.lines(_refused(hostile), values.finding(1))
    assert [len(shlex.split(line, comments=True)) for line in told] == [
        len(shlex.split(line, comments=True)) for line in harmless
    ]
    assert all(line.isprintable() for line in told)


def test_what_is_no_url_is_not_asked() -> None:
    """A request line that curl would take for an option is left out."""
    exchange = journals.per_repository().exchanges[1]
    odd = replace(exchange, request=replace(exchange.request, url=Safe("-o/etc/passwd")))
    assert _commands(_refused(odd)) == []


def test_an_authority_of_one_s_own_is_named() -> None:
    """Where the client was given one, curl needs it as well."""
    journal = journals.per_repository()
    command = Safe("oras repo tags --ca-file corp.pem registry.test/foo")
    journal = replace(journal, environment=replace(journal.environment, command=command))
    lines = reproduction.lines(journal, journal.diagnosis.findings[0])
    assert all('--cacert "$REG_CA"' in line for line in lines if line.startswith("curl"))
