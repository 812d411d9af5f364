"""`regauth run`: the command keeps its streams and its exit status, and what was seen comes on stderr."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kit.canaries import leaks
from kit.proxy import running
from regauth_core.edge.commands.authority import authority, certificate, system_bundle, trust_bundle
from regauth_core.edge.commands.client_command import (
    routed,
    shows_credentials,
    unrouted,
    upstream_proxy,
    version_command,
)
from regauth_core.edge.commands.reference_clients import ANSWERS_CHALLENGE, LOGIN, TRUSTS_PING
from regauth_core.edge.commands.reference_clients import __name__ as clients_module
from regauth_core.edge.errors import UserError

ROOT = Path(__file__).parents[3]
SECRET = "wonder-land"
Runner = Callable[..., subprocess.CompletedProcess[str]]


def program(*arguments: str) -> list[str]:
    """The command line that starts `regauth`."""
    return [sys.executable, "-m", "regauth_core", *arguments]


def client(name: str, repository: str = "foo") -> list[str]:
    """The command line of one of the package's own clients."""
    return [sys.executable, "-m", clients_module, name, f"registry.test/{repository}"]


@pytest.fixture
def run(command_environment: dict[str, str], tmp_path: Path) -> Runner:
    """Runs `regauth run` with options, then a command, in an empty directory."""

    def running(options: Sequence[str], command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            program("run", *options, "--", *command),
            env={**command_environment, LOGIN: f"alice:{SECRET}", **variables},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return running


SCENARIO = ("--scenario", "per-repository-basic")


def test_client_that_ignores_the_challenge_is_found_out(run: Runner, tmp_path: Path) -> None:
    """Timeline and finding are on stderr, stdout and the status are the command's, and the report has it all."""
    done = run([*SCENARIO, "-o", "findings.json", "-o", "report.md"], client(TRUSTS_PING))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "trusts-ping: invalid username/password" in done.stderr
    assert "challenge-ignored" in done.stderr
    found = json.loads((tmp_path / "findings.json").read_text())
    (finding,) = found["findings"]
    assert (
        finding["rule"],
        finding["cause"],
        finding["fault"],
        finding["repository"],
    ) == ("challenge-ignored", "ping-derived-auth", "client", "foo")
    assert "per-repository-basic" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(("name", "repository"), [(ANSWERS_CHALLENGE, "foo"), (TRUSTS_PING, "bar")])
def test_client_that_does_right_gets_no_finding(run: Runner, tmp_path: Path, name: str, repository: str) -> None:
    """A challenge that was answered, and a repository that asks for nothing, are not worth a word."""
    done = run([*SCENARIO, "-o", "findings.json"], client(name, repository))
    assert done.returncode == 0
    assert f"{name}: tags of {repository}: 1.0, latest\n" == done.stdout
    assert json.loads((tmp_path / "findings.json").read_text())["findings"] == []


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 128 + 15), ("kill -KILL $$", 128 + 9)],
)
def test_status_is_the_command_s(run: Runner, script: str, status: int) -> None:
    """The exit status is the command's, as a shell gives it."""
    assert status == run(SCENARIO, ["sh", "-c", script]).returncode


@pytest.mark.parametrize(
    ("level", "command", "status"),
    [
        ("error", client(TRUSTS_PING, "bar"), 0),
        ("info", client(ANSWERS_CHALLENGE), 0),
        ("warning", ["sh", "-c", f"{' '.join(client(TRUSTS_PING))}; exit 0"], 1),
        ("error", ["sh", "-c", f"{' '.join(client(TRUSTS_PING))}; exit 5"], 5),
    ],
)
def test_findings_decide_the_status_where_that_is_wanted(
    run: Runner, level: str, command: list[str], status: int
) -> None:
    """With --fail-on a finding of that level or above makes the status 1, and nothing else does."""
    assert status == run([*SCENARIO, "--fail-on", level], command).returncode


def test_streams_are_the_command_s(command_environment: dict[str, str]) -> None:
    """What goes in on stdin and out on stdout passes unchanged."""
    done = subprocess.run(  # noqa: S603
        program("run", *SCENARIO, "--", "cat"),
        env=command_environment,
        input=b"\x00in and out\xff",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"\x00in and out\xff")


