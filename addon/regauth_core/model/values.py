"""The values of which all others are made: text that may be shown, fingerprints, origins and links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NewType

Safe = NewType("Safe", str)
"""Text that may be shown to anybody. Only `redact` makes it."""

Fingerprint = NewType("Fingerprint", str)
"""A keyed hash of a secret, such as ``tok:3f2a91c0``: equal for equal secrets within one trace, and nothing else."""


DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""The port that a URL of each scheme means where it names none."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Scheme, host and port (RFC 6454 section 4): `scheme` and `host` in lower case, `port` always a number."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as one types them (RFC 3986 section 3.2); a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        """The origin as a URL without a path; a default port is left out."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A URL that an answer named (realm, `Location`, next page), resolved against the request that got the answer."""

    text: Safe
    """The whole absolute URL after redaction."""
    origin: Origin | None
    """`None` where the text is no http(s) URL."""
    path: Safe
    relative: bool = False
    """It was written relative to the request."""
    signed: Signature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a pre-signed URL says of its life, in the dialects of S3, Google Cloud Storage, Azure and CloudFront."""

    begins: float | None = None
    ends: float | None = None


def printable(text: str) -> str:
    r"""`text` in which whatever does not print is written as an escape such as ``\x1b`` or ``\u202e``.

    Controls, line breaks, direction marks, lone surrogates, unassigned code points and blanks other than the space.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return {0x0A: r"\n", 0x0D: r"\r", 0x09: r"\t"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
