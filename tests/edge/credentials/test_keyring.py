"""Credentials come from where regauth was told to look, in a known order, and cost the traffic nothing."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from pathlib import Path

import pytest

from kit.canaries import password
from kit.credential_files import auth, shown
from kit.credential_helpers import GOOD, Clock, installed
from regauth_core.credentials import keychain
from regauth_core.credentials.authfile import Tool
from regauth_core.credentials.lookup import LookupResult
from regauth_core.credentials.registry_names import registry_name
from regauth_core.edge.credentials.helpers import FRESH
from regauth_core.edge.credentials.keyring import Keyring, sources_of
from regauth_core.edge.errors import UserError
from regauth_core.model import Origin

SECRET = password("keyring")
REGISTRY = Origin("https", "r.test", 443)
HUB = Origin("https", "registry-1.docker.io", 443)


class Home:
    """A person's home directory, with helpers in its PATH."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.docker = directory / ".docker" / "config.json"
        self.containers = directory / ".config" / "containers" / "auth.json"
        self.environment = {
            "HOME": str(directory),
            "PATH": f"{directory}:/usr/bin:/bin",
            "XDG_RUNTIME_DIR": str(directory / "run"),
        }
        self.clock = Clock()
        self.complaints: list[str] = []

    def write(self, path: Path, content: object) -> Path:
        """A file with `content` as JSON, or as it is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def keyring(self, *texts: str, seconds: float = 20.0) -> Keyring:
        """What looks in `texts`."""
        sources = sources_of("--credentials", texts, self.environment)
        return Keyring(sources, self.environment, complain=self.complaints.append, clock=self.clock, seconds=seconds)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with nothing in it."""
    return Home(tmp_path)


def user(keyring: Keyring, repository: str | None = "team/app", origin: Origin = REGISTRY) -> str | None:
    """Whose login is found."""
    return shown(asyncio.run(keyring.login_for(origin, repository)).login)


def test_nothing_is_read_unless_asked_for(home: Home) -> None:
    """Files in their usual places are not looked at."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    found = asyncio.run(home.keyring().login_for(REGISTRY, "team/app"))
    assert (found.login, found.looked) == (None, ())


def test_sources_are_looked_at_in_order(home: Home) -> None:
    """The first that knows the registry wins."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    home.write(home.containers, {"auths": {"r.test/team": auth("containers")}})
    file = home.write(home.directory / "other.json", {"auths": {"r.test/team/app": auth("file")}})
    assert user(home.keyring("docker", "containers")) == "docker"
    assert user(home.keyring("containers", "docker")) == "containers"
    assert user(home.keyring(str(file), "docker")) == "file"
    assert user(home.keyring(str(file), "docker"), "other") == "docker"


def test_source_that_names_a_registry_goes_first(home: Home) -> None:
    """Of those the one for the longest namespace, however they are ordered."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    home.environment |= {"ALL": f"all:{SECRET}", "TEAM": f"team:{SECRET}", "USER": "pair", "PASS": SECRET}
    secret = home.write(home.directory / "secret", f"file:{SECRET}\n")
    texts = ("docker", "env:r.test=ALL", "env:r.test/team=TEAM", "env:x.test=USER,PASS", f"file:y.test={secret}")
    keyring = home.keyring(*texts)
    assert [user(keyring, name) for name in ("team/app", "team", "teams/app", None)] == ["team", "team", "all", "all"]
    assert user(keyring, "app", Origin("https", "x.test", 443)) == "pair"
    assert user(keyring, "app", Origin("https", "y.test", 443)) == "file"


def test_broken_source_leaves_the_others(home: Home) -> None:
    """A variable that holds nonsense costs itself."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    home.environment["BAD"] = "two\nlines"
    keyring = home.keyring("env:r.test=BAD", "docker")
    found = asyncio.run(keyring.login_for(REGISTRY, "app"))
    assert shown(found.login) == "docker"
    assert (found.looked[0].source, found.looked[0].outcome) == ("BAD", LookupResult.MALFORMED)
    assert home.complaints == ["credentials: BAD: for r.test holds more than one line"]