BAD = {
    "no such command": ([], ["nosuch-client"], "regauth: run: command not found: nosuch-client\n"),
    "shell line": (
        [],
        ["oras x | head"],
        "regauth: run: command not found; for a shell line: regauth run -- sh -c 'oras",
    ),
    "no authority": (
        ["--registry-ca", "./notes.txt"],
        ["true"],
        "regauth: run: --registry-ca: notes.txt: expected cert",
    ),
    "no host": (["--insecure-registry", "*.x"], ["true"], "regauth: run: --insecure-registry: expected HOST or HOST:P"),
    "no port": (["--listen", "localhost:5000"], ["true"], "regauth: run: --listen: expected PORT=HOST:PORT, such as"),
    "no program": ([], ["./notes.txt"], "regauth: run: not executable: ./notes.txt\n"),
    "no command": ([], [], "regauth: run: expected a command behind --"),
    "no such scenario": (
        ["--scenario", "nosuch.yaml"],
        ["true"],
        "regauth: nosuch.yaml: no such scenario, capture or report",
    ),
    "broken scenario": (["--scenario", "./notes.txt"], ["true"], "regauth: notes.txt"),
    "unknown format": (["-o", "report.pdf"], ["true"], "regauth: run: -o: report.pdf: expected a file name that ends"),
    "no such directory": (["-o", "none/report.md"], ["true"], "regauth: run: -o: none/report.md: the directory"),
    "no trace there": (["--trace", "none/trace"], ["true"], "regauth: run: --trace: none/trace: the directory"),
    "no such level": (["--fail-on", "fatal"], ["true"], "regauth: run: --fail-on: expected one of error"),
    "no such mode": (["--inject", "all"], ["true"], "regauth: run: --inject: expected one of off"),
    "mode without credentials": (["--inject", "fill"], ["true"], "regauth: run: --inject: fill needs run: --cred"),
    "no such source": (["--inject", "fill", "--credentials", "x"], ["true"], "regauth: run: --credentials"),
    "shim of nothing": (["--inject", "shim"], ["true"], "regauth: run: --inject: shim needs run: --shim"),
    "bad time": (["--quiet-time", "x"], ["true"], "regauth: run: --quiet-time: expected seconds"),
    "bad names": (["--anonymize", "tags"], ["true"], "regauth: run: --anonymize: expected one of hosts"),
    "no such option": (["--nosuch"], ["true"], "regauth"),
}


