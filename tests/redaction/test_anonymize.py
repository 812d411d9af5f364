"""Pseudonyms: names of hosts, repositories and users are in nothing that is shown, and the findings stay the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from kit.canaries import CORPUS
from kit.messages import DIGEST, basic, jwt, wire
from kit.notation import Talk, conversations
from kit.outputs import Story, outputs, recorded
from regauth_core.cli import main
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.commands.reference_clients import LOGIN, TRUSTS_PING
from regauth_core.edge.commands.reference_clients import __name__ as clients_module
from regauth_core.edge.outputs.reports import report_text
from regauth_core.model import ChangeKind, Exchange, FailureKind
from regauth_core.model.finding import Diagnosis
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor, RenamingRedactor
from regauth_core.redaction.renaming import Renaming
from regauth_core.report import ENDINGS

KINDS = frozenset({"hosts", "repositories", "users"})
TALKS = conversations()


def redactor(*kinds: str) -> Redactor:
    """One with a fixed key."""
    return Redactor(b"k" * 32, anonymize=frozenset(kinds))


# A story with names wherever a name can stand.

HOST, AUTH, BLOBS = "harbor.zebracorp.com", "auth.zebracorp.com", "blobs-7.zebracorp.net"
REPOSITORY, OTHER = "quokka/payroll/api", "quokka/ledger"
USER, ROBOT = "wilhelmina", "robot$quokka+ci"
NAMES = (
    "zebracorp",
    "quokka",
    "payroll",
    "ledger",
    "wilhelmina",
    "kangaroo",
    "wombat",
    "numbat",
    "10.20.30.40",
    "fd12:3456",
)
REALM = (
    f'Bearer realm="https://{AUTH}/service/token?tenant=wombat",service="{HOST}",'
    f'scope="repository:{REPOSITORY}:pull,push"'
)
S3 = "wombat-layers.s3.eu-west-1.amazonaws.com"
TOKEN = jwt(
    "names",
    iss=f"https://{AUTH}/realms/wombat",
    aud=[HOST, "wombat-service." + HOST],
    sub=USER,
    access=[
        {"type": "repository", "name": REPOSITORY, "actions": ["pull"]},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ],
)
SAID = (
    f"user {USER} of {ROBOT} may not pull {REPOSITORY}:1.0 from {HOST}:8443/{OTHER}, project quokka,"
    f" host {AUTH.upper()}, dial tcp 10.20.30.40:443, dial tcp [fd12:3456::7]:443,"
    f" lookup numbat.zebracorp.io, see https://{HOST}/harbor/projects/quokka,"
    " QUOKKA/Payroll/API, quokka%2Fpayroll%2fapi, repository%3Aquokka%2Fledger%3Apull, quokka%252Fledger,"
    " quokka&#x2F;payroll, quokka&#47;ledger, Quokka's, of zebracorp, ZebraCorp: Wilhelmina, payroll-1.0,"
    f" quokka_ledger.2, numbat:5444, numbat:5444/quokka/ledger:1, {HOST.upper()}:8443/QUOKKA/LEDGER"
)


def error(message: str) -> bytes:
    """An error body, with a detail."""
    needs = [{"Type": "repository", "Name": OTHER, "Action": "pull"}]
    return json.dumps({"errors": [{"code": "DENIED", "message": message, "detail": needs}]}).encode()


def named() -> list[Wire]:
    """Exchanges that are full of names."""
    told = [
        replace(one, number=n, started=one.started + n, ended=one.started + n + 0.2)
        for n, one in enumerate((*_logging_in(), *_fetching(), *_failing()), 1)
    ]
    told[4] = replace(told[4], label=USER, program="client", process=7, address="10.20.30.40")
    told[5] = replace(told[5], changes=((ChangeKind.OTHER, f"the proxy sent it to {HOST} instead of {BLOBS}"),))
    return told


PATH, BEARER = f"/v2/{REPOSITORY}", ("Authorization", "Bearer " + TOKEN)


def _logging_in() -> list[Wire]:
    login = ("Authorization", "Basic " + basic(USER, "correct-horse"))
    asked = f"/service/token?account={USER}&service={HOST}&scope=repository%3A{REPOSITORY.replace('/', '%2F')}%3Apull"
    form = f"grant_type=password&username={ROBOT}&password=hunter22&service={HOST}&scope=repository:{OTHER}:push"
    answer = json.dumps({"token": TOKEN, "expires_in": 300, "scope": f"repository:{REPOSITORY}:pull"})
    challenge = ("WWW-Authenticate", REALM)
    denial = ("WWW-Authenticate", f'{REALM},error="denied",error_description="{SAID}"')
    return [
        wire("/v2/", host=HOST, answer="{}"),
        wire(f"{PATH}/manifests/1.0?ns={HOST}", host=HOST, status=401, answer=error("who?"), headers=(challenge,)),
        wire(asked, login, host=AUTH, answer=answer),
        wire("/service/token", method="POST", host=AUTH, body=form.encode(), status=401, answer=error(SAID)),
        wire(f"{PATH}/manifests/1.0", BEARER, host=HOST, status=403, answer=error(SAID), headers=(denial,)),
    ]


def _fetching() -> list[Wire]:
    stored = f"/wombat/quokka/{DIGEST[7:]}?x=1"
    mount = f"/v2/{OTHER}/blobs/uploads/?mount={DIGEST}&from={REPOSITORY}"
    foreign = {"layers": [{"urls": [f"https://{BLOBS}/wombat/1"]}]}
    via, cookie = ("Via", f"1.1 proxy.{HOST}"), ("Set-Cookie", f"a=b; Domain=.{HOST}; Path={PATH}")
    session = (("Location", f"{PATH}/blobs/uploads/1"), ("Content-Location", f"http://{HOST}{PATH}"))
    link = ("Link", '</v2/_catalog?n=1&last=kangaroo>; rel="next"')
    referer = ("Referer", f"https://{HOST}{PATH}/blobs/{DIGEST}")
    return [
        wire(f"{PATH}/blobs/{DIGEST}", BEARER, host=HOST, status=307, headers=(_to(f"https://{BLOBS}{stored}"), via)),
        wire(stored, referer, host=BLOBS, status=302, headers=(_to(f"https://{S3}/quokka/x"), cookie)),
        wire("/quokka/x", host=S3, answer="layer"),
        wire(mount, BEARER, method="POST", host=HOST, status=202, headers=session),
        wire("/v2/_catalog?n=1&last=wombat", BEARER, host=HOST, headers=(link,)),
        wire(f"{PATH}/manifests/2", BEARER, host=HOST, answer=json.dumps(foreign)),
    ]


def _to(url: str) -> tuple[str, str]:
    return "Location", url


def _failing() -> list[Wire]:
    page = f"<html><title>Oops</title><p>{SAID}</p></html>"
    certificate = f"certificate is not valid for '{HOST}', only *.zebracorp.net: {SAID}"
    artifactory = "/artifactory/api/docker/numbat/v2/kangaroo/tags/list"
    agent = ("User-Agent", f"client/1 (+https://{HOST}/wombat)")

    def asked(host: str, realm: str) -> Wire:
        challenge = ("WWW-Authenticate", f'Basic realm="{realm}"')
        return wire("/v2/kangaroo/tags/list", host=host, status=401, headers=(challenge,))

    return [
        wire(f"{PATH}/manifests/3", host=HOST, status=500, answer=page, headers=(("Content-Type", "text/html"),)),
        wire(f"{PATH}/manifests/4", host=HOST, status=None, failure=(FailureKind.TLS, certificate)),
        asked("10.20.30.40", f"Artifacts of {HOST}"),
        asked("fd12:3456::7", "kangaroo"),
        wire(artifactory, agent, host="numbat", status=401),
        wire(f"{PATH}/manifests/payroll-1.0_quokka.zebracorp", host=HOST, status=404, answer=error(SAID)),
        replace(wire(f"{PATH}/tags/list", host="numbat", status=401, answer=error(f"NUMBAT:5444/{OTHER}")), port=5444),
    ]


STORY = Story(
    "names",
    tuple(named()),
    (),
    command=(
        "skopeo",
        "copy",
        "--authfile",
        f"/home/{USER}/auth.json",
        f"docker://{HOST}/{REPOSITORY}:1.0",
        f"{HOST}:8443/{OTHER}",
    ),
    version=f"skopeo version 1.14 built on numbat.zebracorp.io for {USER}",
    scenario=f"{HOST} of {REPOSITORY}",
    notes=(
        f"the client does not trust the proxy: no request to {HOST} could be seen",
        f"1 request of {USER} to {REPOSITORY}",
    ),
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All outputs of the story, live and from a trace."""
    return dict(outputs(STORY, tmp_path_factory.mktemp("live"), KINDS))


