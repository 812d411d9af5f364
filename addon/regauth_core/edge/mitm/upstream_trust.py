"""`regauth run`: whether a registry's certificate is good is decided by the client, as it is without a proxy.

A client sees the proxy's certificate in place of the registry's. So the proxy shows it one of the authority that the
client was made to trust where the registry's own is trusted, and one of an authority that nobody trusts where it is
not. A client that does not care (``curl -k``, ``--tls-verify=false``, ``insecure = true`` in a file) goes on, and one
that does ends as it does without regauth. Requests of regauth's own are sent to trusted servers alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mitmproxy import certs, ctx, http, tls
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.connection import Client, Server
from mitmproxy.proxy import mode_specs, server_hooks
from OpenSSL import SSL, crypto

from regauth_core.bounded import Bounded

_BASENAME: Final = "regauth-untrusted"
_KEY_BITS: Final = 2048
_MAX_FILE: Final = 16 * 1024 * 1024
_MOST_FILES: Final = 1000
_HTTPS: Final = 443
_WORDS: Final = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its authority is not trusted",
    20: "its authority is not trusted",
    21: "its authority is not trusted",
    23: "it was revoked",
    62: "it is for another host name",
    64: "it is for another address",
}
"""By OpenSSL's number of what is wrong (``openssl/x509_vfy.h``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTrust:
    """What the command trusts beside the certificates that every host may have."""

    bundle: Path
    """A file (PEM) of the certificates that every host may have."""
    host_directories: tuple[Path, ...] = ()
    """Directories such as ``/etc/docker/certs.d``: below ``HOST`` or ``HOST:PORT`` they have that host's."""
    insecure: frozenset[str] = frozenset()
    """Hosts, as ``HOST`` or ``HOST:PORT``, whose certificate is not verified."""
    insecure_of_ours: bool = False
    """For requests of regauth's own, which may carry credentials, no host's certificate is verified."""

    def is_insecure(self, host: str, port: int) -> bool:
        """Whether the user said that this host's certificate is not to be verified."""
        return not self.insecure.isdisjoint((host.lower(), f"{host.lower()}:{port}"))

    def host_files(self, host: str, port: int) -> tuple[Path, ...]:
        """The files of certificates that one host alone may have."""
        # A name comes from the wire: it is a single step downwards, or none.
        if "/" in host or "\0" in host or host.startswith("."):
            return ()
        names = [f"{host}:{port}", *([host] if port == _HTTPS else [])]
        found: list[Path] = []
        for directory in (base / name for base in self.host_directories for name in names):
            found += certificate_files(directory)
        return tuple(found[:_MOST_FILES])


def certificate_files(directory: Path) -> tuple[Path, ...]:
    """The files ending in ``.crt`` in `directory`, which registries' clients read there; none where it cannot be."""
    try:
        return tuple(sorted(file for file in directory.iterdir() if file.suffix == ".crt" and file.is_file()))
    except (OSError, ValueError):
        return ()


def read_certificates(file: Path) -> str:
    """The text of a file of certificates; empty where it cannot be read."""
    with contextlib.suppress(OSError), file.open(encoding="utf-8", errors="replace") as source:
        return source.read(_MAX_FILE)
    return ""


