"""The command line: arguments in, exit status out. 0: as asked; 2: bad usage or unreadable input; 70: our own fault."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import regauth_core
from regauth_core.edge.errors import UserError, did_you_mean, where_it_failed

_INTERNAL: Final = 70
_CAPTURES: Final = "a saved capture, also in gzip; - is standard input; several are read as one"
_PAGES: Final = 3
"""Of the manual, for a cause that several rules have."""
_MODES: Final = """modes of --inject:
  off       watch, and change nothing
  verify    send what a correct client would have sent, beside the client:
            shows whether the credentials would have worked
  fill      answer challenges for a client that sends no credentials
  override  the same, and replace the credentials that it sends
  shim      add a repository's challenge to the answer at /v2/: the client then
            sends its own credentials (names it: --shim HOST/REPOSITORY)
verify, fill and override need --credentials.
"""
_INTERRUPTED: Final = 130

# Written out: what they name is in modules that take long to import. `tests/test_pages.py` holds them to it.
_CAPTURE: Final = "a regauth trace, a mitmproxy flow file or a HAR file"
_SCENARIO: Final = "the name of a scenario, a scenario file, a capture, or a report of regauth"
_REPORT: Final = (
    "a file, whose ending picks the format, FORMAT:FILE, or - for standard output; formats: md, html, json, har, junit"
)
_TEMPLATES: Final = "podman, skopeo, moby, docker/cli, containerd, oras, regclient, helm or crane"


class _Formatter(argparse.HelpFormatter):
    """Fills the description, and leaves the lines of the epilog as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text is _MODES else super()._fill_text(text, width, indent)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and what was probably meant."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            meant = did_you_mean(str(value), choices) or f"; expected one of {', '.join(choices)}"
            name = f"{action.option_strings[0]}: " if action.option_strings else "unknown command "
            self.error(f"{name}{str(value)[:80]!r}{meant}")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but an unknown option gets a suggestion."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            prog, known = _options_of(self, found)
            unknown = next((word for word in rest if word.startswith("-")), rest[0])
            meant = did_you_mean(unknown.partition("=")[0], known)
            self.exit(2, f"{prog}: unrecognized arguments: {' '.join(rest)[:200]}{meant}; see {prog} --help\n")
        return found


