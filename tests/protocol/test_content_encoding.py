"""Content encodings are undone, but not without limit."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.protocol.content_encoding import decoded

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


_WEIGHED = """
import resource, sys, time
from regauth_core.protocol.content_encoding import decoded
body, began = sys.stdin.buffer.read(), time.process_time()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert decoded(body, sys.argv[1], 1024 * 1024) is None
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(time.process_time() - began, grown / 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_not_unfolded(name: str) -> None:
    """A body that would unfold to a quarter of a gigabyte gives nothing, and costs little memory and time to see it.

    In a process by itself, because the libraries' memory is not Python's.
    """
    told = subprocess.run(
        [sys.executable, "-c", _WEIGHED, name], input=BOMBS[name], capture_output=True, check=True, timeout=60
    )
    seconds, mebibytes = map(float, told.stdout.split())
    assert seconds < 0.2
    assert mebibytes < 48


@pytest.mark.parametrize("quality", [0, 5, 11])
@pytest.mark.parametrize("size", [1, 70_000, MOST])
def test_brotli_is_undone_up_to_the_limit(quality: int, size: int) -> None:
    """A long answer comes out whole, also in several pieces; with one byte more than the limit nothing does."""
    text = (b"0123456789" * (size // 10 + 1))[:size]
    assert decoded(brotli.compress(text, quality=quality), "br", size) == text
    assert decoded(brotli.compress(text + b"x", quality=quality), "br", size) is None


def test_brotli_that_can_hardly_be_compressed_costs_little() -> None:
    """Where the library knows no limit, a long body gives nothing instead of taking a second."""
    text = random.Random(7).randbytes(900_000)  # noqa: S311
    assert decoded(brotli.compress(text, quality=1), "br", MOST) in (text, None)


@pytest.mark.parametrize("name", ["compress", "gzip, gzip, gzip, gzip, gzip", "aes128gcm"])
def test_unknown_encoding_gives_nothing(name: str) -> None:
    """What is not known, and what is heaped up, is left alone."""
    assert decoded(TEXT, name, MOST) is None


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
def test_damage_raises_nothing(body: bytes, name: str) -> None:
    """Whatever the bytes are, nothing is raised."""
    result = decoded(body, name, 100)
    assert result is None or len(result) <= 100
