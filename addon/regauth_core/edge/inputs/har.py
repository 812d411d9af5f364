"""HAR files of any tool as raw messages (HAR 1.2), entry by entry, without holding the file in memory."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlencode, urlsplit

import msgspec

from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs.saved_file import Item, SavedFile
from regauth_core.edge.inputs.times import is_possible
from regauth_core.model import DEFAULT_PORTS, Exchange, FailureKind
from regauth_core.model.change import with_kinds
from regauth_core.model.journal import Capture
from regauth_core.recording.observe import Wire
from regauth_core.report.har import SCHEMA, OwnLog
from regauth_core.report.text import counted

_CHUNK = 4 * 1024 * 1024
MOST_ENTRY = 256 * 1024 * 1024
"""Characters of one entry; a larger one ends the reading."""
_ENTRIES = re.compile(r'"entries"\s*:\s*\[')
_OWN = re.compile(r'"_regauth"\s*:\s*')
_CREATOR = re.compile(r'"creator"\s*:\s*\{[^{}]*?"name"\s*:\s*"([^"]{0,200})"')
_FAILURES = (
    (("tls", "ssl", "certificate", "cert_"), FailureKind.TLS),
    (("refused", "unreachable", "resolve", "name_not", "connect"), FailureKind.CONNECT),
    (("abort", "disconnect", "cancel", "blocked"), FailureKind.CLIENT_ABORTED),
)

_CHROME = "WebInspector"
"""The creator of HAR files by Chrome's developer tools, which leave `Authorization` out unless asked not to."""
_STRANGE = "entries that are not HTTP exchanges"


class Damaged(Exception):
    """The file breaks off or is not JSON from some entry on; the message says where."""


class SavedHar(SavedFile):
    """A HAR file of any tool. From one that regauth wrote, its own exchanges are taken, and what it says of itself."""

    is_numbered = True

    def __init__(self, path: Path) -> None:
        """Raises `UserError` where a newer regauth wrote the file."""
        super().__init__(path)
        self._capture: Capture | None = None
        """What regauth wrote of the recording, beside its exchanges."""
        log = _own_log(path)
        if log is not None:
            self.environment, self.redaction = log.environment, log.redaction
            self.notes.extend(log.notes)
            self._capture = log.capture
        if self._capture is not None:
            self.ending = self._capture.ending
            self.quiet_time = self._capture.quiet_time
            self.credentials_known = self._capture.credentials_known

    def items(self) -> Iterator[Item]:
        """The exchanges that regauth had put into the entries; of other entries, the raw messages."""
        if self._capture is not None:
            yield from ((gone.at, gone) for gone in self._capture.gone)
            yield from ((pause.at, pause) for pause in self._capture.breaks)
            yield from ((proof.at, proof) for proof in self._capture.proofs)
        with _opened(self.path) as file:
            yield from self._of_entries(HarEntries(file))

    def _of_entries(self, entries: HarEntries) -> Iterator[Item]:
        strange, authorized, number = 0, False, 0
        try:
            for number, entry in enumerate(entries, 1):
                item = own_exchange(entry, number) or wire_of(entry, number)
                if item is None or not is_possible(item):
                    strange += 1
                    continue
                authorized = authorized or isinstance(item, Exchange) or is_authorized(item)
                yield item.started, item
        except Damaged as damage:
            self._cut(f"{damage}; {number} entries were read")
        if strange:
            entries_skipped = counted(strange, "entry that is not an HTTP exchange", _STRANGE)
            self.notes.append(f"{self.path.name}: skipped {entries_skipped}")
        if entries.creator == _CHROME and not authorized:
            self._cut("no entry has an Authorization header: it may have been exported without credentials")


def _opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", errors="replace")


def _own_log(path: Path) -> OwnLog | None:
    with _opened(path) as file:
        try:
            return own_log(HarEntries(file))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None


class HarEntries:
    """The entries of a HAR file, in their order, as plain JSON values."""

    def __init__(self, file: TextIO) -> None:
        """`file` is read from its present place on, and only as far as is needed."""
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._head = ""
        self.creator = ""
        """Which tool wrote the file, as far as its head says."""

    def __iter__(self) -> Iterator[Any]:
        """Each entry. Raises `Damaged` where the file cannot be read on."""
        self.head()
        decode = json.JSONDecoder().raw_decode
        number = 0
        while self._skip_to_entry(number):
            number += 1
            yield self._entry(decode, number)

    def head(self) -> str:
        """What stands in front of the entries. Raises `Damaged` where there are none."""
        if not self._head:
            self._find_entries()
        return self._head

    def _find_entries(self) -> None:
        while (found := _ENTRIES.search(self._text)) is None:
            if len(self._text) > 16 * _CHUNK or not self._more():
                raise Damaged("expected a list of entries")
        creator = _CREATOR.search(self._text, 0, found.start())
        self.creator = creator[1] if creator else ""
        self._head = self._text[: found.start()]
        self._at = found.end()

    def _more(self) -> bool:
        chunk = "" if self._ended else self._file.read(_CHUNK)
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return bool(chunk)

    def _skip_to_entry(self, number: int) -> bool:
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n,":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at] != "]"
            if not self._more():
                raise Damaged(f"the file ends after entry {number}")

    def _entry(self, decode: Any, number: int) -> Any:
        size = _CHUNK
        while True:
            try:
                entry, self._at = decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if len(self._text) - self._at > MOST_ENTRY:
                    raise Damaged(f"entry {number} is larger than {MOST_ENTRY} characters") from error
                # An entry may be much longer than a chunk; reading ever more before each try keeps the cost linear.
                target, grown = max(size, 2 * (len(self._text) - self._at)), False
                while len(self._text) - self._at < target and self._more():
                    grown = True
                if not grown:
                    raise Damaged(f"entry {number} is damaged or incomplete") from error
                size = target
            else:
                return entry


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> float | None:
    return float(value) / 1000 if isinstance(value, int | float) and 0 <= value < 1e12 else None


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value < 1e18 else 0


