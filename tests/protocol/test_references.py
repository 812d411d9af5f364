"""Where references lead: what is unmistakable is read, and all else may lead anywhere."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.model import Origin
from regauth_core.protocol.references import ANYWHERE, MAX_MANIFEST, Lead, followed, layers

HERE = Origin("https", "r.test", 443)
THERE = Origin("https", "o.test", 443)


def lead(text: str) -> Lead:
    """Where `text` leads from a manifest of `HERE`."""
    return followed(text, base=HERE, path="/v2/foo/manifests/1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://o.test/v2/x?y#z", Lead(THERE, "/v2/x?y#z")),
        ("HTTPS://O.TEST:443", Lead(THERE, "/")),
        ("//o.test./v2/", Lead(THERE, "/v2/")),
        ("https://user:pw@o.test/v2/", Lead(THERE, "/v2/")),
        ("http://[::0001]:5000/x", Lead(Origin("http", "::1", 5000), "/x")),
        ("https://127.0.0.1/x", Lead(Origin("https", "127.0.0.1", 443), "/x")),
        ("https://o.test/\u00e9", Lead(THERE, None)),
        ("https://o.test/" + "x" * 20_000, Lead(THERE, None)),
        ("/v2/bar", Lead(HERE, "/v2/bar")),
        ("2", Lead(HERE, "/v2/foo/manifests/2")),
        ("../x", Lead(HERE, "/v2/foo/x")),
        ("/v2/sha256:ab", Lead(HERE, "/v2/sha256:ab")),
        ("?n=1", Lead(HERE, "/v2/foo/manifests/1?n=1")),
        ("", Lead(HERE, "/v2/foo/manifests/1")),
        ("/v2/\u00e9", Lead(HERE, None)),
        ("/%2F/o.test", Lead(HERE, "/%2F/o.test")),
    ],
)
def test_plain_references_are_read(text: str, expected: Lead) -> None:
    """Absolute and relative ones; of a path that cannot be read at least the host."""
    assert lead(text) == expected


@given(prefix=st.text(max_size=4), text=st.text(max_size=60))
def test_what_stays_here_names_no_host(prefix: str, text: str) -> None:
    """Whatever is taken for relative begins neither with a scheme nor with slashes, in whatever alphabet."""
    url = f"{prefix}https://o.test/{text}"
    found = lead(url)
    if found.origin == HERE:
        assert prefix[0] in "/?#." or prefix[0].isalnum() or prefix[0] in "-_~%!$&'()*+,;=@"
        assert any(sign in prefix for sign in "/?#")


@given(st.text() | st.from_regex(r"(?:https?:)?/{0,3}[\w.@:\[\]%\\ſ-]{0,30}", fullmatch=True))
def test_any_reference_leads_somewhere(text: str) -> None:
    """Nothing raises."""
    lead(text)
    layers(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"layers":[{"urls":["a","b"]}]}', {"a", "b"}),
        ('{"Layers":[{"URLs":["a"]}]}', {"a"}),
        ('{"layers":[{"url\u017f":["a"]}]}', {"a"}),
        ('{"layers":[{"\\u0055RL\\u017F":["a"]}]}', {"a"}),
        ('{"layers":[{"urls":["a"],"urls":["b"]}]}', {"a", "b"}),
        ('{"urls":["a"],"x":{"urls":{"y":"b"}}}', {"a", "b"}),
        ('{"urls":"a"}', {"a"}),
        ('{"annotations":{"x":"curls \\u0026 more"}}', set()),
        ("", set()),
        ("7", set()),
        ("no json", set()),
        ('{"urls":["a"]} rest', None),
        ('{"urls":["a"]', None),
        ("[" * 100_000 + '"urls"', None),
        (json.dumps({"urls": ["a"] * 2000}), None),
        ('{"layers":[]}' + " " * MAX_MANIFEST, None),
        ('{"urls":["a"]}' + " " * 300_000, None),
        ('{"layers":[]}' + " " * 3_000_000, set()),
    ],
)
def test_layers_of_manifests(body: str, expected: set[str] | None) -> None:
    """In any spelling of the key; a manifest that is too large only matters if it may have one."""
    found = layers(body.encode())
    assert (set(found) if found is not None else None) == expected


def test_layers_in_any_utf() -> None:
    """JSON that some readers take for JSON."""
    text = '{"layers":[{"urls":["a"]}]}'
    assert layers(text.encode("utf-16")) == ("a",)
    assert layers(text.encode("utf-32")) == ("a",)
    assert layers(b"\xef\xbb\xbf" + text.encode()) == ("a",)


@pytest.mark.parametrize("piece", ["//a@", "https://a:", "[", '{"urls":', "\\u0075"])
def test_reading_is_linear(piece: str) -> None:
    """Sixty-four kilobytes of the worst text take a moment."""
    text = piece * (65536 // len(piece))
    begun = time.process_time()
    lead(text)
    layers(text.encode())
    assert time.process_time() - begun < 1.0


def test_anywhere_is_nowhere_in_particular() -> None:
    """It has neither origin nor path."""
    assert lead("https:/o.test") == ANYWHERE == Lead(None, None)
