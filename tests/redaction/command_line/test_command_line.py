"""Command lines: shown as one would type them, without their secrets."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.canaries import leaks
from kit.tables import plain, redactor, table
from regauth_core.redaction.command_line.client_options import Value, is_secret_name, is_user_name
from regauth_core.redaction.command_line.program_options import PROGRAMS
from regauth_core.redaction.command_line.shell_words import parsed

_CLIENTS = Path(__file__).parents[2] / "redaction" / "client_commands.yaml"
_ROWS: list[tuple[list[str], str, str]] = yaml.safe_load(_CLIENTS.read_text())


@pytest.mark.parametrize(("argv", "shown"), table("commands.yaml"))
def test_command_lines_show_placeholders_for_secrets(argv: list[str], shown: str) -> None:
    """A command line can be typed again after filling in the placeholders."""
    assert plain(redactor().command(argv)) == shown
    assert "swordfish" not in redactor().command(argv)


_ADDRESSES: list[tuple[list[str], list[str], str]] = yaml.safe_load(_CLIENTS.with_name("addresses.yaml").read_text())


@pytest.mark.parametrize(("argv", "requested", "shown"), _ADDRESSES)
@pytest.mark.parametrize("is_early", [False, True])
def test_an_address_that_a_client_asked_is_not_a_login(
    argv: list[str], requested: list[str], shown: str, *, is_early: bool
) -> None:
    """Also where the command was read before, as it is when a recording begins."""
    one = redactor()
    if is_early:
        assert "swordfish" not in one.command(argv)
    for address in requested:
        host, _, port = address.partition(":")
        one.requested_host(host, int(port))
    assert plain(one.command(argv)) == shown


def test_an_address_that_no_client_asked_is_swept_elsewhere() -> None:
    """Until then it is a login; what a client sent as one stays one."""
    one = redactor()
    one.command(["crane", "ls", "vm:5777/fish"])
    assert "5777/fish" not in one.sweep("denied for 5777/fish")[0]
    one.fingerprint("5777/fish", "pw")
    one.requested_host("vm", 5777)
    assert "5777/fish" not in one.sweep("denied for 5777/fish")[0]


def test_an_address_that_a_client_asked_is_not_swept_elsewhere() -> None:
    """Else a report could not name the image."""
    one = redactor()
    one.command(["crane", "ls", "vm:5777/fish"])
    one.sweep("before: vm:443/other")
    one.requested_host("vm", 5777)
    assert one.sweep("denied for vm:5777/fish") == ("denied for vm:5777/fish", 0)


@pytest.mark.parametrize(("argv", "shown", "secret"), _ROWS, ids=[shlex.join(argv)[:60] for argv, _, _ in _ROWS])
def test_words_that_are_secrets_by_their_place_are_not_shown(argv: list[str], shown: str, secret: str) -> None:
    """A password that looks like any word, and that no request has carried, is known by grammar alone."""
    found = redactor().command(argv)
    assert plain(found) == shown
    assert [piece for piece in re.findall(r"[A-Za-z]{4,}", secret) if piece in found] == []


@pytest.mark.parametrize(
    "argv",
    [
        ["--creds", "alice:sword-fish"],
        ["--password=sword-fish"],
        ["-p", "sword-fish"],
        ["--nexus-pass", "sword-fish"],
        ["--header", "Authorization: Bearer sword-fish"],
        ["alice:sword-fish"],
        ["https://alice:sword-fish@registry.test/"],
    ],
)
def test_secrets_of_the_command_line_are_swept_elsewhere(argv: list[str]) -> None:
    """What the client was given on its command line may come back in its own output."""
    one = redactor()
    one.command(["tool", *argv])
    assert leaks(one.sweep("error: cannot log in with sword-fish")[0], ("sword-fish",)) == []


SCRIPTS = (
    "printf '%s' sword-fish | skopeo login -u alice --password-stdin registry.test",
    "printf 'sword-fish\\n' | skopeo login -u alice --password-stdin registry.test",
    "echo alice sword-fish | tool --credentials-stdin",
    "docker login --password-stdin <<< sword-fish",
    "docker login --password-stdin <<EOF\nsword-fish\nEOF",
    "docker login -p $(echo sword-fish)",
    "docker login -p `printf sword-fish`",
    "export REGPASS=sword-fish; tool",
    "REGPASS=sword-fish tool",
    "curl -u \"alice:$(echo sword-fish)\" https://registry.test/v2/",
    "sudo sh -c 'docker login -p sword-fish'",
)  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_secrets_of_a_script_are_swept_elsewhere(script: str) -> None:
    """What a script prints for a client's standard input is a password as well."""
    one = redactor()
    one.command(["sh", "-c", script])
    assert leaks(one.sweep("error: cannot log in with sword-fish")[0], ("sword-fish",)) == []


