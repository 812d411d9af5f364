"""The sweep: what was once known as a secret is found in finished text, however it is written there."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import textwrap
import time
from base64 import b64encode
from operator import attrgetter
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.canaries import CORPUS, Planted, leaks, spellings
from kit.messages import MANIFEST, jwt, opaque, wire
from regauth_core.recording.observe import observe
from regauth_core.redaction import allow_list, fingerprints
from regauth_core.redaction.redactor import Redactor


def redactor() -> Redactor:
    return Redactor(b"k" * 32)


def unredacted(planted: Planted) -> str:
    """All that the wire held, as if nothing had redacted it."""
    parts: list[object] = [getattr(planted.wire, field.name) for field in dataclasses.fields(planted.wire)]
    return "\n".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts)


@pytest.mark.parametrize("planted", CORPUS, ids=attrgetter("id"))
def test_the_sweep_alone_finds_every_secret(planted: Planted) -> None:
    """A text that nothing redacted loses every remembered secret."""
    one = redactor()
    for secret in planted.secrets:
        one.remember(secret)
    swept, count = one.sweep(unredacted(planted))
    long_enough = tuple(secret for secret in planted.secrets if len(secret) >= 6)
    assert leaks(swept, long_enough) == []
    assert bool(leaks(unredacted(planted), long_enough)) == (count > 0)


@pytest.mark.parametrize("secret", ["canary & swordfish", "fe&d the c/t", "a1b2 c3d4 e5f6"])
@pytest.mark.parametrize("before", ["%", "%c", "100% ", "%25"])
def test_sign_in_front_hides_no_encoded_secret(before: str, secret: str) -> None:
    """A stray percent sign makes the first letters of what follows look like a part of an escape."""
    one = redactor()
    one.remember(secret)
    for text in (quote(secret), quote(secret, safe=""), quote_plus(secret), secret):
        assert leaks(one.sweep(f"tool/1.0 {before}{text} end")[0], (secret[2:],)) == []


BY_POSITION = {
    "R14",
    "R17",
    "R18",
    "R19",
    "R20",
    "R21",
    "R22",
    "R23",
    "R26",
    "R27",
    "R29",
    "N07c",
    "N08",
    "N13b",
    "N14",
}
HELD = [planted for planted in CORPUS if planted.id in BY_POSITION or "R01" <= planted.id <= "R10"]


@pytest.mark.parametrize("planted", HELD, ids=attrgetter("id"))
def test_what_was_observed_is_remembered(planted: Planted) -> None:
    """Passwords, tokens, form secrets, cookies and user information are known from the moment they were seen."""
    one = redactor()
    observe(planted.wire, one)
    text = " and ".join(planted.secrets)
    assert leaks(one.sweep(text)[0], planted.secrets) == []


AWKWARD = (
    "p%3a&ss=w\u00f6rd <x>",
    '.*"><script>[',
    "back\\slash/and'quotes\"",
    "\U0001f511 key of \u00e9t\u00e9",
    "with blank and + plus",
    "a_b-c_d-e_f~g",
    "line one\nline two\r\n",
    jwt("sweep"),
    opaque("sweep", 40),
    "a\\new<pass>word",
    "hunter2",
)


@pytest.mark.parametrize("secret", AWKWARD)
def test_the_sweep_knows_every_spelling(secret: str) -> None:
    """Percent-encoded, escaped, in base64 at any alignment: every spelling is found in the middle of a text."""
    one = redactor()
    one.remember(secret)
    for encoding, spelling in spellings(secret).items():
        for text in (f"before {spelling} after", f'{{"a": "{spelling}"}}', f"x={spelling}&y=1"):
            swept, count = one.sweep(text)
            assert leaks(swept, (secret,)) == [], encoding
            assert count == 1, encoding


@pytest.mark.parametrize("secret", AWKWARD)
@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_the_sweep_finds_a_secret_broken_over_lines(secret: str, indent: str) -> None:
    """Wrapping does not hide a secret, nor does the base64 of one."""
    one = redactor()
    one.remember(secret)
    for spelling in spellings(secret).values():
        half = len(spelling) // 2
        text = f"before {spelling[:half]}\n{indent}{spelling[half:]} after"
        assert leaks(one.sweep(text)[0], (secret,)) == []


def test_wrapped_text_of_a_whole_report_is_swept() -> None:
    """A token that a terminal broke in three is found, and the rest of the paragraph stays."""
    one, token = redactor(), jwt("wrapped")
    one.remember(token)
    swept, count = one.sweep(textwrap.fill(f"The client sent {token} and was refused.", 60, subsequent_indent="  "))
    assert leaks(swept, (token,)) == []
    assert count == 1
    assert swept.startswith("The client sent")
    assert swept.endswith("and was refused.")


def test_a_replacement_names_the_secret_by_its_fingerprint() -> None:
    """The reader can still tell which secret it was, and the form needs no escaping anywhere."""
    one = redactor()
    found = one.fingerprint("hunter2-hunter2", "pw")
    assert one.sweep("a hunter2-hunter2 b") == (f"a [{found}] b", 1)
    assert one.summary().late == 1


@pytest.mark.parametrize("secret", [*AWKWARD, "nhunter2", "u0041bcdef", 'abc"def', "abcdef\\"])
def test_the_sweep_leaves_json_whole(secret: str) -> None:
    """JSON stays JSON, whatever the secret in it is made of."""
    one = redactor()
    one.remember(secret)
    value = {"a": secret, "b": [f"\n{secret}\t", f"{secret}\\", "A" + secret]}
    for ascii_only in (True, False):
        swept, count = one.sweep(json.dumps(value, ensure_ascii=ascii_only))
        assert leaks(json.dumps(json.loads(swept), ensure_ascii=False), (secret,)) == []
        assert count == 4


@pytest.mark.parametrize("word", ["latest", "Bearer", "repository", "team"])
def test_a_password_that_is_an_ordinary_word_does_not_shred_the_text(word: str) -> None:
    """Words of the field and short words stay readable, even if somebody uses them as a password."""
    one = redactor()
    pair = b64encode(f"alice:{word}".encode()).decode()
    observe(wire("/v2/team/app/manifests/latest", ("Authorization", f"Basic {pair}")), one)
    text = "GET https://registry.test/v2/team/app/manifests/latest: Bearer, repository:team/app:pull"
    assert one.sweep(text) == (text, 0)
    assert pair not in one.sweep(f"it was Basic {pair}")[0]


def test_a_short_number_does_not_shred_digests_and_times() -> None:
    """A password of digits is found where it stands alone, not in the middle of a digest."""
    one = redactor()
    one.remember("123456")
    assert one.sweep("sha256:ab123456cd 1712345600") == ("sha256:ab123456cd 1712345600", 0)
    assert one.sweep("pin 123456.")[1] == 1


def test_a_secret_of_a_few_letters_is_found_as_a_pair() -> None:
    """A short password would shred the text; the pair that was sent is long enough."""
    one = redactor()
    pair = b64encode(b"alice:ab").decode()
    observe(wire("/v2/", ("Authorization", f"Basic {pair}")), one)
    assert pair not in one.sweep(f"Basic {pair}")[0]
    assert "alice:ab" not in one.sweep("--creds alice:ab")[0]
    assert one.sweep("a table about abbots") == ("a table about abbots", 0)


def test_many_secrets_that_look_alike_are_all_found() -> None:
    """Neither a common beginning nor a common end of tokens hides any of them."""
    one = redactor()
    secrets = tuple(f"prefix-of-all-tokens-{number:05}-and-the-end-of-all-tokens" for number in range(500))
    for secret in secrets:
        one.remember(secret)
    swept, _ = one.sweep("\n\n".join(f"x {secret} y" for secret in secrets))
    assert [secret for secret in secrets if secret in swept] == []


def flood(one: Redactor, answers: int, *, names: int = 60) -> None:
    """Answers that each hold `names` secrets of their own."""
    for number in range(answers):
        body = json.dumps({f"token{at}": f"word{number}by{at}" for at in range(names)})
        cookies = tuple(("Set-Cookie", f"sid=cookie-{number}-{at}-cookie") for at in range(20))
        observe(wire(MANIFEST, status=403, answer=body, headers=cookies), one)


PASSWORD = "tannenbaum-leiter-kw"


def sent(one: Redactor, password: str, path: str = MANIFEST) -> None:
    """A client sends a password."""
    pair = b64encode(f"alice:{password}".encode()).decode()
    observe(wire(path, ("Authorization", f"Basic {pair}")), one)


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory of a hundredth of its size."""
    for name in ("PASSWORDS", "TOKENS", "ANSWERED", "PASSING"):
        monkeypatch.setattr(fingerprints, f"MOST_{name}", 100)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("again", [False, True])
