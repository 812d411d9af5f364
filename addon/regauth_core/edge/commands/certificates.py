"""TLS certificates for whatever name a client asks for, from mitmproxy's own authority."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy.certs import CertStore

from regauth_core.edge.errors import UserError

_KEY_SIZE = 2048
_NAMES = 64
"""The most names that get a certificate of their own; further ones get the common one."""
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


class Certificates:
    """The authority in one directory, and what it has signed. Safe for several threads."""

    def __init__(self, confdir: Path, names: Iterable[str]) -> None:
        """Reads the authority in `confdir`, or makes one there; `names` (hosts and addresses) share one certificate.

        Raises `UserError` where the directory or what is in it cannot be used.
        """
        self.authority = confdir / "mitmproxy-ca-cert.pem"
        """The file with the certificate that clients have to trust."""
        try:
            self._store = CertStore.from_store(confdir, "mitmproxy", _KEY_SIZE)
            if not self.authority.exists():
                self.authority.write_bytes(self._store.default_ca.to_pem())
        except OSError as error:
            raise UserError(f"{confdir}: cannot store a certificate authority there: {error.strerror}") from None
        except ValueError:
            raise UserError(f"{confdir / 'mitmproxy-ca.pem'}: expected a certificate authority in PEM") from None
        self._lock = Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.context = self._made(tuple(dict.fromkeys(names)))
        """For a server's connections; changes to the certificate of the name that a client asks for."""
        self.context.sni_callback = self._chosen

    def _chosen(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Called during the handshake with the name that the client wants (RFC 6066 section 3)."""
        if name is None or not _HOST.fullmatch(name.lower()):
            return
        with self._lock:
            if name not in self._contexts and len(self._contexts) < _NAMES:
                self._contexts[name] = self._made((name.lower(),))
            connection.context = self._contexts.get(name, self.context)

    def _made(self, names: tuple[str, ...]) -> ssl.SSLContext:
        entry = self._store.get_cert(names[0], x509.GeneralNames([_general(name) for name in names]))
        key = entry.privatekey.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        chain = b"".join(certificate.to_pem() for certificate in (entry.cert, *entry.chain_certs))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # The ssl module reads keys from files alone. The directory is its owner's alone, and is gone at once.
        with TemporaryDirectory() as directory:
            path = Path(directory) / "certificate.pem"
            path.write_bytes(key + chain)
            context.load_cert_chain(path)
        return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