def test_hub_is_one_registry(home: Home) -> None:
    """What a client asks at registry-1.docker.io is found under docker's and containers' names for the Hub."""
    home.write(home.docker, {"auths": {"https://index.docker.io/v1/": auth("docker")}})
    home.write(home.containers, {"auths": {"docker.io/library": auth("containers")}})
    home.environment["RT"] = f"env:{SECRET}"
    assert user(home.keyring("docker"), "library/x", HUB) == "docker"
    assert user(home.keyring("containers"), "library/x", HUB) == "containers"
    assert user(home.keyring("env:docker.io=RT"), "library/x", HUB) == "env"


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        (REGISTRY, "r.test"),
        (Origin("http", "r.test", 80), "r.test"),
        (Origin("http", "r.test", 443), "r.test:443"),
        (Origin("https", "r.test", 5000), "r.test:5000"),
        (Origin("https", "::1", 443), "[::1]"),
        (Origin("http", "::1", 5000), "[::1]:5000"),
        (HUB, "docker.io"),
        (Origin("https", "index.docker.io", 443), "docker.io"),
        (Origin("https", "docker.io", 5000), "docker.io:5000"),
        (Origin("https", "hub.docker.io", 443), "hub.docker.io"),
    ],
)
def test_name_of_a_registry(origin: Origin, name: str) -> None:
    """An origin is named as in the files: without the scheme's own port, the Hub by one name."""
    assert registry_name(origin) == name


def test_many_at_once_are_one_lookup(home: Home) -> None:
    """Sixty-four layers of one image read the file and ask the helper once."""
    home.write(home.docker, {"credsStore": "h"})
    installed(home.directory, "h", f"echo x >> {home.directory}/runs; {GOOD}")
    keyring = home.keyring("docker")

    async def layers() -> set[str | None]:
        found = await asyncio.gather(*(keyring.login_for(REGISTRY, "team/app") for _ in range(64)))
        assert len({id(each) for each in found}) == 1
        return {shown(each.login) for each in found}

    assert asyncio.run(layers()) == {"alice"}
    assert (home.directory / "runs").read_text() == "x\n"


def test_what_was_found_holds_for_a_minute(home: Home) -> None:
    """A new login is seen after that; until then nothing is read."""
    keyring = home.keyring("docker")
    assert user(keyring) is None
    home.write(home.docker, {"auths": {"r.test": auth("late")}})
    assert user(keyring) is None
    home.clock.now += FRESH + 1
    assert user(keyring) == "late"


def test_find_tells_what_was_found_without_looking(home: Home) -> None:
    """The authenticator, which waits for nothing, gets what the lookup before it found."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    keyring = home.keyring("docker")
    assert keyring.find(REGISTRY, "team/app") is None
    assert user(keyring) == "docker"
    assert shown(keyring.find(REGISTRY, "team/app")) == "docker"
    assert keyring.find(REGISTRY, "other") is None
    home.clock.now += FRESH + 1
    assert shown(keyring.find(REGISTRY, "team/app")) == "docker"


def test_one_login_has_one_name(home: Home) -> None:
    """What is remembered of a login by its name survives a new lookup, and ends with the password."""
    keyring = home.keyring("docker")

    def name(password: str) -> str:
        home.write(home.docker, {"auths": {"r.test": auth("docker", password)}})
        home.clock.now += FRESH + 1
        login = asyncio.run(keyring.login_for(REGISTRY, "app")).login
        assert login is not None
        return login.id

    first, again, changed = name(SECRET), name(SECRET), name("x")
    assert first == again != changed
    assert SECRET not in first


def test_helper_that_hangs_is_a_line_and_no_login(home: Home) -> None:
    """The line names the helper and the limit, not what it was asked for; it comes once."""
    home.write(home.docker, {"credsStore": "h", "auths": {"x.test": {"auth": SECRET}}})
    installed(home.directory, "h", "sleep 600")
    keyring = home.keyring("docker", seconds=0.2)
    assert user(keyring) is None
    assert user(keyring, "other") is None
    line, other = home.complaints
    assert line == "credentials: docker-credential-h: did not answer within 0.2 seconds"
    assert "r.test" not in line + other
    assert SECRET not in line + other


def test_malformed_entry_is_a_line_that_names_it(home: Home) -> None:
    """The file and the entry, not what is in it; the others are used."""
    home.write(home.docker, {"auths": {"x.test": {"auth": SECRET + "!"}, "r.test": auth("docker")}})
    assert user(home.keyring("docker")) == "docker"
    (line,) = home.complaints
    assert line.startswith('credentials: ~/.docker/config.json: auths["x.test"] has an "auth" that is not base64')


def test_fault_of_ours_is_no_fault_of_the_traffic(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in a lookup finds nothing, and says where it was without its words."""

    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(keychain, "find", broken)
    found = asyncio.run(home.keyring("docker").login_for(REGISTRY, "app"))
    assert (found.login, found.looked) == (None, ())
    (line,) = home.complaints
    assert line.startswith("credentials: internal error: RuntimeError in test_keyring:")
    assert SECRET not in line


