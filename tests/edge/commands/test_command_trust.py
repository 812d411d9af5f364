"""What a command trusts, by its words, its environment and the files that its client reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from regauth_core.edge.commands.command_trust import is_readable, programs, trust_options, trusting, upstream_trust

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
OPTIONS = {
    "curl --cacert a.pem https://r/v2/": [("--cacert", "a.pem", 2, True)],
    "oras pull --ca-file=a.pem r/x": [("--ca-file", "a.pem", 2, True)],
    "oras cp --from-ca-file a --to-ca-file b r/x q/x": [
        ("--from-ca-file", "a", 3, True),
        ("--to-ca-file", "b", 5, True),
    ],
    "skopeo inspect --cert-dir d docker://r/x": [("--cert-dir", "d", 3, False)],
    "curl --capath d https://r/": [("--capath", "d", 2, True)],
    "timeout 5 ctr images pull --tlscacert c r/x": [("--tlscacert", "c", 6, True)],
    "docker --tlscacert c pull r/x": [],
    "oras pull --cacert a.pem r/x": [],
    "curl --cacert": [],
    "python --ca-file x": [],
}


@pytest.mark.parametrize(("line", "found"), OPTIONS.items(), ids=OPTIONS)
def test_options_that_name_certificates(line: str, found: list[tuple[str, str, int, bool]]) -> None:
    """Of the client whose options they are: elsewhere the same letters mean something else."""
    assert [(o.name, o.value, o.place, o.is_all) for o in trust_options(line.split())] == found


def test_option_in_a_script_has_no_place() -> None:
    """It can be read, and not be replaced."""
    (one,) = trust_options(["sh", "-c", "set -e; curl --cacert a.pem https://r/"])
    assert (one.name, one.value, one.place) == ("--cacert", "a.pem", None)


@pytest.mark.parametrize(
    ("line", "readable"),
    [
        ("skopeo inspect docker://r/x", True),
        ("crane ls r/x", True),
        ("regctl tag ls r/x", False),
        ("helm pull oci://r/x", False),
        ("make", False),
        ("sh -c skopeo", False),
    ],
)
def test_whether_all_of_the_trust_was_read(line: str, readable: bool) -> None:
    """A client with files of its own, and what is no known client, may trust more."""
    assert is_readable(line.split()) is readable


def test_clients_of_a_script_are_found() -> None:
    """Each once."""
    assert programs(["sh", "-c", "/opt/bin/oras pull r/x && skopeo inspect docker://r/x && oras version"]) == (
        "oras",
        "skopeo",
    )


def test_file_that_is_all_the_trust_gets_our_authority_as_well(tmp_path: Path) -> None:
    """In a copy: the user's file stays as it is."""
    own, authority, scratch = tmp_path / "own.pem", tmp_path / "authority.pem", tmp_path / "scratch"
    own.write_text(PEM + "own\n")
    authority.write_text("ours\n")
    scratch.mkdir()
    for line in (f"oras pull --ca-file={own} r/x", f"curl --cacert {own} https://r/"):
        words = trusting(line.split(), authority, scratch)
        (changed,) = [(before, after) for before, after in zip(line.split(), words, strict=True) if before != after]
        copy = Path(changed[1].removeprefix("--ca-file="))
        assert copy.parent == scratch
        assert copy.read_text() == PEM + "own\nours\n"
    assert own.read_text() == PEM + "own\n"


@pytest.mark.parametrize(
    "line",
    ["curl --cacert /none https://r/", "skopeo inspect --cert-dir d docker://r/x", "docker --tlscacert c pull"],
)
def test_other_commands_stay_as_they_are(line: str, tmp_path: Path) -> None:
    """Every word."""
    assert trusting(line.split(), tmp_path / "authority", tmp_path) == tuple(line.split())


def bundle(tmp_path: Path, line: str, **environment: str) -> str:
    """The certificates that every host may have for this command."""
    trust = upstream_trust(line.split(), {"SSL_CERT_FILE": str(tmp_path / "file"), **environment}, tmp_path / "bundle")
    return trust.bundle.read_text()


def test_certificates_of_the_environment_and_of_directories_count(tmp_path: Path) -> None:
    """A file, a directory, an option's directory, of which only ``.crt`` is read."""
    for name in ("file", "dir/a", "certs/ca.crt", "certs/client.key"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{PEM}{name}\n")
    shown = bundle(tmp_path, f"skopeo inspect --cert-dir {tmp_path / 'certs'} r", SSL_CERT_DIR=str(tmp_path / "dir"))
    assert [name for name in ("file", "dir/a", "certs/ca.crt", "certs/client.key") if f"\n{name}\n" in shown] == [
        *("file", "dir/a", "certs/ca.crt")
    ]


def test_file_that_is_all_the_trust_is_all_that_is_trusted(tmp_path: Path) -> None:
    """What the environment names does not count beside it, as for the client."""
    (tmp_path / "file").write_text(f"{PEM}file\n")
    (tmp_path / "own").write_text(f"{PEM}own\n")
    assert bundle(tmp_path, f"curl --cacert {tmp_path / 'own'} https://r/") == f"{PEM}own\n"


def test_only_clients_that_read_certs_d_have_it_read(tmp_path: Path) -> None:
    """A certificate there helps skopeo, and does not help crane."""
    for line, count in {"skopeo inspect docker://r/x": 3, "crane ls r/x": 0, "regctl tag ls r/x": 1, "make": 3}.items():
        trust = upstream_trust(line.split(), {"HOME": "/home/u"}, tmp_path / "bundle")
        assert len(trust.host_directories) == count, line


@pytest.mark.parametrize("host", ["../../etc", "a/b", "..", ".", "a\0b"])
def test_name_from_the_wire_leads_nowhere_else(host: str, tmp_path: Path) -> None:
    """A host is one step down."""
    (tmp_path / "x.crt").write_text(PEM)
    trust = upstream_trust(["make"], {"HOME": str(tmp_path)}, tmp_path / "bundle")
    assert trust.host_files(host, 443) == ()