class UpstreamVerifier:
    """An addon behind mitmproxy's own, for one run."""

    name = "regauth-upstream-verifier"

    def __init__(self, trust: UpstreamTrust, scratch: Path) -> None:
        """`scratch`: a private directory, for the authority that nobody trusts."""
        self._trust = trust
        self._scratch = scratch
        self._untrusted: dict[str, str] = {}
        """Why a server's certificate is not trusted, by the number of the connection."""
        self._shown: dict[str, str] = {}
        """The same by the number of a client's connection, whose client was shown as much."""
        self._insecure: set[str] = set()
        """Connections to servers whose certificate was not looked at."""
        self._clients: set[str] = set()
        """Connections of clients; regauth's own requests come from none."""
        self._contexts: Bounded[tuple[str, int], SSL.Context] = Bounded(64)
        self._nobody: TlsConfig | None = None

    def reason(self, client: Client) -> str | None:
        """Why the server's certificate is not trusted, if `client` was shown one of an authority that nobody trusts."""
        return self._shown.get(client.id)

    def is_unverified(self, server: Server) -> bool:
        """Whether a connection leads to a server of which nobody knows who it is."""
        return server.id in self._untrusted or server.id in self._insecure

    def client_connected(self, client: Client) -> None:
        """A client is there."""
        self._clients.add(client.id)

    def client_disconnected(self, client: Client) -> None:
        """Forget it."""
        self._clients.discard(client.id)
        self._shown.pop(client.id, None)

    def server_disconnected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Forget the connection."""
        self._untrusted.pop(data.server.id, None)
        self._insecure.discard(data.server.id)

    def tls_start_server(self, data: tls.TlsData) -> None:
        """Before the handshake with a server: what is trusted, and what happens where it is not."""
        server, client = data.conn, data.context.client
        # Another one is the proxy on the way there.
        if not isinstance(server, Server) or server != data.context.server or data.ssl_conn is None:
            return
        if server.address is None or ctx.options.ssl_insecure:
            return
        host, port = server.address[0], server.address[1]
        is_ours = client.id not in self._clients
        # What comes without TLS to a port that stands for a registry would go there without TLS.
        is_plain = isinstance(client.proxy_mode, mode_specs.ReverseMode) and not client.tls
        if self._trust.insecure_of_ours if is_ours else is_plain or self._trust.is_insecure(host, port):
            self._insecure.add(server.id)
            data.ssl_conn.set_verify(SSL.VERIFY_NONE, None)
            return
        if (context := self._context(host, port)) is not None:
            data.ssl_conn.set_context(context)
        # Whoever is still to be shown a certificate will judge by that; else it is too late for it.
        if client.tls and (not client.tls_established or client.id in self._shown):
            data.ssl_conn.set_verify(SSL.VERIFY_PEER, self._noting(server.id))

    def tls_start_client(self, data: tls.TlsData) -> None:
        """Before the handshake with a client, and behind the one with its server: the certificate to be shown."""
        why = self._untrusted.get(data.context.server.id)
        if why is None or not isinstance(data.conn, Client):
            return
        self._shown[data.conn.id] = why
        data.ssl_conn = None
        self._of_nobody().tls_start_client(data)

    def _noting(self, number: str) -> Callable[[SSL.Connection, crypto.X509, int, int, int], bool]:
        def note(_: SSL.Connection, __: crypto.X509, error: int, ___: int, good: int) -> bool:
            if not good and number not in self._untrusted:
                self._untrusted[number] = _WORDS.get(error, f"it cannot be verified (error {error} of OpenSSL)")
            return True

        return note

    def _context(self, host: str, port: int) -> SSL.Context | None:
        """What is trusted at one host; `None` where that is what is trusted everywhere."""
        known = self._contexts.get((host, port))
        files = self._trust.host_files(host, port) if known is None else ()
        if not files:
            return known
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.load_verify_locations(str(self._trust.bundle))
        if (store := context.get_cert_store()) is not None:
            for certificate in (one for file in files for one in _certificates(read_certificates(file))):
                store.add_cert(certificate)
        self._contexts[host, port] = context
        return context

    def _of_nobody(self) -> TlsConfig:
        if self._nobody is None:
            self._nobody = TlsConfig()
            certs.CertStore.create_store(
                self._scratch, _BASENAME, _KEY_BITS, organization="regauth", cn="the registry's own is not trusted"
            )
            self._nobody.certstore = certs.CertStore.from_store(self._scratch, _BASENAME, _KEY_BITS)
        return self._nobody


def is_verified(flow: http.HTTPFlow) -> bool:
    """Whether the server that a request goes to has shown who it is, as far as it speaks TLS."""
    verifier = ctx.master.addons.get(UpstreamVerifier.name)
    return not ctx.options.ssl_insecure and not (verifier is not None and verifier.is_unverified(flow.server_conn))


def _certificates(text: str) -> list[crypto.X509]:
    mark = "-----BEGIN CERTIFICATE-----"
    found = []
    for piece in text.split(mark)[1:]:
        body = piece.partition("-----END CERTIFICATE-----")[0]
        with contextlib.suppress(crypto.Error, ValueError):
            pem = f"{mark}{body}-----END CERTIFICATE-----\n"
            found.append(crypto.load_certificate(crypto.FILETYPE_PEM, pem.encode("utf-8")))
    return found