def test_no_answer_pushes_out_what_a_client_sent(again: bool) -> None:
    """However much registries answer, and whether or not the credentials are met again in between."""
    one = redactor()
    sent(one, PASSWORD)
    for _ in range(20):
        flood(one, 10)
        if again:
            sent(one, PASSWORD)
    assert PASSWORD not in one.sweep(f"bad login alice/{PASSWORD}")[0]


@pytest.mark.usefixtures("_small")
def test_tokens_of_weeks_push_out_no_password() -> None:
    """Machine-made secrets have a room of their own; the latest of them are known."""
    one = redactor()
    sent(one, PASSWORD)
    tokens = [opaque(str(number), 40) for number in range(1000)]
    for token in tokens:
        observe(wire(MANIFEST, ("Authorization", f"Bearer {token}")), one)
    assert PASSWORD not in one.sweep(PASSWORD)[0]
    assert tokens[-1] not in one.sweep(tokens[-1])[0]
    assert not one.is_incomplete


@pytest.mark.usefixtures("_small")
def test_credentials_in_use_outlive_others() -> None:
    """A password that every request carries is seen with each of them, though it was read but once."""
    one = redactor()
    for number in range(500):
        sent(one, PASSWORD)
        sent(one, f"word-number-{number}!")
    assert PASSWORD not in one.sweep(PASSWORD)[0]


