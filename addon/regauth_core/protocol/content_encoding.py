"""Undoes `Content-Encoding` (RFC 9110 section 8.4) of bodies from strangers: a small body may unfold to gigabytes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import brotli
import zstandard

_MAX_ENCODINGS: Final = 4
_MOST_BYTEWISE: Final = 64 * 1024
"""Bytes of a body in brotli that are unfolded where the library knows no limit, which has to be done byte by byte."""
_MAX_WINDOW: Final = 8 * 1024 * 1024
"""What a decoder of zstd has to provide (RFC 9659 section 3)."""


def decoded(body: bytes, encodings: str, most: int) -> bytes | None:
    """`body` without the encodings of the header value `encodings`; `None` if that fails or gives over `most` bytes."""
    names = [name for part in encodings.split(",") if (name := part.strip().lower())]
    if len(names) > _MAX_ENCODINGS:
        return None
    for name in reversed(names):
        decode = _DECODERS.get(name)
        if decode is None:
            return None
        try:
            unfolded = decode(body, most)
        except (zlib.error, brotli.error, zstandard.ZstdError, ValueError, MemoryError):
            return None
        if unfolded is None or len(unfolded) > most:
            return None
        body = unfolded
    return body if len(body) <= most else None


def _same(body: bytes, _: int) -> bytes:
    return body


def _gzip(body: bytes, most: int) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, most + 1)


def _deflate(body: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, most + 1)
    except zlib.error:
        # Some senders leave the zlib wrapper out (RFC 9110 section 8.4.1.2).
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body, most + 1)


def _brotli(body: bytes, most: int) -> bytes | None:
    unfold = brotli.Decompressor()
    pieces = _limited(unfold, body, most) if hasattr(unfold, "can_accept_more_data") else _bytewise(unfold, body)
    parts, size = [], 0
    for part in pieces:
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _limited(unfold: Any, body: bytes, most: int) -> Iterator[bytes]:
    """The output piece by piece; brotli 1.2 and later stop at a limit."""
    yield unfold.process(body, output_buffer_limit=most + 1)
    while not unfold.is_finished() and not unfold.can_accept_more_data():
        yield unfold.process(b"", output_buffer_limit=most + 1)


def _bytewise(unfold: Any, body: bytes) -> Iterator[bytes]:
    """The output of each byte: before the next one, at most a block of 16 MiB (RFC 7932 section 9.2) is unfolded."""
    if len(body) > _MOST_BYTEWISE:
        raise ValueError("too long to be unfolded byte by byte")
    for at in range(len(body)):
        yield unfold.process(body[at : at + 1])


def _zstd(body: bytes, most: int) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(io.BytesIO(body)) as reader:
        return reader.read(most + 1)


_DECODERS: Final[Mapping[str, Callable[[bytes, int], bytes | None]]] = {
    "identity": _same,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