def _options_of(parser: argparse.ArgumentParser, found: argparse.Namespace) -> tuple[str, list[str]]:
    """The name of the command that `found` is about, and the options that it takes."""
    commands = next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)  # noqa: SLF001
    chosen = commands.choices.get(str(getattr(found, "name", ""))) if commands is not None else None
    parser = chosen or parser
    return parser.prog, [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: this process's); the exit status."""
    _occupy_closed_streams()
    try:
        parsed = _parser().parse_args(arguments)
        perform: Callable[[argparse.Namespace], int] = parsed.perform
        return perform(parsed)
    except UserError as error:
        print(f"regauth: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; what is still in the buffer must not fail once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except Exception as error:
        if os.environ.get("REGAUTH_DEBUG"):
            raise
        print(f"regauth: internal error: {where_it_failed(error)}; please report", file=sys.stderr)
        return _INTERNAL


def _occupy_closed_streams() -> None:
    """Put something in the place of standard streams that were closed, else the next file that is opened gets there.

    It is not handed on: what we run finds them closed, as it would without us.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, and is closed at an exec
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (until we end)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="regauth",
        description="Show who broke the authentication between a registry client and a registry.",
        epilog="Begin with: regauth demo, or put regauth run -- in front of the command that fails.",
    )
    parser.add_argument("--version", action="version", version=f"regauth {regauth_core.__version__}")
    parser.set_defaults(perform=lambda _: _help(parser))
    commands = parser.add_subparsers(metavar="COMMAND", dest="name", parser_class=_Parser)
    _add_run(commands)
    _add_diagnose(commands)
    _add_serve(commands)
    _add_report(commands)
    _add_whoami(commands)
    _add_scenario(commands)
    _add_scenarios(commands)
    _add_rules(commands)
    _add_demo(commands)
    _add_setup(commands)
    _add_addon(commands)
    for shown in commands._choices_actions:  # noqa: SLF001  (argparse shows the help of a command only above it)
        below = commands.choices[shown.dest]
        below.description = below.description or f"{str(shown.help)[0].upper()}{str(shown.help)[1:]}."
    return parser


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 0


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run a registry client behind a proxy and report what went wrong",
        usage="regauth run [OPTION]... -- COMMAND...",
        description="Run COMMAND behind a proxy started for it. The exit status is that of COMMAND, or 128 plus the "
        "number of the signal that ended it; with --fail-on it is 1 if a finding is severe enough, else 3 if what "
        "happened could not be seen or decided. It is 127 if COMMAND is not found, and 126 if it cannot be run.",
        epilog=_MODES,
        formatter_class=_Formatter,
    )
    parser.add_argument("--scenario", metavar="S", help=f"play this registry: {_SCENARIO}")
    parser.add_argument(
        "--inject",
        metavar="MODE",
        default="off",
        help="what to do about the registry's challenges, one of the modes below (off)",
    )
    parser.add_argument(
        "--credentials",
        metavar="C",
        action="append",
        default=[],
        help="where credentials come from: docker, containers, a file, env:HOST=VARIABLE, file:HOST=PATH, prompt:HOST",
    )
    parser.add_argument(
        "--allow",
        metavar="ACTION",
        action="append",
        default=[],
        help="what they may be used for: pull (the default), push or delete, anywhere or as in push:HOST/NAMESPACE",
    )
    parser.add_argument(
        "--trust",
        metavar="WHAT",
        action="append",
        default=[],
        help="where else credentials may be sent: http, any-https, or https://HOST of a token server",
    )
    parser.add_argument(
        "--shim",
        metavar="HOST/REPOSITORY",
        action="append",
        default=[],
        help="a registry whose ping --inject shim rewrites",
    )
    parser.add_argument(
        "--registry-ca",
        metavar="FILE",
        action="append",
        default=[],
        help="a file (PEM) of certificates that registries may have, beside those that COMMAND trusts",
    )
    parser.add_argument(
        "--insecure-registry",
        metavar="HOST[:PORT]",
        action="append",
        default=[],
        help="do not verify the certificate of this registry",
    )
    parser.add_argument(
        "--listen",
        metavar="PORT=HOST:PORT",
        action="append",
        default=[],
        help="for a registry on this machine: what is sent to localhost:PORT goes to it, and is recorded",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help=f"write a report: {_REPORT}",
    )
    _add_fail_on(parser)
    parser.add_argument("--trace", metavar="FILE", help="append every exchange to this file, redacted")
    parser.add_argument(
        "--quiet-time", metavar="SECONDS", default="30", help="silence after which a conversation is over (30)"
    )
    _add_anonymize(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every exchange and finding before the verdict"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the client and its arguments")
    parser.set_defaults(perform=_run)


def _run(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands import command_trust, listeners, run
    from regauth_core.edge.mitm import options
    from regauth_core.edge.outputs.report_file import report_file
    from regauth_core.edge.scenarios import scenario_at, scenario_path

    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UserError("run: expected a command behind --, such as: regauth run -- skopeo list-tags docker://…")
    mode = options.inject("run: --inject", arguments.inject)
    options.check_mode("run: --", mode, arguments.credentials, arguments.shim)
    options.trust("run: --trust", arguments.trust, options.permits("run: --allow", arguments.allow))
    for named in arguments.shim:
        options.shim("run: --shim", named)
    scenario = scenario_path(arguments.scenario) if arguments.scenario else None
    if scenario is not None:
        played = scenario_at(scenario)
        if played.elsewhere == "refused":
            user = played.users[0] if played.users else None
            wrong = played.client.password if played.client else None
            login = f"; log in as {user.name}, password {wrong or user.password}" if user else ""
            where = f"{played.registry.host} is played from {scenario.name}"
            print(f"regauth: {where}, and nothing leaves this machine{login}", file=sys.stderr)
    plan = run.Plan(
        command=tuple(command),
        scenario=scenario,
        trace=options.writable("run: --trace", arguments.trace) if arguments.trace else None,
        inject=mode,
        credentials=tuple(arguments.credentials),
        allow=tuple(arguments.allow),
        trust=tuple(arguments.trust),
        shim=tuple(arguments.shim),
        registry_ca=tuple(command_trust.authority_file("run: --registry-ca", name) for name in arguments.registry_ca),
        insecure_registries=tuple(
            options.host("run: --insecure-registry", name) for name in arguments.insecure_registry
        ),
        listeners=tuple(listeners.listener("run: --listen", text) for text in arguments.listen),
        quiet_time=options.quiet_time("run: --quiet-time", arguments.quiet_time),
        anonymize=frozenset(options.anonymize("run: --anonymize", arguments.anonymize)),
        reports=tuple(report_file("run: -o", name) for name in arguments.output),
        fail_on=options.severity("run: --fail-on", arguments.fail_on) if arguments.fail_on else None,
        verbose=arguments.verbose,
    )
    return run.run(plan, os.environ, sys.stderr)


def _add_diagnose(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "diagnose",
        help="show what went wrong in traffic that was saved",
        usage="regauth diagnose [OPTION]... FILE...",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help=f"{_CAPTURE}, also in gzip; - is standard input; several are read as one",
    )
    parser.add_argument(
        "--format", metavar="F", default="text", choices=("text", "json"), help="text (the default) or json"
    )
    parser.add_argument(
        "--quiet-time",
        metavar="SECONDS",
        help="silence after which a conversation is over (30, or the value in the trace)",
    )
    parser.add_argument("--credentials-known", action="store_true", help="say that the clients were given credentials")
    _add_fail_on(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show what was redacted as well")
    parser.set_defaults(perform=_diagnose)


def _add_anonymize(parser: _Parser) -> None:
    parser.add_argument(
        "--anonymize",
        metavar="WHAT",
        action="append",
        default=[],
        help="replace names by pseudonyms: hosts, repositories, users",
    )


def _add_fail_on(parser: _Parser) -> None:
    parser.add_argument(
        "--fail-on",
        metavar="LEVEL",
        help="exit with 1 if a finding is at least this severe (error, warning or info), else with 3 if "
        "what happened could not be seen or decided",
    )


def _diagnose(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands import diagnose
    from regauth_core.edge.inputs.unpacked import unpacked
    from regauth_core.edge.mitm import options

    given = arguments.quiet_time
    quiet_time = options.quiet_time("diagnose: --quiet-time", given) if given is not None else None
    fail_on = options.severity("diagnose: --fail-on", arguments.fail_on) if arguments.fail_on else None
    with unpacked(arguments.files) as files:
        return diagnose.diagnose(
            files,
            as_json=arguments.format == "json",
            quiet_time=quiet_time,
            credentials_known=arguments.credentials_known,
            out=sys.stdout,
            fail_on=fail_on,
            verbose=arguments.verbose,
            errors=sys.stderr,
        )


def _add_report(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "report",
        help="write reports of traffic that was saved",
        usage="regauth report [OPTION]... FILE... -o REPORT",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help=f"{_CAPTURE}, also in gzip; - is standard input; several are read as one",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="REPORT",
        action="append",
        required=True,
        help=f"write a report: {_REPORT}",
    )
    parser.add_argument(
        "--template", metavar="T", help=f"order a Markdown report by the issue form of a project: {_TEMPLATES}"
    )
    _add_anonymize(parser)
    parser.set_defaults(perform=_report)


def _report(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands import report
    from regauth_core.edge.inputs.unpacked import unpacked
    from regauth_core.edge.mitm import options
    from regauth_core.edge.outputs.report_file import report_file

    outputs = [report_file("report: -o", name) for name in arguments.output]
    template = report.checked_template("report: --template", arguments.template)
    anonymize = frozenset(options.anonymize("report: --anonymize", arguments.anonymize))
    with unpacked(arguments.files) as files:
        return report.report(files, outputs, template=template, anonymize=anonymize, out=sys.stderr)


def _add_whoami(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "whoami",
        help="show which credential a tool would use for an image, and why",
        usage="regauth whoami [OPTION]... REFERENCE",
    )
    parser.add_argument("reference", metavar="REFERENCE", help="an image or a registry, such as quay.io/team/app:1.0")
    parser.add_argument("--as", dest="tool", metavar="TOOL", help="docker, containers or crane; default: all three")
    parser.add_argument(
        "--credentials",
        metavar="C",
        action="append",
        default=[],
        help="show which one regauth itself would use from this source (as for run)",
    )
    parser.set_defaults(perform=_whoami)


def _whoami(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands.whoami import whoami

    return whoami(arguments.reference, arguments.tool, arguments.credentials, os.environ, sys.stdout)


def _add_rules(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser("rules", help="list the rules, or explain one", usage="regauth rules [RULE]")
    parser.add_argument(
        "rule", metavar="RULE", nargs="?", help="the rule to explain, such as challenge-ignored, or a cause"
    )
    parser.set_defaults(perform=_rules)


def _rules(arguments: argparse.Namespace) -> int:
    from regauth_core.rules import all_rules, manual, rule

    if arguments.rule is None:
        print(manual.listing(all_rules()), end="")
        return 0
    named = arguments.rule.strip().lower().replace("_", "-")
    found = rule(named)
    pages = [found] if found is not None else manual.rules_with_cause(all_rules(), named)
    if not pages:
        causes = [cause for one in all_rules() for cause in manual.causes(one)]
        meant = did_you_mean(named, [*(one.name for one in all_rules()), *causes]) or "; see regauth rules"
        raise UserError(f"rules: unknown rule {arguments.rule[:80]!r}{meant}")
    if found is None:
        print(f"{named} is a cause of {' and '.join(one.name for one in pages)}.\n")
    print("\n".join(manual.page(one) for one in pages[:_PAGES]), end="")
    return 0


def _add_scenario(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "scenario",
        help="make a scenario of a capture: a registry that behaves as the one in it did",
        usage="regauth scenario [OPTION]... CAPTURE",
    )
    parser.add_argument("capture", metavar="CAPTURE", help=f"{_CAPTURE}, or a report of regauth")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write it to this file, NAME.yaml (default: standard output)"
    )
    _add_anonymize(parser)
    parser.set_defaults(perform=_scenario)


def _scenario(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands.scenario import scenario
    from regauth_core.edge.mitm import options

    return scenario(
        Path(arguments.capture),
        Path(arguments.output) if arguments.output else None,
        anonymize=frozenset(options.anonymize("scenario: --anonymize", arguments.anonymize)),
        out=sys.stdout,
        errors=sys.stderr,
    )


def _add_scenarios(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "scenarios", help="list the scenarios that come with regauth, or show one", usage="regauth scenarios [NAME]"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the scenario to show, such as per-repository-basic")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of scenario files")
    parser.set_defaults(perform=_scenarios)


def _scenarios(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands import scenarios
    from regauth_core.report import jsontext
    from regauth_core.simulate.schema import schema

    if arguments.schema:
        print(jsontext.encode(schema()), end="")
    else:
        print(scenarios.page(arguments.name) if arguments.name else scenarios.listing(), end="")
    return 0


def _add_serve(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "serve", help="serve a scenario, http and https on one port", usage="regauth serve [OPTION]... SCENARIO"
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=_SCENARIO)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", default=5000, type=_port, help="the port to listen on (5000)")
    parser.set_defaults(perform=_serve)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port between 0 and 65535, found {text!r}")
    return int(text)


def _serve(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands.authority import authority
    from regauth_core.edge.commands.serve import serve
    from regauth_core.edge.scenarios import scenario_path

    with authority(os.environ) as confdir:
        return serve(
            scenario_path(arguments.scenario),
            host=arguments.host,
            port=arguments.port,
            confdir=confdir,
            out=sys.stdout,
        )


def _add_demo(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser("demo", help="show the tool on a built-in example", usage="regauth demo")
    parser.set_defaults(perform=_demo)


def _demo(_: argparse.Namespace) -> int:
    from regauth_core.edge.commands.demo import demo

    return demo(os.environ, sys.stdout)


def _add_setup(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "setup",
        help="print how a daemon, such as docker's, is recorded, and how that is undone",
        usage="regauth setup [OPTION]... [DAEMON]",
        description="Print the steps; nothing is changed.",
    )
    parser.add_argument("daemon", metavar="DAEMON", nargs="?", help="without it: the daemons that there are steps for")
    parser.add_argument("--port", default=8080, type=_port, help="the port that mitmdump is to listen on (8080)")
    parser.set_defaults(perform=_setup)


def _setup(arguments: argparse.Namespace) -> int:
    from regauth_core.edge.commands.setup import setup

    return setup(arguments.daemon, arguments.port, os.environ, sys.stdout)


def _add_addon(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = commands.add_parser(
        "addon",
        help="print the path of the script for mitmproxy",
        usage="regauth addon",
        description='Print the path of the script for mitmproxy, as in: mitmdump -s "$(regauth addon)"',
    )
    parser.set_defaults(perform=_addon)


def _addon(_: argparse.Namespace) -> int:
    # Beside the package, installed or not.
    print(Path(regauth_core.__file__).resolve().parent.parent / "regauth.py")
    return 0