@pytest.mark.usefixtures("_small")
def test_text_of_answers_is_withheld_once_a_password_was_forgotten() -> None:
    """Who cannot know all passwords any more shows no text in which one might stand."""
    one = redactor()
    body = json.dumps({"errors": [{"code": "DENIED", "message": f"bad login {PASSWORD}"}]})
    sent(one, PASSWORD)
    for number in range(200):
        sent(one, f"word-number-{number}!")
    assert one.is_incomplete
    answered = observe(wire(MANIFEST, status=403, answer=body), one).response
    assert answered is not None
    assert PASSWORD not in repr(answered)
    assert answered.errors[0].code == "DENIED"


@pytest.mark.usefixtures("_small")
def test_what_is_met_again_is_known_again() -> None:
    """What was forgotten is not served from what was read before."""
    one = redactor()
    field = ("X-Api-Key", "a-key-of-words")
    observe(wire(MANIFEST, field), one)
    for number in range(200):
        sent(one, f"word-number-{number}!")
    assert one.sweep("a-key-of-words")[1] == 0
    observe(wire(MANIFEST, field), one)
    assert one.sweep("a-key-of-words")[1] == 1


def test_what_one_answer_adds_is_bounded() -> None:
    """The first are remembered, and the memory of answers takes more than one to fill."""
    one = redactor()
    body = json.dumps([{f"token{at}": f"word{part:02}by{at:02}" for at in range(60)} for part in range(60)])
    observe(wire(MANIFEST, status=403, answer=body), one)
    assert one.summary().secrets >= 64
    assert sum(one.sweep(f"word{part:02}by{at:02}")[1] for part in range(60) for at in range(60)) == 64


@pytest.mark.usefixtures("_small")
def test_what_was_forgotten_leaves_the_index_too() -> None:
    """Sweeping again and again, as a live trace does, does not keep old secrets for ever."""
    one = redactor()
    for number in range(4000):
        one.remember(f"credential-number-{number}!")
        one.sweep("")
    assert one.sweep("credential-number-7!")[1] == 0
    assert one.sweep("credential-number-3999!")[1] == 1


SPARING: dict[str, dict[str, Any]] = {
    "challenge": {
        "headers": (("WWW-Authenticate", f'Bearer realm="https://a.test/t",scope="repository:{PASSWORD}:pull"'),)
    },
    "location": {"headers": (("Location", f"https://{PASSWORD}.test/v2/{PASSWORD}/manifests/1"),)},
    "link": {"headers": (("Link", f'</v2/{PASSWORD}/tags/list>; rel="next"'),)},
    "claims": {
        "answer": json.dumps(
            {"token": jwt("x", access=[{"type": "repository", "name": PASSWORD, "actions": ["pull"]}])}
        )
    },
    "needs": {
        "answer": json.dumps(
            {"errors": [{"code": "DENIED", "detail": [{"Type": "repository", "Name": PASSWORD, "Action": "pull"}]}]}
        )
    },
}


@pytest.mark.parametrize("place", SPARING)
@pytest.mark.parametrize("first", [False, True])
def test_no_answer_spares_a_password(place: str, first: bool) -> None:
    """Naming a repository or a host like it does not make it a name, before and after it was sent."""
    one = redactor()
    if not first:
        sent(one, PASSWORD)
    observe(wire("/token?service=s", host="auth.registry.test", status=401, **SPARING[place]), one)
    sent(one, PASSWORD)
    assert PASSWORD not in one.sweep(f"bad login alice/{PASSWORD}, {PASSWORD.upper()}")[0].lower()


def test_a_password_is_no_name_though_a_client_asks_for_it() -> None:
    """Whether the client sends it before or after, and in whatever place."""
    for paths in ((MANIFEST, f"/v2/{PASSWORD}/tags/list"), (f"/v2/{PASSWORD}/tags/list", MANIFEST)):
        one = redactor()
        for path in paths:
            sent(one, PASSWORD, path)
        assert PASSWORD not in one.sweep(f"/v2/{PASSWORD}/tags/list")[0]


