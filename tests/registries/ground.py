"""What every registry here stands on: passwords, certificates, free ports, and where the programs are."""

from __future__ import annotations

import ipaddress
import random
import secrets
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from mitmproxy.certs import CertStore

from clients.programs import path_of, unavailable
from regauth_core.edge.commands.authority import authority, certificate

REGISTRY: Final = "registry.test"
"""The name of every registry here: made up, because Go programs send nothing for a loopback address to a proxy."""
TOKEN_SERVER: Final = "auth.registry.test"
PROGRAMS: Final = ("docker-registry", "nginx", "htpasswd", "token-server")

# Below the ports that systems hand out to clients, so that no client's connection takes one just chosen.
_PORTS: Final = range(20000, 32000)
_KEY_BITS: Final = 2048
_LOCAL: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Login:
    """A user with a password that was made up for this session."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def made(cls, user: str) -> Login:
        """A login of `user`."""
        return cls(user, secrets.token_urlsafe(18))


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate chain and its key, as two files in PEM."""

    certificate: Path
    key: Path


def require_programs() -> None:
    """Skip the test, or fail it where that is asked for, unless every registry can be started."""
    for program in PROGRAMS:
        if path_of(program) is None:
            unavailable(f"{program} is not installed (tests/registries/install)")


def program(name: str) -> str:
    """The file of an installed program."""
    found = path_of(name)
    assert found is not None, f"{name} is not installed (tests/registries/install)"
    return found


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311  (no secret)
        with socket.socket() as probe:
            try:
                probe.bind((_LOCAL, port))
            except OSError:
                continue
            return port


def write_private(file: Path, content: bytes) -> Path:
    """Write a file that only its owner may read; the file."""
    file.touch(mode=0o600)
    file.write_bytes(content)
    return file


def server_certificate(directory: Path) -> tuple[Path, Pair]:
    """An authority of the registries' own, not regauth's, and what it signed for all their names."""
    with authority({"XDG_STATE_HOME": str(directory / "authority")}) as confdir:
        store = CertStore.from_store(confdir, "mitmproxy", _KEY_BITS)
        names = [x509.DNSName(name) for name in (REGISTRY, TOKEN_SERVER)]
        general = x509.GeneralNames([*names, x509.IPAddress(ipaddress.ip_address(_LOCAL))])
        entry = store.get_cert(REGISTRY, general)
        chain = b"".join(signed.to_pem() for signed in (entry.cert, *entry.chain_certs))
        key = entry.privatekey.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        files = (write_private(directory / "server.pem", chain), write_private(directory / "server.key", key))
        return certificate(confdir), Pair(*files)


def signing_certificate(directory: Path) -> Pair:
    """A key with which tokens are signed, and the certificate by which a registry knows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, TOKEN_SERVER)])
    begin = datetime.now(UTC) - timedelta(hours=1)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Pair(
        write_private(directory / "signing.pem", signed.public_bytes(Encoding.PEM)),
        write_private(directory / "signing.key", secret),
    )


def password_file(file: Path, logins: Sequence[Login]) -> Path:
    """Write a file of bcrypt hashes, as docker-registry and nginx read it; the file."""
    hashed = [
        subprocess.run(
            [program("htpasswd"), "-n", "-i", "-B", login.user],
            input=login.password.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        ).stdout.strip()
        for login in logins
    ]
    return write_private(file, b"\n".join(hashed) + b"\n")
