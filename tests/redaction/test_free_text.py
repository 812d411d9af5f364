"""Free text: what looks like a secret goes, what reads like words stays."""

from __future__ import annotations

import time

import pytest

from kit.messages import opaque
from kit.tables import plain, redactor, table
from regauth_core.redaction.looks import is_opaque


@pytest.mark.parametrize(("text", "shown"), table("text.yaml"))
def test_text_keeps_its_words_and_loses_its_secrets(text: str, shown: str) -> None:
    """Free text shows what a person needs, on one line, and no secret."""
    assert plain(redactor().text(text)) == shown


@pytest.mark.parametrize("size", [20, 24, 32, 36, 40, 64, 200, 2000])
def test_tokens_of_every_size_look_like_tokens(size: int) -> None:
    """Letters of both cases and digits without order are no word."""
    tokens = [opaque(f"{size}-{number}", size) for number in range(200)]
    assert [token for token in tokens if not is_opaque(token)] == []


ORDINARY = """
application/vnd.docker.distribution.manifest.list.v2+json containerd-client/1.7.13 registry-1.docker.io x86_64
production.cloudflare.docker.com git-commit/311b9ff aws4_request AWS4-HMAC-SHA256 20240101T000000Z linux/amd64
go-containerregistry/v0.20.2 docker-ce-cli.x86_64 insufficient_scope UpstreamClient europe-west1-docker.pkg.dev
RELEASE.2024-01-01T00-00-00Z internationalization 1.2.3-rc.1 v2024.11.3
"""


@pytest.mark.parametrize("text", ORDINARY.split())
def test_names_and_versions_do_not(text: str) -> None:
    """What registries and clients are called is needed to read a trace."""
    assert not is_opaque(text)


@pytest.mark.parametrize(
    "piece",
    ["a", "a=", 'a="', "a:'", "=", "@", "a@", "a.", "a@a.", "Bearer ", "http://", " :", "%", "ey.", "a b ", "1 ", "&a"]
    + ["a/", "a-", "7461:", "2001:", "::", "\\u0061", "it's ", "(s)", "<tok:", "[tok:12345678] ", "\x1b[", "，", "é"],
)
def test_time_is_linear_whatever_the_text_repeats(piece: str) -> None:
    """No text makes an expression run away: a hundred times the text does not take a thousand times the time."""

    def seconds(text: str) -> float:
        times = []
        for _ in range(3):
            began = time.process_time()
            redactor().prose(text)
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(piece * 20_000) < 1000 * max(seconds(piece * 200), 20e-6)