@pytest.mark.parametrize("spelled", ["%63%6C%69%65%6E%74", "&#99;&#108;&#105;&#101;&#110;&#116;", "\\u0063lient"])
def test_ordinary_word_that_is_a_password_is_found_in_odd_spellings(spelled: str) -> None:
    """The word itself stays, also where what stands around it is encoded; nobody encodes it but to repeat it."""
    one = redactor()
    one.remember("client")
    text = r"a client said scope%3Dclient%3Apull and \"client\""
    assert one.sweep(text) == (text, 0)
    assert one.sweep(f"incorrect login {spelled}")[1] == 1


def test_a_name_that_a_client_asks_for_is_not_lost_to_an_answer() -> None:
    """No registry makes a repository unreadable by calling it a secret."""
    one = redactor()
    observe(wire("/v2/team-of-us/tags/list", status=403, answer=json.dumps({"token": "team-of-us"})), one)
    assert one.sweep("team-of-us") == ("team-of-us", 0)


@pytest.mark.parametrize("place", [256 * 1024 - 10, 256 * 1024, 512 * 1024 - 3])
def test_a_secret_across_two_pieces_of_a_long_text_is_found(place: int) -> None:
    """A finished report is looked at piece by piece, so that it takes little memory."""
    one = redactor()
    one.remember(PASSWORD)
    text = "." * place + quote(PASSWORD) + "." * 300_000
    assert one.sweep(text) == (text.replace(PASSWORD, f"[{one.fingerprint(PASSWORD)}]"), 1)


def test_the_sweep_takes_time_in_proportion_to_the_text() -> None:
    """Ten thousand secrets do not make it slower than a few microseconds for each character."""
    one = redactor()
    for number in range(10_000):
        one.remember(opaque(str(number), 40))
    text = "GET /v2/team/app/manifests/latest -> 401 Bearer realm=https://auth.test/token\n" * 5000
    one.sweep("first")
    began = time.process_time()
    one.sweep(text)
    assert time.process_time() - began < len(text) * 10e-6


@given(st.text(min_size=8, max_size=40).filter(lambda text: len(re.findall(r"\w", text)) >= 6), st.text(max_size=20))
def test_a_random_password_is_swept_from_any_text(secret: str, around: str) -> None:
    """Any password that was seen once is found in finished output, in whatever spelling."""
    one = redactor()
    one.remember(secret)
    spelled = [spelling.strip() for spelling in spellings(secret.strip()).values() if len(spelling.strip()) >= 6]
    if secret.strip().lower() in allow_list.PLAIN_WORDS or re.search(r"[\r\n\\&%]", around):
        return
    for spelling in spelled:
        assert spelling not in one.sweep(f"{around} {spelling} {around}")[0]


@given(st.text(), st.lists(st.text(min_size=6), max_size=5))
def test_the_sweep_changes_nothing_but_secrets(text: str, secrets: list[str]) -> None:
    """What it replaces is a place in the text; all around it stays as it was."""
    one = redactor()
    assert one.sweep(text) == (text, 0)
    for secret in secrets:
        one.remember(secret)
    swept, count = one.sweep(text)
    kept = re.split(r"\[\w+:[0-9a-f]{8}\]", swept)
    at = 0
    for piece in kept:
        assert text.find(piece, at) >= 0
        at = text.find(piece, at) + len(piece)
    assert len(kept) == count + 1 or count == 0


@pytest.mark.parametrize(
    ("phrase", "echo"),
    [
        ("granite login xyzzyq harbor", "no login for granite login xyzzyq harbor failed"),
        ("xyzzyq tunnel melody", "no zzyq xyzzyq tunnel melody failed"),
        ("granite tunnel xyzzyq", "for granite tunnel xyzzyq qqyzz"),
    ],
)
def test_a_phrase_goes_although_a_word_of_it_was_replaced_before(phrase: str, echo: str) -> None:
    """What was shown of it before it was known as a secret is found by the words that are left."""
    held = redactor()
    shown = str(held.text(echo))
    assert "granite" in shown or "tunnel" in shown
    held.remember(phrase)
    for text in (shown, html.escape(shown), json.dumps(shown)):
        swept = held.sweep(text)[0]
        assert not [word for word in phrase.split() if word not in ("login",) and word in swept]


def test_common_words_beside_an_unknown_one_are_not_hunted_for() -> None:
    """Two short words that are left of a phrase say nothing."""
    held = redactor()
    held.remember("to the xyzzyq")
    assert held.sweep("go to the registry")[0] == "go to the registry"
