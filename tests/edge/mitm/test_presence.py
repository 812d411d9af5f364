"""Who has gone: only who can be known to have."""

from __future__ import annotations

from regauth_core.edge.mitm.presence import Presence
from regauth_core.edge.mitm.processes import Process
from regauth_core.model import Sender
from regauth_core.redaction.redactor import Redactor

ONE, TWO = Process(1, "skopeo", 10), Process(2, "skopeo", 20)
SAFE = Redactor(b"key")
FIRST = Sender(process=1, program=SAFE.text("skopeo"), address=SAFE.host("127.0.0.1"))
SECOND = Sender(process=2, program=SAFE.text("skopeo"), address=SAFE.host("127.0.0.1"))
LABELLED = Sender(label=SAFE.user("left"), process=1)
LABELLED_TOO = Sender(label=SAFE.user("left"), process=2)
STRANGER = Sender(address=SAFE.host("192.0.2.1"), user_agent=SAFE.text("client/1"))


def test_client_goes_with_its_process() -> None:
    """The client of an ended process has gone, the other has not; once is enough."""
    presence = Presence()
    presence.seen(FIRST, ONE)
    presence.seen(SECOND, TWO)
    assert set(presence.processes()) == {ONE, TWO}
    assert presence.ended({ONE}) == (FIRST,)
    assert presence.ended({ONE}) == ()
    assert not presence.everybody_gone
    assert presence.ended({TWO}) == (SECOND,)
    assert presence.everybody_gone


def test_label_goes_with_the_last_of_its_processes() -> None:
    """A label may stand for several processes, one after the other or side by side."""
    presence = Presence()
    presence.seen(LABELLED, ONE)
    presence.seen(LABELLED_TOO, TWO)
    assert presence.ended({ONE}) == ()
    assert presence.processes() == (TWO,)
    assert presence.ended({TWO}) == (LABELLED,)


def test_client_with_a_request_on_its_way_is_asked_for_again() -> None:
    """Its last exchange has not been seen to its end; that of somebody else changes nothing."""
    presence = Presence()
    presence.seen(FIRST, ONE)
    assert presence.ended({ONE}, [FIRST]) == ()
    assert presence.processes() == (ONE,)
    assert presence.ended({ONE}, [SECOND]) == (FIRST,)


def test_client_without_a_process_is_never_known_to_have_gone() -> None:
    """Of another machine's client, or one whose process could not be told even once, nobody knows."""
    presence = Presence()
    presence.seen(STRANGER, None)
    presence.seen(LABELLED, ONE)
    presence.seen(LABELLED, None)
    assert presence.ended({ONE}) == ()
    assert not presence.everybody_gone


def test_nobody_seen_is_everybody_gone() -> None:
    """Where nobody came, nobody is left."""
    assert Presence().everybody_gone