@pytest.mark.parametrize(
    "argv",
    [
        ["-u", "administrator"],
        ["mkdir", "-p", "/var/lib/data"],
        ["-p", "8080:8080"],
        ["docker", "pull", "library:8080"],
        ["sh", "-c", "echo administrator; docker pull $(echo registry.test)/library"],
        ["sh", "-c", "docker login -p $administrator"],
    ],
)
def test_what_is_no_secret_is_not_swept_elsewhere(argv: list[str]) -> None:
    """Names, paths and ports that stand where others put a password must stay readable in the output."""
    one = redactor()
    one.command(argv)
    text = "administrator may write /var/lib/data on 8080:8080 of registry.test/library"
    assert one.sweep(text) == (text, 0)


def test_a_secret_is_hidden_wherever_it_stands_again() -> None:
    """What is a password in one place is the same password in a place where words are shown."""
    argv = ["skopeo", "copy", "docker://registry.test/x", "dir:/tmp/sword-fish", "--src-password", "sword-fish"]
    assert leaks(redactor().command(argv), ("sword-fish",)) == []


def test_a_long_command_line_is_cut() -> None:
    """Thousands of arguments are no help."""
    assert redactor().command(["crane", "ls", *["registry.test/x"] * 1000]).endswith("x …")


# Letters that no program, option or placeholder has, among signs that shells, URLs and headers read.
_MARK = "qjxzvk"
_SECRETS = st.builds(
    lambda before, after: f"{before}{_MARK}{after}",
    st.text("aB3 -_.!?=:@/,;|&$'\"`\\()<>{}#%~", max_size=6),
    st.text("aB3 -_.!?=:@/,;|&$'\"`\\()<>{}#%~", max_size=6),
)
_HARMLESS = st.lists(
    st.sampled_from(
        [
            "--debug",
            "--tls-verify=false",
            "-v",
            "-q",
            "registry.test/foo",
            "docker://registry.test/foo:1",
            "login",
            "pull",
        ]
        + [
            "--platform",
            "linux/amd64",
            "--frobnicate",
            "x",
            "--",
            "-o",
            "repo",
            "tags",
            "copy",
            "ls",
            "run",
            "exec",
            "-",
        ]
    ),
    max_size=4,
)
_PLACED = st.sampled_from(
    [
        "--password\n{}", "--password={}", "--creds\nalice:{}", "--creds=alice:{}", "--token\n{}", "--registry-pass={}",
        "--registry-pass\n{}", "--my-api-key\n{}", "--identity-token={}", "--nexus-pwd={}", "--oauth2-bearer\n{}",
        "-H\nAuthorization: Bearer {}", "--header=X-Auth: {}", "-e\nDB_PASS={}",
        "--env=TOKEN={}", "--build-arg\nSECRET={}",
        "-Dpass={}", "-Djib.to.auth.password={}", "--set\na.password={}", "--from-literal=key={}", "--{}",
        "-z{}", "-u\nalice:{}",
        "-p\n{}", "--host\nreg=registry.test,pass={}", "alice:{}",
        "https://alice:{}@registry.test/v2/", "--proxy={}@proxy.test",
    ]
)  # fmt: skip
_PROGRAMS = st.sampled_from([*(name for name in PROGRAMS if PROGRAMS[name].starts is None), "mytool"])
_PREFIXES = st.sampled_from([[], [], ["sudo"], ["env", "A=b"], ["timeout", "5"], ["nice", "-n", "5"]])


@st.composite
def _placed(draw: st.DrawFn, secrets: st.SearchStrategy[str]) -> list[str]:
    secret = draw(secrets)
    program = draw(_PROGRAMS)
    # The letters of a group are options of their own: `-p` with a value stuck to it is read where `-p` is known.
    placed = [part.format(secret) if "{}" in part else part for part in draw(_PLACED).split("\n")]
    return [*draw(_PREFIXES), program, *draw(_HARMLESS), *placed, *draw(_HARMLESS)]


@settings(max_examples=1000)
@given(_placed(_SECRETS))
def test_a_secret_in_a_secret_place_is_never_shown(argv: list[str]) -> None:
    """Whatever signs it has, whatever stands around it, whatever the program."""
    assert _MARK not in redactor().command(argv).lower()


