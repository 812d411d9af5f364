"""Every spelling in which a secret may come back: character sets, escapes of languages and protocols, cases, base64."""

from __future__ import annotations

import html
import json
import quopri
import textwrap
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from html.entities import codepoint2name
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.messages import opaque
from kit.tables import redactor
from regauth_core.redaction.spellings import folded, needles, one_alphabet
from regauth_core.redaction.unescaping import views

SECRETS = (
    "tannenbaum-leiter-kw",
    "Wörterbuch-März",
    "straße99xy",
    "пароль-секрет",
    "pass word+x/y",
    "日本語パスワード1",
    "aé\"b'c\\d&e<f>",
    "Sommer!Kx83hfQpLm29wz",
    opaque("spelled", 300),
)


def latin(text: str) -> bytes:
    """The bytes that a client of the old kind sends."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def each(text: str, spelled: Callable[[str], str], *, ascii_too: bool = False) -> str:
    """`text` with each sign that is not ASCII (or just each) spelled otherwise."""
    return "".join(spelled(sign) if ascii_too or not sign.isascii() else sign for sign in text)


def units(sign: str, form: str) -> str:
    """A sign by its UTF-16 code units."""
    raw = sign.encode("utf-16-be")
    return "".join(form % int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "swapped case": str.swapcase,
    "UTF-8 as Latin-1": lambda s: s.encode().decode("latin-1"),
    "UTF-8 as Windows-1252": lambda s: s.encode().decode("cp1252", "replace"),
    "twice UTF-8 as Latin-1": lambda s: s.encode().decode("latin-1").encode().decode("latin-1"),
    "Latin-1 with surrogates": lambda s: latin(s).decode("utf-8", "surrogateescape"),
    "Latin-1 with replacements": lambda s: latin(s).decode("utf-8", "replace"),
    "entities by name": lambda s: each(s, lambda c: f"&{codepoint2name.get(ord(c), f'#{ord(c)}')};"),
    "entities by number": lambda s: each(s, lambda c: f"&#{ord(c)};", ascii_too=True),
    "entities in hexadecimal": lambda s: each(s, lambda c: f"&#x{ord(c):X};", ascii_too=True),
    "Python's repr of bytes": lambda s: repr(s.encode()),
    "Python's repr of Latin-1": lambda s: repr(latin(s)),
    "Python's repr": repr,
    "Python's ascii": ascii,
    "Java": lambda s: each(s, lambda c: units(c, "\\u%04X")),
    "JavaScript": lambda s: each(s, lambda c: f"\\u{{{ord(c):x}}}"),
    "octal": lambda s: "".join(f"\\{byte:03o}" for byte in s.encode()),
    "octal of Latin-1": lambda s: "".join(f"\\{byte:03o}" for byte in latin(s)),
    "backslash x": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "backslash u": lambda s: each(s, lambda c: units(c, "\\u%04x"), ascii_too=True),
    "percent u": lambda s: each(s, lambda c: units(c, "%%u%04X"), ascii_too=True),
    "percent": lambda s: quote(s, safe=""),
    "percent of Latin-1": lambda s: quote(latin(s), safe=""),
    "percent of all": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "percent, thrice": lambda s: quote(quote(quote(s, safe=""), safe=""), safe=""),
    "JSON": json.dumps,
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "JSON, four layers": lambda s: json.dumps(json.dumps(json.dumps(json.dumps(s)))),
    "quoted-printable": lambda s: quopri.encodestring(s.encode()).decode(),
    "quoted-printable of Latin-1": lambda s: quopri.encodestring(latin(s)).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "hexadecimal, upper case": lambda s: s.encode().hex().upper(),
    "hexadecimal with colons": lambda s: s.encode().hex(":"),
    "hexadecimal with blanks": lambda s: s.encode().hex(" "),
    "hexadecimal in C": lambda s: ", ".join(f"0x{byte:02x}" for byte in s.encode()),
    "numbers": lambda s: str(list(s.encode())),
    "numbers as Go prints them": lambda s: " ".join(map(str, s.encode())),
    "HTML of JSON": lambda s: html.escape(json.dumps(s)),
    "JSON, percent": lambda s: quote(json.dumps(s)),
    "HTML, percent": lambda s: quote(html.escape(s)),
    "punycode": lambda s: "xn--" + s.lower()[:40].encode("punycode").decode(),
}


def frames(spelled: str) -> tuple[str, ...]:
    """Texts that hold a spelling."""
    return f"before {spelled} after", json.dumps({"message": f"denied: {spelled}"}), f"a={spelled}&after=1"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("way", SPELLINGS)
def test_every_spelling_is_found(secret: str, way: str) -> None:
    """In the middle of a text, of JSON, and of a form."""
    if way == "punycode" and len(secret) > 40:
        secret = secret[:40]
    one = redactor()
    one.remember(secret)
    for text in frames(SPELLINGS[way](secret)):
        assert one.sweep(text)[1] >= 1, text


BREAKS = ("\n", "\r\n", "\n    ", "\\n", "\\r\\n", " ", "\\\\n")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("width", [20, 64, 76])
@pytest.mark.parametrize("joint", BREAKS)
def test_no_line_of_base64_is_left(secret: str, width: int, joint: str) -> None:
    """Of no alphabet, alignment and width: all the lines go, the last one too."""
    one = redactor()
    one.remember(secret)
    for encode in (b64encode, urlsafe_b64encode):
        for shift in range(3):
            for raw in (secret.encode(), b"alice:" + latin(secret), b"z" * 120 + secret.encode()):
                whole = encode(b"x" * shift + raw).decode()
                if width < len(whole):
                    swept, _ = one.sweep(
                        f"before: {joint.join(textwrap.wrap(whole, width, break_on_hyphens=False))}: after"
                    )
                    assert len(swept) < 40, swept


def test_the_sweep_does_not_take_one_case_for_another_in_base64() -> None:
    """There the case is what the letters mean."""
    one = redactor()
    one.remember("tannenbaum-leiter-kw")
    assert one.sweep(b64encode(b"tannenbaum-leiter-kw").decode().lower())[1] == 0


def hostile() -> Iterator[tuple[str, str]]:
    """Texts whose escapes never end."""
    for piece in ("\\", "&amp;", "&", "%25", "%41%c3", "ab\r\n  ", "=C3=B6", "=\n", "xn--a", "ab:", "1,", " ", "a"):
        yield piece, piece
    yield "blanks behind a line", "\n" + " " * 500
    yield "everything", "\\u005cn&amp;%2541=C3=\n 1,2 ab:cd "
    yield "escapes of escapes", "\\u005cu0026\\u0023\\u0033\\u0038\\u003b"


@pytest.mark.parametrize(("_", "piece"), list(hostile()))
def test_time_is_in_proportion_to_the_text(_: str, piece: str) -> None:
    """Eight times the text takes no more than some times eight times as long."""
    one = redactor()
    one.remember("tannenbaum-leiter-kw")
    took = []
    for size in (8_000, 64_000):
        text = (piece * size)[:size]
        began = time.process_time()
        one.sweep(text)
        took.append(time.process_time() - began)
    assert took[1] < 32 * took[0] + 0.05


@given(st.text(max_size=200))
def test_every_state_leads_back_into_the_text(text: str) -> None:
    """Whatever is found in a state is in the text, at a place of its own."""
    for taken in views(text):
        begin, end = 0, len(taken[-1].text) if taken else len(text)
        for view in reversed(taken):
            if begin == end:
                break
            begin, end = view.span(begin, end)
        assert 0 <= begin <= end <= len(text)


@given(st.text(max_size=60))
def test_folding_keeps_every_place(text: str) -> None:
    """Neither case nor alphabet changes the length."""
    assert len(folded(text)) == len(one_alphabet(text)) == len(text)


@given(st.text(max_size=200))
def test_spellings_are_bounded(text: str) -> None:
    """Whatever somebody calls a password."""
    assert sum(1 for _ in needles(text)) < 400
