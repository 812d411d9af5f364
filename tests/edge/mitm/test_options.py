"""The addon's options: what each takes, and one clear line for what it does not."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.mapremote import MapRemote
from mitmproxy.addons.modifyheaders import ModifyHeaders
from mitmproxy.addons.save import Save
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.addons.stickyauth import StickyAuth
from mitmproxy.test import taddons

from regauth_core.edge.mitm import options
from regauth_core.edge.mitm.addon import RegAuth

ROOT = Path(__file__).parents[3]
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "quiet time that is no number": ({"regauth_quiet_time": "soon"}, "regauth_quiet_time: expected seconds", "'soon'"),
    "quiet time of nothing": ({"regauth_quiet_time": "0"}, "regauth_quiet_time: expected seconds", "'0'"),
    "quiet time that is not a number": ({"regauth_quiet_time": "nan"}, "regauth_quiet_time: expected seconds", "'nan'"),
    "quiet time without an end": ({"regauth_quiet_time": "inf"}, "regauth_quiet_time: expected seconds", "'inf'"),
    "report of an unknown format": ({"regauth_report": ["report.pdf"]}, "regauth_report", ".md"),
    "report in no directory": ({"regauth_report": ["/nowhere/report.md"]}, "regauth_report", "does not exist"),
    "trace that is a directory": ({"regauth_trace": "/"}, "regauth_trace", "expected a file"),
    "trace in no directory": ({"regauth_trace": "/nowhere/trace"}, "regauth_trace", "does not exist"),
    "host that is a URL": ({"regauth_hosts": ["https://registry.test"]}, "regauth_hosts: expected HOST", "https://"),
    "host that is empty": ({"regauth_hosts": [""]}, "regauth_hosts: expected HOST", "''"),
    "mode that is none": ({"regauth_inject": "always"}, "regauth_inject: expected one of off", "'always'"),
    "mode without credentials": ({"regauth_inject": "fill"}, "regauth_inject: fill needs", "credentials: docker"),
    "shim of no registry": ({"regauth_inject": "shim"}, "regauth_inject: shim needs", "regauth_shim: HOST/REPOSITORY"),
    "shim of a URL": ({"regauth_shim": ["https://registry.test"]}, "regauth_shim: expected HOST", "https://"),
    "client that is no address": ({"regauth_clients": ["build-7"]}, "regauth_clients: expected ADDR", "'build-7'"),
    "trust in everything": ({"regauth_trust": ["all"]}, "regauth_trust: expected http, unverified", "'all'"),
    "action that is none": ({"regauth_allow": ["write"]}, "regauth_allow: expected pull, push", "'write'"),
    "action at a URL": ({"regauth_allow": ["push:https://r.test"]}, "regauth_allow: expected pull, push", "https://"),
    "manner that is none": ({"regauth_manner": ["fast"]}, "regauth_manner: expected refusal-403", "'fast'"),
    "manner at a URL": ({"regauth_manner": ["oauth-first:https://r"]}, "regauth_manner: expected", "https://r"),
    "credentials of nobody": (
        {"regauth_inject": "fill", "regauth_credentials": ["nosuchtool"]},
        "regauth_credentials",
        "it does not exist",
    ),
    "unknown names": ({"regauth_anonymize": ["hosts,tags"]}, "regauth_anonymize: expected one of hosts", "'tags'"),
    "scenario that is not there": (
        {"regauth_scenario": "none.yaml"},
        "regauth_scenario: none.yaml",
        "no such scenario",
    ),
}
GOOD: dict[str, dict[str, Any]] = {
    "quiet time": {"regauth_quiet_time": "2.5"},
    "reports": {"regauth_report": ["a.md", "b.HTML", "c.json", "d.har.json", "e.xml"]},
    "hosts": {"regauth_hosts": ["registry.test", "Registry.test:5000", "*.example.com", "[::1]:5000", "10.0.0.1"]},
    "names": {"regauth_anonymize": ["hosts", "repositories,users"]},
    "scenario by name": {"regauth_scenario": "per-repository-basic"},
    "scenario by path": {"regauth_scenario": str(ROOT / "scenarios" / "per-repository-basic.yaml")},
    "permits": {"regauth_allow": ["pull,push", "delete:registry.test:5000/team"]},
    "manners": {"regauth_manner": ["refusal-403", "offline", "oauth-first:registry.test:5000"]},
    "watching only": {"regauth_inject": "off"},
    "credentials": {"regauth_inject": "verify", "regauth_credentials": ["docker", "containers"]},
    "clients": {"regauth_clients": ["10.0.0.7", "user:root", "uid:0", "any-user", "name:registry.test", "browser"]},
    "trust": {"regauth_trust": ["http", "unverified", "any-https", "https://auth.test"]},
    "shim": {"regauth_inject": "shim", "regauth_shim": ["registry.test/foo", "registry.test:5000"]},
    "trace": {"regauth_trace": "trace.jsonl"},
}


@pytest.mark.parametrize(("given", "begins", "holds"), BAD.values(), ids=BAD)
def test_bad_value_is_refused_in_one_line(given: dict[str, str], begins: str, holds: str) -> None:
    """A value that cannot be meant is refused with the option's name, what was expected, and what was found."""
    addon = RegAuth()
    with taddons.context(addon) as context, pytest.raises(exceptions.OptionsError) as refused:
        context.configure(addon, **given)
    message = str(refused.value)
    assert message.startswith(begins)
    assert holds in message
    assert "\n" not in message


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
def test_good_value_is_taken(
    given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that the help promises is taken; mitmproxy would only log that reading it failed."""
    monkeypatch.chdir(tmp_path)
    addon = RegAuth()
    with taddons.context(addon) as context:
        context.configure(addon, **given)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("kind", ["GOOD", "BAD"])
def test_every_option_has_a_value_that_is_tried(kind: str) -> None:
    """One that is taken and one that is refused."""
    tried = {name for given in GOOD.values() for name in given}
    if kind == "BAD":
        tried = {name for given, *_ in BAD.values() for name in given}
    declared = {f"{options.PREFIX}{name}" for name, *_ in options._OPTIONS}
    assert sorted(declared - tried) == [], f"options without a row in {kind}"


def test_broken_scenario_is_refused_with_its_line(tmp_path: Path) -> None:
    """What is wrong with a scenario file is said with file and line."""
    file = tmp_path / "broken.yaml"
    file.write_text("schema: regauth.scenario/1\nid: broken\nregistry: 7\n")
    addon = RegAuth()
    with taddons.context(addon) as context, pytest.raises(exceptions.OptionsError, match=r"broken\.yaml:\d+"):
        context.configure(addon, regauth_scenario=str(file))


def test_every_option_is_declared_with_prefix_and_help() -> None:
    """All options carry the prefix, are text or lists of text, and have a help of one paragraph."""
    addon = RegAuth()
    with taddons.context(addon) as context:
        ours = {name: option for name, option in context.options.items() if name.startswith(options.PREFIX)}
    assert set(ours) == {f"{options.PREFIX}{name}" for name, *_ in options._OPTIONS}
    for option in ours.values():
        assert option.typespec is str or "Sequence" in str(option.typespec)
        assert option.help
        assert "\n" not in option.help


def mitmdump(*arguments: str, confdir: Path) -> subprocess.CompletedProcess[str]:
    """mitmdump with the script, for as long as it takes to start and stop."""
    quit_at_once = ["-n", "-q", "--set", f"confdir={confdir}", "-s", str(ROOT / "addon" / "regauth.py")]
    program = [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()", *quit_at_once]
    return subprocess.run(  # noqa: S603
        [*program, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )


def test_mitmdump_stops_at_a_bad_value_without_a_traceback(tmp_path: Path) -> None:
    """At the start a bad value ends mitmproxy with one clear line."""
    done = mitmdump("--set", "regauth_quiet_time=soon", confdir=tmp_path)
    assert done.returncode == 1
    printed = done.stdout + done.stderr
    assert printed.count("regauth_quiet_time: expected seconds") == 1
    assert "Traceback" not in printed


def test_bad_value_while_running_is_taken_back(tmp_path: Path) -> None:
    """A change that is refused leaves the old value and the recording as they were."""
    addon = RegAuth()
    with taddons.context(addon) as context:
        context.configure(addon, regauth_quiet_time="5")
        with pytest.raises(exceptions.OptionsError):
            context.configure(addon, regauth_quiet_time="soon")
        context.configure(addon, regauth_report=[str(tmp_path / "report.md")])


COMPANY = [("hardump", "x.har", "do not publish it"), ("stickyauth", ".*", "may send them to another host")]


@pytest.mark.parametrize(("name", "value", "warning"), COMPANY)
@pytest.mark.parametrize("when", ["before", "afterwards"])
def test_what_mitmproxy_does_with_credentials_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, when: str, name: str, value: str, warning: str
) -> None:
    """Its own files would hold them, and others would send them on, whenever that is asked for."""
    given: dict[str, Any] = {name: str(tmp_path / value) if name == "hardump" else value}
    (tmp_path / "login").write_text("alice:wonder-land")

    async def played() -> None:
        addon = RegAuth(embedded=True)
        company = (Save(), SaveHar(), MapRemote(), ModifyHeaders(), StickyAuth())
        with taddons.context(addon, *company) as context:
            if when == "before":
                context.options.update(**given)
            source = f"file:registry.test={tmp_path / 'login'}"
            context.configure(addon, regauth_inject="fill", regauth_credentials=[source])
            addon.running()
            if when == "afterwards":
                assert warning not in caplog.text
                context.configure(addon, **given)
            addon.done()

    asyncio.run(played())
    assert caplog.text.count(warning) == 1


@pytest.mark.parametrize(("detail", "times"), [(0, 0), (1, 1), (3, 1)])
def test_lines_of_mitmdump_are_warned_of(detail: int, times: int, caplog: pytest.LogCaptureFixture) -> None:
    """Once, at the start, where it prints URLs as they are."""

    async def played() -> None:
        addon = RegAuth()
        with taddons.context(addon, Dumper()) as context:
            context.options.update(flow_detail=detail)
            addon.running()
            addon.done()

    asyncio.run(played())
    assert caplog.text.count("mitmdump's own output shows whole URLs") == times


def test_options_that_do_not_exist_are_named() -> None:
    """mitmproxy keeps options that nobody took; of those with our prefix each gets a complaint, others none."""
    (complaint,) = options.unknown(["regauth_trcae", "other"])
    assert complaint.startswith("regauth_trcae: unknown option")
    assert "regauth_trace" in complaint