@pytest.mark.parametrize(("options", "command", "said"), BAD.values(), ids=BAD)
def test_bad_usage_is_one_line(run: Runner, tmp_path: Path, options: list[str], command: list[str], said: str) -> None:
    """What cannot be done is said in one line before anything is run; a program's lack as env(1) has it, else 2."""
    (tmp_path / "notes.txt").write_text("notes\n")
    done = run(options, command)
    assert done.returncode == (127 if "not found" in said else 126 if "not executable" in said else 2)
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_goes_to_the_command_and_the_rest_is_still_done(
    command_environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """A signal ends the command; summary and files come all the same, and the status says what ended it."""
    waiting = f"{' '.join(client(TRUSTS_PING))}; echo asked; exec sleep 60"
    options = [*SCENARIO, "-o", "report.json", "--trace", "trace"]
    process = subprocess.Popen(  # noqa: S603
        program("run", *options, "--", "sh", "-c", waiting),
        env=command_environment | {LOGIN: f"alice:{SECRET}"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"
    time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert 128 + number == process.returncode
    assert "challenge-ignored" in errors
    assert json.loads((tmp_path / "report.json").read_text())["exchanges"] == 2
    assert "end" in json.loads((tmp_path / "trace").read_text().splitlines()[-1])


def test_closed_streams_stay_closed_for_the_command_and_change_nothing(
    command_environment: dict[str, str], tmp_path: Path
) -> None:
    """Nothing that regauth opens gets into the place of standard error."""
    script = "if [ -e /proc/self/fd/2 ]; then exit 9; fi; exit 7"
    line = f"{shlex.join(program('run', *SCENARIO, '-o', 'report.json', '--', '/bin/sh', '-c', script))} 2>&-"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env=command_environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, b"")
    assert json.loads((tmp_path / "report.json").read_text())["exchanges"] == 0


def test_command_that_asks_no_registry_gets_a_note(run: Runner) -> None:
    """When nothing came through the proxy, the summary says why that may be."""
    done = run(SCENARIO, ["true"])
    assert done.returncode == 0
    assert "no registry request came through the proxy" in done.stderr
    assert "regauth setup" in done.stderr


def test_client_without_trust_gets_a_note(run: Runner, tmp_path: Path) -> None:
    """A client that trusts other authorities only is named, instead of a summary of nothing."""
    script = f"SSL_CERT_FILE={'/etc/ssl/certs/ca-certificates.crt'} {' '.join(client(TRUSTS_PING))}"
    done = run(SCENARIO, ["sh", "-c", script])
    assert "the client does not trust regauth's certificate for registry.test" in " ".join(done.stderr.split())
    assert "no registry request came" not in done.stderr


def test_proxy_ends_with_the_command(run: Runner) -> None:
    """Nothing is waited for: to stop takes no longer than to start did, on a busy machine too, and a moment more."""
    began = time.time()
    at = float(run(SCENARIO, ["date", "+%s.%N"]).stdout)
    assert time.time() - at < 2 * (at - began) + 3


def test_command_alone_is_routed(run: Runner) -> None:
    """The command gets proxy and trust by its environment, and no way round them."""
    shown = run(SCENARIO, ["env"], NO_PROXY="registry.test", all_proxy="socks5://127.0.0.1:1").stdout
    variables = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert re.fullmatch(r"http://regauth:[\w-]{32}@127\.0\.0\.1:[0-9]+", variables[name])
    assert not {"NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"} & variables.keys()
    assert variables["SSL_CERT_FILE"] == variables["REQUESTS_CA_BUNDLE"] == variables["CURL_CA_BUNDLE"]
    assert not Path(variables["SSL_CERT_FILE"]).exists()


def test_secrets_of_the_command_line_are_nowhere(run: Runner, tmp_path: Path) -> None:
    """What the command line, the requests and the answers hold of secrets is in no file and in nothing we print."""
    secret = "correct-Horse7battery"
    options = [*SCENARIO, "--trace", "trace"]
    options += [part for ending in ("md", "html", "json", "har.json", "xml") for part in ("-o", f"report.{ending}")]
    command = [*client(ANSWERS_CHALLENGE), "--creds", f"alice:{secret}", f"--token={secret}x"]
    done = run(options, ["sh", "-c", f"{' '.join(client(ANSWERS_CHALLENGE))}; exit 0", *command[2:]])
    texts = [done.stderr, *(path.read_text() for path in tmp_path.iterdir())]
    assert len(texts) == 7
    assert [leak for text in texts for leak in leaks(text, (secret, SECRET))] == []


SHOWN = {
    "skopeo --creds": ["skopeo", "list-tags", "--creds", "alice:x", "docker://registry.test/foo"],
    "skopeo --creds=": ["skopeo", "list-tags", "--creds=alice:x", "docker://registry.test/foo"],
    "skopeo --src-creds": ["skopeo", "copy", "--src-creds", "a:x", "docker://a", "dir:b"],
    "skopeo --authfile": ["skopeo", "list-tags", "--authfile", "auth.json", "docker://registry.test/foo"],
    "podman --username": ["podman", "pull", "--username", "alice", "--password", "x", "registry.test/foo"],
    "oras -u": ["oras", "repo", "tags", "-u", "alice", "-p", "x", "registry.test/foo"],
    "oras --password-stdin": ["oras", "pull", "--password-stdin", "registry.test/foo"],
    "ctr --user": ["ctr", "images", "pull", "--user", "alice:x", "registry.test/foo"],
    "ctr by its path": ["/usr/bin/ctr", "images", "pull", "-u", "alice:x", "registry.test/foo"],
    "curl -u": ["curl", "-u", "alice:x", "https://registry.test/v2/"],
    "curl -ualice:x": ["curl", "-ualice:x", "https://registry.test/v2/"],
    "curl with the header": ["curl", "-H", "Authorization: Bearer x", "https://registry.test/v2/"],
    "docker login": ["docker", "login", "-u", "alice", "registry.test"],
    "behind sudo": ["sudo", "skopeo", "list-tags", "--creds", "a:x", "docker://registry.test/foo"],
    "in a shell's script": ["sh", "-c", "skopeo list-tags --creds a:x docker://registry.test/foo"],
    "in bash -ec": ["bash", "-ec", "true && oras pull -u alice registry.test/foo"],
}
HIDDEN = {
    "skopeo alone": ["skopeo", "list-tags", "docker://registry.test/foo"],
    "a user's number": ["docker", "run", "-u", "1000", "registry.test/foo"],
    "a user's number, long": ["podman", "run", "--user", "1000", "registry.test/foo"],
    "unbuffered python": ["python3", "-u", "client.py"],
    "sorted": ["sort", "-u"],
    "a repository of that name": ["skopeo", "list-tags", "docker://registry.test/creds"],
    "an option of another name": ["skopeo", "list-tags", "--credsfile", "x", "docker://registry.test/foo"],
    "a broken script": ["sh", "-c", "echo 'open"],
    "nothing": [],
}


@pytest.mark.parametrize("command", SHOWN.values(), ids=SHOWN)
def test_command_line_shows_credentials(command: list[str]) -> None:
    """Where a command line gives the client credentials, it is known to hold some."""
    assert shows_credentials(command)


@pytest.mark.parametrize("command", HIDDEN.values(), ids=HIDDEN)
def test_command_line_shows_no_credentials(command: list[str]) -> None:
    """What only looks like an option for credentials is none."""
    assert not shows_credentials(command)


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["skopeo", "list-tags"], ("skopeo", "--version")),
        (["/opt/bin/oras", "pull"], ("/opt/bin/oras", "version")),
        (["./push-everything.sh"], None),
        (["make", "push"], None),
        (["sh", "-c", "skopeo"], None),
    ],
)
def test_only_known_programs_are_asked_for_their_version(command: list[str], asked: tuple[str, ...] | None) -> None:
    """An unknown program may take the question for an order."""
    assert asked == version_command(command)