def test_prompt_is_asked_once(home: Home) -> None:
    """Before the traffic, not during it; until then the source has nothing."""
    asked = []

    def ask(subject: str) -> tuple[str, str]:
        asked.append(subject)
        return ("", SECRET) if "token" in subject else ("typed", SECRET)

    keyring = home.keyring("prompt:r.test", "prompt:token.test")
    found = asyncio.run(keyring.login_for(REGISTRY, "app"))
    assert [each.note for each in found.looked] == ["nothing was typed yet"]
    keyring.prompt(ask)
    keyring.prompt(ask)
    assert asked == ["r.test", "token.test"]
    assert user(keyring, "other") == "typed"
    assert user(keyring, "app", Origin("https", "token.test", 443)) == "registry token"


@pytest.mark.parametrize("typed", [("", ""), ("a:b", SECRET), ("", "two words")])
def test_what_cannot_be_sent_is_not_taken(home: Home, typed: tuple[str, str]) -> None:
    """Typing nothing, or what is no login, is failure that does not repeat it."""
    with pytest.raises(UserError) as caught:
        home.keyring("prompt:r.test").prompt(lambda _: typed)
    assert str(caught.value).startswith("prompt:r.test: expected a user and a password")
    assert SECRET not in str(caught.value)


def test_tool_is_asked_whatever_the_sources_are(home: Home) -> None:
    """For the question which credential a tool picks, its own files count."""
    home.write(home.docker, {"auths": {"r.test": auth("docker")}})
    home.write(home.containers, {"auths": {"r.test": auth("containers")}})
    keyring = home.keyring()
    users = [shown(asyncio.run(keyring.login_of_tool(tool, "r.test", "app")).login) for tool in Tool]
    assert users == ["docker", "containers", "docker"]


def test_no_representation_shows_a_secret(home: Home) -> None:
    """Of sources, logins, lookups and the keyring itself."""
    home.environment |= {
        "RT": f"a:{SECRET}",
        "DOCKER_AUTH_CONFIG": json.dumps({"auths": {"r.test": auth("b", SECRET)}}),
    }
    encoded = b64encode(f"b:{SECRET}".encode()).decode()
    keyring = home.keyring("env:x.test=RT", "docker")
    shown_texts = []
    for host in ("r.test", "x.test"):
        found = asyncio.run(keyring.login_for(Origin("https", host, 443), "app"))
        assert found.login is not None
        shown_texts += [repr(found), str(found), repr(found.login), f"{found.looked}"]
    text = " ".join([*shown_texts, repr(keyring), repr(sources_of("c", ["env:r.test=RT"], home.environment))])
    assert SECRET not in text
    assert encoded not in text