@pytest.fixture(scope="module")
def afterwards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All reports from a trace, a flow file and a HAR file that hold the names."""
    folder = tmp_path_factory.mktemp("saved")
    plain = dict(outputs(STORY, folder))
    assert [name for name in NAMES if name not in plain["trace"]] == []
    (folder / "live.har.json").write_text(plain[".har.json of live"])
    found: dict[str, str] = {}
    for source in ("trace", "live.har.json", "saved.flows", "saved.har"):
        journal, redactor = journal_of([folder / source], credentials_known=True, anonymize=KINDS)
        found |= {f"{ending} of {source}": report_text(journal, f"x{ending}", redactor) for ending in ENDINGS}
    return found


def test_no_name_is_in_anything_that_is_shown_live(shown: dict[str, str]) -> None:
    """Realm, service, scope, claims, locations, links, cookies, messages, command line, notes: all have pseudonyms."""
    assert [f"{word} in {name}" for name, text in shown.items() for word in NAMES if word in text.lower()] == []


def test_no_name_is_in_a_report_of_what_was_saved_with_names(afterwards: dict[str, str]) -> None:
    """The names that a trace or a HAR file holds are replaced when it is read."""
    assert [f"{word} in {name}" for name, text in afterwards.items() for word in NAMES if word in text.lower()] == []


def test_one_name_has_one_pseudonym(shown: dict[str, str], afterwards: dict[str, str]) -> None:
    """Wherever it stands: URL, host field, realm, service, scope, claims, location."""
    for text in (shown[".har.json of live"], afterwards[".har.json of trace"], afterwards[".har.json of saved.har"]):
        exchanges = [entry["_regauth"]["exchange"] for entry in json.loads(text)["log"]["entries"]]
        assert exchanges[2]["origin"]["host"].endswith(".registry-1.alt")
        host = exchanges[1]["origin"]["host"]
        name = exchanges[1]["target"]["repository"]
        assert (host, name) == ("registry-1.alt", "group-1/group-2/repo-1")
        challenge = exchanges[1]["response"]["challenges"][0]
        assert dict(challenge["parameters"])["service"] == host
        assert dict(challenge["parameters"])["scope"] == f"repository:{name}:pull,push"
        assert challenge["realm_link"]["origin"]["host"] == exchanges[2]["origin"]["host"]
        assert dict(challenge["parameters"])["realm"].startswith(
            f"https://{exchanges[2]['origin']['host']}/service/token?tenant=<"
        )
        token = exchanges[2]["request"]["token"]
        assert (token["service"], token["scopes"]) == (host, [f"repository:{name}:pull"])
        claims = exchanges[2]["response"]["token"]["claims"]
        assert (claims["audience"][0], claims["access"][0]["name"], claims["access"][1]["name"]) == (
            host,
            name,
            "catalog",
        )
        assert exchanges[8]["target"]["mount_from"] == name
        assert exchanges[1]["target"]["mirror_of"] == host
        assert exchanges[5]["response"]["location"]["origin"]["host"] == exchanges[6]["origin"]["host"]
        assert exchanges[7]["origin"]["host"].endswith(".s3.eu-west-1.amazonaws.com")
        assert exchanges[13]["origin"]["host"].startswith("10.255.")


def test_what_was_replaced_is_told(shown: dict[str, str]) -> None:
    """The last line counts the names that have pseudonyms."""
    assert "by pseudonyms" in " ".join(shown["terminal, 200 of live"].split())
    assert "skopeo copy" in shown[".md of live"]
    assert "docker://registry-1.alt/group-1/group-2/repo-1:1.0" in shown[".md of live"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_what_is_asked_for_is_replaced(kind: str, tmp_path: Path) -> None:
    """Each kind of names by itself."""
    text = dict(outputs(STORY, tmp_path, frozenset({kind})))[".har.json of live"]
    assert (HOST in text) == (kind != "hosts")
    assert (REPOSITORY in text) == (kind != "repositories")
    assert (USER in text) == (kind != "users")


# What must not be lost with the names.


@pytest.mark.parametrize(
    "host", ["registry-1.docker.io", "ghcr.io", "quay.io", "mcr.microsoft.com", "public.ecr.aws", "eu.gcr.io"]
)
def test_public_registries_keep_their_names_everywhere(host: str, tmp_path: Path) -> None:
    """Which public registry it is, is half of a diagnosis; whose repository it is stays hidden."""
    headers = (
        ("WWW-Authenticate", f'Bearer realm="https://{host}/token",service="{host}",scope="repository:wombat/x:pull"'),
    )
    asked = wire(
        "/v2/wombat/x/tags/list", host=host, status=401, answer=error(f"no wombat/x at {host}"), headers=headers
    )
    story = Story("public", (asked,), (), command=("docker", "pull", f"{host}/wombat/x"))
    for name, text in outputs(story, tmp_path, KINDS):
        assert "wombat" not in text, name
        assert host in text or name == "live lines", name


def findings(talk: Talk, exchanges: list[Exchange]) -> tuple[object, ...]:
    """What is found, without the names."""
    diagnoser = Diagnoser(quiet_time=talk.quiet, credentials_known=talk.known)
    for one in exchanges:
        diagnoser.add(one)
    found: Diagnosis = diagnoser.finish(talk.ending)
    # Two names that look alike make a rule surer, and pseudonyms do not look alike.
    told = [(f.rule, f.severity, f.fault, f.cause, f.client, f.exchanges) for f in found.findings]
    return told, [(u.rule, u.reason, u.client, u.exchanges) for u in found.undecided]


@pytest.mark.parametrize("talk", TALKS, ids=attrgetter("name"))
def test_findings_do_not_depend_on_names(talk: Talk) -> None:
    """With pseudonyms from the first moment, or given afterwards, the same is found."""
    plain = [observe(one, redactor()) for one in talk.wires]
    one = redactor(*KINDS)
    live = [observe(wire_, one) for wire_ in talk.wires]
    renaming = Renaming(RenamingRedactor(redactor(*KINDS)))
    assert findings(talk, live) == findings(talk, plain)
    assert findings(talk, [renaming.exchange(exchange) for exchange in plain]) == findings(talk, plain)


WIRES = [*(planted.wire for planted in CORPUS), *(one for talk in TALKS for one in talk.wires), *named()]


def test_going_over_an_exchange_again_changes_nothing() -> None:
    """Where no names are to be replaced, what was redacted is taken as it is: fingerprints stay what they were."""
    one = redactor()
    renaming = Renaming(RenamingRedactor(one))
    changed = [wire_ for wire_ in WIRES if renaming.exchange(exchange := observe(wire_, one)) != exchange]
    assert changed == []


def test_pseudonyms_given_afterwards_are_those_given_live() -> None:
    """The same code names them, so a name that looks odd is treated alike."""
    live, saved, plain = redactor(*KINDS), redactor(*KINDS), redactor()
    renaming = Renaming(RenamingRedactor(saved))
    for one in WIRES:
        now, then = observe(one, live), renaming.exchange(observe(one, plain))
        assert (now.origin, now.target.repository, now.target.mirror_of) == (
            then.origin,
            then.target.repository,
            then.target.mirror_of,
        )


# Hosts.


def test_hosts_keep_what_rules_look_at() -> None:
    """Internal stays internal, test names stay test names, one owner's hosts stay one owner's."""
    one = redactor("hosts")
    assert one.host("reg.corp.internal").endswith(".internal")
    assert one.host("reg.corp.local").endswith(".local")
    assert "." not in one.host("harbor")
    assert one.host("a.corp.test").endswith(".test")
    assert one.host("corp.co.uk") == "registry-5.alt"
    assert one.host("reg.corp.co.uk") == "host-6.registry-5.alt"
    assert one.host("other.co.uk").startswith("registry-")
    assert one.host("my.bucket.s3.eu-west-1.amazonaws.com") == "registry-7.s3.eu-west-1.amazonaws.com"
    assert one.host("s3.eu-west-1.amazonaws.com") == "s3.eu-west-1.amazonaws.com"
    assert one.host("corp.azurecr.io") == "registry-8.azurecr.io"
    assert one.host("169.254.169.254") == "169.254.169.254"
    assert one.host("metadata.google.internal") == "metadata.google.internal"
    assert one.host("localhost") == "localhost"


def test_a_domain_and_its_host_stay_two() -> None:
    """A pseudonym never makes one of two hosts."""
    one = redactor("hosts")
    names = ["reg.corp.com", "corp.com", "auth.corp.com", "corp.org", "10.0.0.1", "10.0.0.2", "corp", "reg.corp"]
    assert len({one.host(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lookup reg.corp.com: no such host", "lookup registry-1.alt: no such host"),
        ("dial tcp 8.8.4.4:443: refused", "dial tcp registry-1.alt:443: refused"),
        ("pulled reg.corp.com:5000/a/b:1.0 now", "pulled registry-1.alt:5000/group-1/repo-1:1.0 now"),
        (
            "skopeo/1.14.0 (github.com/containers/image) go1.20 1.2.3",
            "skopeo/1.14.0 (github.com/containers/image) go1.20 1.2.3",
        ),
        ("read config.json and layer.tar.gz, e.g. this", "read config.json and layer.tar.gz, e.g. this"),
        ("at 12:30:45 of 2024-01-01", "at 12:30:45 of 2024-01-01"),
        ("in /home/somebody/x", "in /home/user-1/x"),
    ],
)
def test_hosts_in_sentences_are_known_by_their_looks(text: str, expected: str) -> None:
    """Nothing else is taken for one."""
    assert redactor(*KINDS).text(text) == expected


def test_invalid_names_stay_invalid() -> None:
    """What no registry can have does not get a name that it could."""
    one = redactor("repositories")
    assert one.repository("Team/App") == "Group-1/Repo-1"
    assert one.repository("/app") == "/repo-2"
    assert one.repository("mirror/library/nginx") == "group-2/library/" + one.repository("nginx")


# From the command line.


def test_run_replaces_names(command_environment: dict[str, str], tmp_path: Path) -> None:
    """`regauth run --anonymize`: in what it prints, in its reports, in its trace."""
    arguments = [
        "run",
        "--scenario",
        "per-repository-basic",
        "--anonymize",
        "hosts,repositories",
        "--anonymize",
        "users",
    ]
    written = [f"r{ending}" for ending in ENDINGS]
    arguments += [word for name in written for word in ("-o", name)] + ["--trace", "trace"]
    client = [sys.executable, "-m", clients_module, TRUSTS_PING, "registry.test/foo"]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "regauth_core", *arguments, "--", *client],
        env={**command_environment, LOGIN: "alice:wonder-land"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "challenge-ignored" in done.stderr
    ours = done.stderr.partition("invalid username/password")[2]
    for text in [ours, *((tmp_path / name).read_text() for name in (*written, "trace"))]:
        assert "registry-1.test" in text
        assert [
            name for name in ("registry.test", "2/foo", "test/foo", '"foo"', " foo ", "alice") if name in text
        ] == []


def test_report_replaces_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`regauth report --anonymize`, from a trace with names."""
    recorded(STORY, Redactor(os.urandom(32)), tmp_path / "trace")
    path = tmp_path / "out.har.json"
    assert main(["report", str(tmp_path / "trace"), "-o", str(path), "--anonymize", ",".join(KINDS)]) == 0
    text = path.read_text() + capsys.readouterr().err
    assert [name for name in NAMES if name in text.lower()] == []
    assert "registry-1.alt" in text


def test_fingerprints_survive_renaming(tmp_path: Path) -> None:
    """Who sent the same token twice can still be told."""
    pair = ("Authorization", "Basic " + b64encode(b"a:correct-horse").decode())
    story = Story("two", tuple(replace(wire("/v2/x/y/tags/list", pair), number=n) for n in (1, 2)), ())
    live, _ = recorded(story, Redactor(os.urandom(32)), tmp_path / "trace")
    saved, _ = journal_of([tmp_path / "trace"], anonymize=KINDS)
    assert [one.request.credentials for one in saved.exchanges] == [one.request.credentials for one in live.exchanges]
    assert saved.exchanges[0].request.headers[-1] == live.exchanges[0].request.headers[-1]