_FED = st.sampled_from(
    [
        "echo {} | {}", "printf '%s' {} | {}", "printf {} | {}",
        "echo -n {} | tee /dev/null | {}", "(echo {}; sleep 1) | {}",
        "X={}; echo \"$X\" | {}", "{{ echo {}; }} | {}", "cat <<< {} | {}", "export PW={} && {}", "PASS={} {}",
        "if echo {} | {}; then ls; fi",
        "bash -c 'docker login -p '{} && {}", "eval {}; {}", "# {}\n{}", "read -r PW <<< {}; {}",
    ]
)  # fmt: skip
_READING = st.sampled_from(
    [
        "docker login -u alice --password-stdin registry.test",
        "skopeo login --password-stdin",
        "mytool -",
        "docker pull x:1",
    ]
)


@settings(max_examples=500)
@given(
    _SECRETS,
    _FED,
    _READING,
    st.sampled_from([shlex.quote, lambda text: "$'" + re.sub(r"([\\'])", r"\\\1", text) + "'"]),
)
def test_a_secret_that_a_script_hands_on_is_never_shown(secret: str, script: str, reader: str, quote: object) -> None:
    """Printed, assigned, in a here-string, in a comment, in a script inside the script."""
    assert callable(quote)
    written = secret.replace("\n", " ") if script.startswith("#") else quote(secret)
    assert _MARK not in redactor().command(["sh", "-c", script.format(written, reader)]).lower()


@settings(max_examples=500)
@given(
    _placed(_SECRETS), st.sampled_from(["{}", "true && {}", "{} | jq .", "for t in a; do {}; done", "{} > /dev/null &"])
)
def test_a_script_shows_no_more_than_an_argument_vector(argv: list[str], script: str) -> None:
    """The same command in a shell's script hides the same."""
    text = script.format(shlex.join(argv))
    assert parsed(text) is not None
    assert _MARK not in redactor().command(["bash", "-euc", text]).lower()


@pytest.mark.parametrize(
    "sign", [";/", "|./", *"&;|>< \n()'\"`$#*!~", "&&", "||", ">>", "2>", "<<", "<<<", "$(", "${", "\\\n", " ( "]
)
@pytest.mark.parametrize(
    "script", ["docker login -p {} registry.test", "echo {} | docker login --password-stdin", "PW={} crane ls"]
)
def test_a_password_that_nobody_quoted_is_not_shown_in_pieces(script: str, sign: str) -> None:
    """The shell takes it apart: one piece is a program's name then, or a file's, or an argument."""
    for piece in (f"winter{sign}{_MARK}", f"{_MARK}{sign}winter", f"{sign}{_MARK}", f"{sign}{_MARK}{sign}{_MARK}"):
        assert _MARK not in redactor().command(["sh", "-c", script.format(piece)])


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_option_whose_name_means_a_secret_shows_its_value(program: str) -> None:
    """The tables are written by hand: one word in the wrong list would show a password."""
    options = PROGRAMS[program].options
    shown = {name for name, kind in options.items() if kind is Value.PLAIN}
    assert {name for name in shown if is_secret_name(name) or is_user_name(name) or name in ("p", "u")} == set()


@given(st.lists(st.text(), max_size=6))
def test_no_command_line_raises(argv: list[str]) -> None:
    """Anything may be run: whatever it is, something is shown of it, on one line."""
    assert redactor().command(argv).isprintable()
    redactor().command(["sh", "-c", " ".join(argv)])
    redactor().command(["docker", *argv])


@pytest.mark.parametrize(
    "piece",
    [
        "a", "a ", "a/", "a.", "a:", "a=", "a,", "-", "'", '"', "$(", "`", "${a}", "$a", "<<a\n", "(", ";", "\\", "@",
        "a://", "{", "#", "a\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["script", "argument", "value", "setting"])
def test_time_is_linear_in_the_command_line(kind: str, piece: str) -> None:
    """No word makes an expression run away: a hundred times the text does not take a thousand times the time."""

    def seconds(text: str) -> float:
        argv = {
            "script": ["sh", "-c", text[:16_000]],
            "argument": ["docker", "pull", text],
            "value": ["curl", "-o", text, "-u", text, "--header", text, "-E", text, text],
            "setting": ["regctl", "--host", text, "--api-opts", text, f"--{text}=x", f"-{text}"],
        }[kind]
        began = time.process_time()
        redactor().command(argv)
        return time.process_time() - began

    size = 65_536 // len(piece)
    assert min(seconds(piece * size) for _ in range(2)) < 1000 * max(seconds(piece * (size // 100)), 100e-6)
