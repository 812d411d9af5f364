"""What was changed about an exchange: its kind decides, and words decide only for files that have nothing else."""

from __future__ import annotations

import pytest

from regauth_core.model.change import ChangeKind, former_kind, with_kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("regauth added a Basic credential (pw:3f2a91c0)", ChangeKind.CREDENTIALS_ADDED),
        (
            "regauth put a Bearer credential (tok:3f2a91c0) in the place of the client's",
            ChangeKind.CREDENTIALS_REPLACED,
        ),
        ("regauth took it out again, before anything was sent", ChangeKind.CREDENTIALS_REMOVED),
        ("regauth kept from the client a cookie for whoever has the credentials", ChangeKind.COOKIE_REMOVED),
        ("regauth answered the registry's 401 in the client's place", ChangeKind.ANSWER_REPLACED),
        ("regauth sent the client here again, to stream to it what it may have now", ChangeKind.SENT_BACK),
        (
            "regauth added to this ping the challenge that the registry sends for a repository",
            ChangeKind.CHALLENGE_ADDED,
        ),
        ("regauth made the 200 of this ping a 401 with the challenge", ChangeKind.PING_REFUSED),
        ("the proxy answered 'Expect: 100-continue' itself: the client", ChangeKind.EXPECT_ANSWERED),
        ("the proxy spoke HTTP/2 to the server where the client spoke HTTP/1.1", ChangeKind.PROTOCOL_CHANGED),
        ("the client could not send this request: the proxy found no connection for it", ChangeKind.UNSENT),
        ("an Authorization header was added", ChangeKind.AUTHORIZATION_ADDED),
        ("something", ChangeKind.OTHER),
    ],
)
def test_sentences_of_former_files_have_their_kind(text: str, kind: ChangeKind) -> None:
    """What was blamed on regauth or the proxy when there were words alone still is."""
    assert former_kind(text) is kind
    assert kind.is_ours == text.startswith("regauth ")


def test_an_exchange_of_a_former_file_gets_kinds() -> None:
    """Words alone get a kind; what has one, and what is no exchange, stays as it is."""
    typed = {"kind": "unsent", "text": "b"}
    assert with_kinds({"number": 1, "changes": ["something", typed]}) == {
        "number": 1,
        "changes": [{"kind": "other", "text": "something"}, typed],
    }
    for other in (None, 7, {}, {"changes": 7}, {"changes": [typed]}):
        assert with_kinds(other) is other
