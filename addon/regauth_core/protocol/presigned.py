"""Reads the life of a pre-signed URL, in the dialects of S3, Google Cloud Storage, Azure, CloudFront and Docker Hub.

Nothing here raises on wire input. Times are seconds since the epoch.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from regauth_core.model import Signature
from regauth_core.protocol.jwt import seconds

_MARKS = ("signature", "sig", "verify", "policy", "x-amz-signature", "x-goog-signature")
_MAX_PAIRS = 64


def signature(url: str) -> Signature | None:
    """What `url` says of its life; `None` where it carries no signature."""
    query = url.partition("#")[0].partition("?")[2]
    if not query:
        return None
    values: dict[str, str] = {}
    for pair in query.split("&", _MAX_PAIRS)[:_MAX_PAIRS]:
        key, _, value = pair.partition("=")
        values.setdefault(key.lower(), value if "%" not in value else unquote(value))
    if not any(values.get(mark) for mark in _MARKS):
        return None
    for vendor in ("x-amz-", "x-goog-"):
        begins = _instant(values.get(vendor + "date", ""))
        if begins is not None:
            life = seconds(values.get(vendor + "expires", ""))
            return Signature(begins=begins, ends=None if life is None else begins + life)
    return _other(values)


def _other(values: Mapping[str, str]) -> Signature:
    if "se" in values:
        return Signature(begins=_instant(values.get("st", "")), ends=_instant(values["se"]))
    if "expires" in values:
        return Signature(ends=seconds(values["expires"]))
    if "policy" in values:
        return Signature(ends=_policy_end(values["policy"]))
    # Docker Hub's network: `verify=` is the time of issue, a hyphen and the proof.
    return Signature(begins=seconds(values.get("verify", "").partition("-")[0]))


def _instant(text: str) -> float | None:
    """ISO 8601, extended or basic, UTC where no zone is named."""
    if not 8 <= len(text) <= 35:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _policy_end(text: str) -> float | None:
    """CloudFront's custom policy: JSON in base64 with `-_~` for `+=/`; the condition `DateLessThan` ends it."""
    if len(text) > 8192:
        return None
    plain = text.replace("-", "+").replace("_", "=").replace("~", "/")
    try:
        policy = json.dumps(json.loads(b64decode(plain + "=" * (-len(plain) % 4))))
    except (ValueError, RecursionError):
        return None
    found = re.search(r'"DateLessThan": \{"AWS:EpochTime": ([0-9]{1,12})', policy)
    return float(found[1]) if found else None
