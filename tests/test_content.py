"""Content encodings are undone, but not without limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.edge.content import decoded

TEXT = b'{"token": "t", "expires_in": 60}' * 20
MOST = 1024 * 1024
RAW = zlib.compressobj(wbits=-15)
ENCODED = {
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP ": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
    "gzip, br": brotli.compress(gzip.compress(TEXT)),
    "": TEXT,
}
BOMBS = {
    "gzip": gzip.compress(bytes(256 * MOST), 1),
    "deflate": zlib.compress(bytes(256 * MOST), 1),
    "br": brotli.compress(bytes(256 * MOST), quality=1),
    "zstd": zstandard.compress(bytes(256 * MOST)),
    "gzip, gzip": gzip.compress(gzip.compress(bytes(256 * MOST), 1)),
}


@pytest.mark.parametrize("name", ENCODED)
def test_encoding_is_undone(name: str) -> None:
    """What registries and token servers use is read."""
    assert decoded(ENCODED[name], name, MOST) == TEXT


def test_deflate_without_its_wrapper_is_undone() -> None:
    """Some senders leave the wrapper out."""
    assert decoded(RAW.compress(TEXT) + RAW.flush(), "deflate", MOST) == TEXT


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_not_unfolded(name: str) -> None:
    """A body that would unfold to a quarter of a gigabyte gives nothing, and takes little memory to see it."""
    tracemalloc.start()
    try:
        assert decoded(BOMBS[name], name, MOST) is None
        assert tracemalloc.get_traced_memory()[1] < 32 * MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["compress", "gzip, gzip, gzip, gzip, gzip", "aes128gcm"])
def test_unknown_encoding_gives_nothing(name: str) -> None:
    """What is not known, and what is heaped up, is left alone."""
    assert decoded(TEXT, name, MOST) is None


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_damage_raises_nothing(body: bytes, name: str) -> None:
    """Whatever the bytes are, nothing is raised."""
    result = decoded(body, name, 100)
    assert result is None or len(result) <= 100