def _headers(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = message.get("headers")
    # Names with a colon in front are HTTP/2's pseudo header fields, which some tools list with the others.
    return tuple(
        (pair["name"], _text(pair.get("value")))
        for pair in (pairs if isinstance(pairs, list) else ())
        if isinstance(pair, dict) and isinstance(pair.get("name"), str) and not pair["name"].startswith(":")
    )


def began(entry: Any) -> float | None:
    """When the entry's request began, seconds since the epoch; `None` where it does not say."""
    try:
        return datetime.fromisoformat(_dict(entry).get("startedDateTime", "")).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def wire_of(entry: Any, number: int) -> Wire | None:
    """The messages of one entry; `None` where it is not an http(s) exchange."""
    entry = _dict(entry)
    request, response = _dict(entry.get("request")), _dict(entry.get("response"))
    started = began(entry)
    address = _address(_text(request.get("url")))
    if address is None or started is None:
        return None
    scheme, host, port, path, user_info = address
    status = response.get("status")
    status = status if isinstance(status, int) and 100 <= status <= 999 else None
    timings = _dict(entry.get("timings"))
    waited = sum(s for key in ("blocked", "dns", "connect", "send", "wait") if (s := _seconds(timings.get(key))))
    took = _seconds(entry.get("time"))
    body, size = _content(_dict(response.get("content")))
    form = _form(_dict(request.get("postData")))
    return Wire(
        number=number,
        method=_text(request.get("method")).upper(),
        scheme=scheme,
        host=host,
        port=port,
        path=path,
        user_info=user_info,
        request_headers=_headers(request),
        request_body=form,
        request_size=_count(request.get("bodySize")) or len(form or b""),
        status=status,
        response_headers=_headers(response),
        response_body=body,
        response_size=max(_count(response.get("bodySize")), size),
        failure=None if status is not None else _failure(entry, response),
        started=started,
        first_byte=started + waited if status is not None and waited else None,
        ended=started + took if took is not None else None,
        connection=_text(entry.get("connection")) or None,
        http_version=_text(request.get("httpVersion")) or None,
    )


def _address(url: str) -> tuple[str, str, int, str, str | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user_info = parts.netloc.rpartition("@")[0] or None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path, user_info


def _content(content: dict[str, Any]) -> tuple[bytes | None, int]:
    text, size = content.get("text"), _count(content.get("size"))
    if not isinstance(text, str) or len(text) > 4 * 1024 * 1024:
        return None, size
    if content.get("encoding") == "base64":
        try:
            body = base64.b64decode(text)
        except (binascii.Error, ValueError):
            return None, size
    else:
        body = text.encode("utf-8", "replace")
    return body, max(size, len(body))


def _form(posted: dict[str, Any]) -> bytes | None:
    text, pairs = posted.get("text"), posted.get("params")
    if isinstance(text, str) and text:
        return text[: 1024 * 1024].encode("utf-8", "replace")
    if isinstance(pairs, list) and pairs:
        return urlencode([(_text(_dict(p).get("name")), _text(_dict(p).get("value"))) for p in pairs]).encode()
    return None


def _failure(entry: dict[str, Any], response: dict[str, Any]) -> tuple[FailureKind, str]:
    said = _text(response.get("_error")) or _text(entry.get("_error"))
    lowered = said.lower()
    for words, kind in _FAILURES:
        if any(word in lowered for word in words):
            return kind, said
    return FailureKind.NOT_RECORDED, said or "the file has no answer"


def own_log(entries: HarEntries) -> OwnLog | None:
    """What regauth wrote of how the file was made; `None` where it did not. Raises `UserError` for a newer version."""
    try:
        head = entries.head()
    except Damaged:
        return None
    found = _OWN.search(head)
    if entries.creator != "regauth" or found is None:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(head, found.end())
        schema = _dict(value).get("schema")
        if isinstance(schema, str) and schema != SCHEMA:
            raise UserError(f"expected {SCHEMA}, found {schema[:40]!r}: written by a newer regauth?")
        return msgspec.convert(value, OwnLog)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def own_exchange(entry: Any, number: int) -> Exchange | None:
    """The exchange that regauth itself put into the entry; `None` where there is none, or it cannot be read."""
    kept = _dict(_dict(entry).get("_regauth")).get("exchange")
    if kept is None:
        return None
    try:
        return replace(msgspec.convert(with_kinds(kept), Exchange), number=number)
    except (msgspec.ValidationError, ValueError, RecursionError):
        return None


def is_authorized(wire: Wire) -> bool:
    """Whether the request carries an `Authorization`."""
    return any(name.lower() == "authorization" for name, _ in wire.request_headers)