def test_environment_is_changed_for_the_proxy_alone() -> None:
    """Everything else stays, and what was there of proxies can be seen for going on through one."""
    before = {"PATH": "/bin", "NO_PROXY": "a", "https_proxy": "proxy.corp:3128"}
    trusting = {"SSL_CERT_FILE": "/own.pem", "AWS_CA_BUNDLE": "/own.pem", "PIP_CERT": "/other.pem"}
    routed_trust = routed(trusting, "http://127.0.0.1:1", Path("/ca.pem"))
    assert routed_trust["AWS_CA_BUNDLE"] == routed_trust["SSL_CERT_FILE"] == "/ca.pem"
    assert routed_trust["PIP_CERT"] == "/other.pem"
    after = routed(before, "http://127.0.0.1:1", Path("/ca.pem"))
    assert after["PATH"] == "/bin"
    assert "NO_PROXY" not in after
    assert after["SSL_CERT_FILE"] == "/ca.pem"
    assert unrouted(before) == {"PATH": "/bin"}
    assert upstream_proxy(before) == "http://proxy.corp:3128"
    assert upstream_proxy({}) is None


def test_authority_is_made_once_and_private(tmp_path: Path) -> None:
    """The authority stays the same from run to run, where nobody else can read its key."""
    variables = {"XDG_STATE_HOME": str(tmp_path)}
    with authority(variables) as first:
        made = certificate(first).read_bytes()
    with authority(variables) as second:
        assert made == certificate(second).read_bytes()
    assert tmp_path / "regauth" / "authority" == first == second
    assert first.stat().st_mode & 0o777 == 0o700
    assert not [path for path in first.parent.iterdir() if path != first]


def test_damaged_authority_is_replaced(tmp_path: Path) -> None:
    """A directory that holds no usable authority gets a new one."""
    variables = {"XDG_STATE_HOME": str(tmp_path)}
    with authority(variables) as directory:
        (directory / "mitmproxy-ca.pem").write_text("damaged")
    with authority(variables) as directory:
        assert b"BEGIN CERTIFICATE" in (directory / "mitmproxy-ca.pem").read_bytes()


def test_authority_goes_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """Without a place that can be written, the authority is gone after the run."""
    (tmp_path / "regauth").write_text("a file in the way")
    with authority({"XDG_STATE_HOME": str(tmp_path)}) as directory:
        assert certificate(directory).exists()
        assert tmp_path not in directory.parents
    assert not directory.exists()


def test_system_s_trust_is_kept(authority_dir: Path, tmp_path: Path) -> None:
    """The command trusts our authority and what it trusted before, whichever variable said so."""
    own, other = tmp_path / "own.pem", tmp_path / "other.pem"
    own.write_text("own\n")
    other.write_text("other")
    variables = {"SSL_CERT_FILE": str(own), "REQUESTS_CA_BUNDLE": str(other), "CURL_CA_BUNDLE": "/none"}
    text = trust_bundle(authority_dir, variables)
    assert text.startswith("-----BEGIN CERTIFICATE-----")
    assert "\nown\n" in text
    assert text.endswith("\nother\n")
    assert own == system_bundle(variables)


def test_proxy_in_front_of_the_network_is_gone_through(run: Runner, authority_dir: Path, tmp_path: Path) -> None:
    """Where programs have to use a proxy to get out, requests go on through that one."""
    with running(authority_dir, regauth_scenario="per-repository-basic") as corporate:
        variables = {"HTTPS_PROXY": f"http://127.0.0.1:{corporate.port}", "SSL_CERT_FILE": str(corporate.authority)}
        done = run(["-o", "report.json"], client(ANSWERS_CHALLENGE), **variables)
        seen = corporate.stop()
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["exchanges"] == 3
    assert [exchange.status for exchange in seen.exchanges] == [200, 401, 200]


def test_upstream_proxy_of_another_kind_is_refused(run: Runner) -> None:
    """What the proxy cannot go on through is said, not ignored."""
    done = run([], ["true"], HTTPS_PROXY="socks5://127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "HTTPS_PROXY" in done.stderr


def test_trouble_is_an_exception_of_ours() -> None:
    """The command line catches it; nothing else does by accident."""
    assert not issubclass(UserError, OSError | ValueError)
