"""The certificate authority of `regauth run`: its own, kept from run to run, trusted by the command alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mitmproxy import certs

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason

_KEY_BITS: Final = 2048
_BASENAME: Final = "mitmproxy"  # the file names that mitmproxy looks for
_MAX_BUNDLE: Final = 16 * 1024 * 1024

# Which of these a program looks at: Go and OpenSSL the first, then Python's requests, curl and Node.
TRUST_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")

# Where the systems that Go and OpenSSL know of keep the certificates they trust.
_SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@contextlib.contextmanager
def authority(environment: Mapping[str, str]) -> Iterator[Path]:
    """A directory that holds an authority for mitmproxy (its ``confdir``), only the owner may look into it.

    It is ``$XDG_STATE_HOME/regauth/authority`` (``~/.local/state`` where that is not set), made once because making a
    key takes long; where that cannot be written, a directory that is gone afterwards. Raises `UserError`.
    """
    home = environment.get("XDG_STATE_HOME") or environment.get("HOME", "") and f"{environment['HOME']}/.local/state"
    kept = Path(home) / "regauth" / "authority" if home and Path(home).is_absolute() else None
    if kept is not None and _prepared(kept):
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="regauth-") as name:
        directory = Path(name) / "authority"
        try:
            _create(directory)
        except OSError as error:
            raise UserError(f"{name}: cannot store a certificate authority there: {reason(error)}") from None
        yield directory


def certificate(directory: Path) -> Path:
    """The authority's certificate in PEM, without its key."""
    return directory / f"{_BASENAME}-ca-cert.pem"


def _prepared(directory: Path) -> bool:
    """Make `directory` hold a usable authority; whether that worked."""
    try:
        if directory.exists() and not _usable(directory):
            shutil.rmtree(directory)
        if not directory.exists():
            directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(directory)
        directory.chmod(0o700)
    except OSError:
        return False
    return os.access(directory, os.R_OK | os.X_OK) and _usable(directory)


def _usable(directory: Path) -> bool:
    try:
        if directory.stat().st_uid != os.geteuid():
            return False
        certs.CertStore.from_store(directory, _BASENAME, _KEY_BITS)
        return not certs.Cert.from_pem(certificate(directory).read_bytes()).has_expired()
    except (OSError, ValueError, TypeError):
        return False


def _create(directory: Path) -> None:
    """Make an authority and put it at `directory` in one step, so that nobody meets half of one."""
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".authority-") as name:
        fresh = Path(name) / "fresh"
        fresh.mkdir(mode=0o700)
        certs.CertStore.create_store(fresh, _BASENAME, _KEY_BITS, organization="regauth", cn="regauth")
        certs.CertStore.from_store(fresh, _BASENAME, _KEY_BITS)  # writes what else belongs to it
        with contextlib.suppress(FileExistsError):
            try:
                fresh.rename(directory)
            except OSError:
                if not directory.is_dir():  # not just made by another run
                    raise


def system_bundle(environment: Mapping[str, str]) -> Path | None:
    """The file of certificates that programs with this environment trust; `None` where none is found."""
    default = ssl.get_default_verify_paths().cafile or ""
    for name in (environment.get("SSL_CERT_FILE", ""), default, *_SYSTEM_BUNDLES):
        if name and Path(name).is_file() and os.access(name, os.R_OK):
            return Path(name)
    return None


def bundled_files(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The files of certificates that `environment` makes programs trust, the system's last."""
    named = [environment[name] for name in TRUST_VARIABLES if environment.get(name)]
    system = system_bundle(environment)
    return tuple(dict.fromkeys([*named, *([str(system)] if system else [])]))


def trust_bundle(directory: Path, environment: Mapping[str, str]) -> str:
    """PEM text: the authority in `directory` and every certificate that `environment` makes programs trust already."""
    parts = [certificate(directory).read_text("ascii")]
    for file in bundled_files(environment):
        with contextlib.suppress(OSError), Path(file).open(encoding="utf-8", errors="replace") as source:
            parts.append(source.read(_MAX_BUNDLE))
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"
