"""Fingerprints: equal for equal secrets in one trace, and nothing else."""

from __future__ import annotations

import json
import re

from kit.messages import opaque, wire
from kit.tables import redactor
from regauth_core.recording.observe import observe
from regauth_core.redaction.redactor import Redactor


def test_fingerprints_tell_equal_from_different() -> None:
    """Tokens with one prefix differ, one token is the same wherever it stands, and another trace knows neither."""
    one = redactor()
    assert one.fingerprint("abcdef-1") != one.fingerprint("abcdef-2")
    assert one.fingerprint("abcdef-1") == one.fingerprint(b"abcdef-1")
    assert one.fingerprint("abcdef-1") == one.fingerprint("abcdef-1", "pw")
    assert one.fingerprint("abcdef-1") != Redactor(b"other").fingerprint("abcdef-1")
    assert re.fullmatch("tok:[0-9a-f]{8}", one.fingerprint("abcdef-1"))
    assert one.fingerprint("") == ""


def test_a_token_has_one_fingerprint_in_header_and_body() -> None:
    """What was issued in a body is recognised in the header that uses it."""
    one, token = redactor(), opaque("N23")
    issued = observe(wire("/token?service=registry.test", answer=json.dumps({"token": token})), one)
    used = observe(wire("/v2/", ("Authorization", f"Bearer {token}")), one)
    assert issued.response is not None
    assert issued.response.token is not None
    assert issued.response.token.token == used.request.credentials[0].fingerprint
    assert used.request.header("authorization") == f"Bearer <{used.request.credentials[0].fingerprint}>"


def test_a_user_name_does_not_betray_an_equal_password() -> None:
    """Fingerprints of people have a space of their own."""
    one = redactor()
    assert one.fingerprint("alice", "user").partition(":")[2] != one.fingerprint("alice", "pw").partition(":")[2]
