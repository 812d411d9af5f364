"""Stable pseudonyms for hosts, repositories and users, for whoever asks for them.

One mapping for one trace: a name gets the same pseudonym wherever it stands. What a diagnosis rests on is kept: hosts
of one domain stay in one domain, internal and test names stay what they are, private addresses stay private, cloud
vendors can be recognised, and public registries keep their names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from regauth_core.protocol.registries import has_listed_suffix, is_internal, is_test_name, registrable_domain
from regauth_core.redaction.allow_list import CODE_HOSTS, PLAIN_WORDS, PRIVATE_UNDER_PUBLIC, PUBLIC_HOSTS, VENDOR_LABEL

MOST: Final = 10_000
"""Names of one kind that are told apart; the ones beyond share one pseudonym."""
_LONGEST: Final = 32
"""Elements of a path in which names are searched."""
_SHORTEST: Final = 3
"""Characters of a user's name, or a part of a repository's, that is replaced where it stands alone in a text."""
_ODD: Final = 100
_ROLES: Final = PLAIN_WORDS | {
    "access", "account", "admin", "administrator", "aws", "build", "builder", "bot", "deploy", "deployer", "denied",
    "guest", "jenkins", "login", "name", "nobody", "none", "null", "oauth2accesstoken", "pull", "puller", "push",
    "pusher", "reader", "robot", "root", "user", "users", "<token>", "_json_key", "_token",
}  # fmt: skip
"""User names that are nobody's, or that a message means something else by."""

_SLASH = r"(?:/|%(?:25)?2[Ff]|\\{1,4}/|\\u002[Ff]|&#(?:47|x2[Ff]);|&sol;)"
"""A slash, also as URLs, JSON and HTML write it."""
_WORD = re.compile(
    r"(?P<escape>%(?:25)?[0-9A-Fa-f]{2}|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt])|&(?:#[0-9a-zA-Z]{1,7}|[a-zA-Z]{2,8});)"
    rf"|[A-Za-z0-9_][A-Za-z0-9._\-]*+(?::[0-9]{{1,5}}(?![A-Za-z0-9._\-]))?(?:{_SLASH}[A-Za-z0-9._\-]++)*+"
)
_SEPARATOR = re.compile(f"({_SLASH})")
_GLUE = re.compile(r"([._\-]+)")
_GENERIC: Final = frozenset(
    {"registry", "registries", "docker", "harbor", "hub", "example", "test", "auth", "token", "tokens", "blobs",
     "images", "mirror", "proxy", "server", "local", "localhost", "internal", "nexus", "artifactory", "quay"}
)  # fmt: skip
"""First labels of domains that are nobody's."""
_MARK = re.compile(r"<\w{1,8}:[0-9a-f]{8}>")
_VALID = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_KEPT_ELEMENTS = frozenset({"", ".", "..", "library"})
_HOME = re.compile(r"(?:(?<=/home/)|(?<=/Users/))[A-Za-z0-9._\-]{1,64}")
_PORT = re.compile(r":[0-9]{1,5}\Z")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:\.[0-9]{1,3}){0,3}(?![\w:])")
_LABELS = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_\-]{0,62})){1,10}")


class Pseudonyms:
    """The names of one trace. `kinds` says which are replaced: ``hosts``, ``repositories``, ``users``."""

    def __init__(self, kinds: frozenset[str] = frozenset()) -> None:
        self.active = bool(kinds)
        self.hides_hosts = "hosts" in kinds
        self.hides_repositories = "repositories" in kinds
        self.hides_users = "users" in kinds
        self.hosts: dict[str, str] = {}
        """What is shown for each host."""
        self.repositories: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._people: dict[str, str] = {}
        """What is shown for users that have no pseudonym."""
        self._odd_users: dict[str, str] = {}
        """Those that are no word by themselves, such as ``robot$team+ci``."""
        self._parts: dict[str, str] = {}
        """What is shown for each element of a repository's name."""
        self._labels: dict[str, str] = {}
        """What is shown for the name of a domain where it stands without its ending."""
        self._folded: dict[str, str] = {}
        """What is shown for names of repositories, their elements and users, by these in lower case."""
        self._numbers: dict[str, int] = {}
        self._domains: dict[str, str] = {}
        self._given: set[str] = set()
        """All pseudonyms: in a text that was gone over in part they are no names."""

    @property
    def hosts_shown(self) -> int:
        """How many hosts are shown by their names."""
        return sum(1 for name, shown in self.hosts.items() if name == shown)

    @property
    def repositories_shown(self) -> int:
        """How many repositories are shown by their names."""
        return sum(1 for name, shown in self.repositories.items() if name == shown)

    @property
    def count(self) -> int:
        """How many names have a pseudonym."""
        known = len(self.hosts) + len(self.repositories) + len(self._users)
        return known - self.hosts_shown - self.repositories_shown

    def host(self, host: str) -> str:
        """What to show for the host name or address `host` (lower case, without brackets and port)."""
        found = self.hosts.get(host)
        if found is None:
            found = self._host(host) if self.hides_hosts else host
            if len(self.hosts) < MOST:
                self.hosts[host] = found
            if found != host:
                self._given.add(found)
        return found

    def _host(self, host: str) -> str:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return self._name(host)
        if address.is_loopback or address.is_link_local or address.is_unspecified:
            return host
        if address.is_private:
            number = len(self._domains) % 65_000 + 1
            return self._domains.setdefault(host, f"10.255.{number >> 8}.{number & 255}")
        return self._domain(host, ".alt")

    def _name(self, host: str) -> str:
        for vendor in PRIVATE_UNDER_PUBLIC:
            if host.endswith("." + vendor):
                return self._customer(host.removesuffix("." + vendor), vendor)
        if any(host == public or host.endswith("." + public) for public in PUBLIC_HOSTS):
            return host
        domain = registrable_domain(host)
        if "." not in domain:
            domain = ".".join(host.split(".")[-2:])
        fresh = domain not in self._domains
        alias = self._domain(domain, _ending(host))
        return alias if fresh else f"host-{len(self.hosts) + 1}.{alias}"

    def _customer(self, labels: str, vendor: str) -> str:
        # Region and service, as in `….dkr.ecr.eu-west-1.amazonaws.com`, name the vendor's machine.
        found = VENDOR_LABEL.search(labels)
        own, rest = (labels[: found.start()], labels[found.start() :]) if found else (labels, "")
        if not own:
            return f"{labels}.{vendor}"
        alias = self._domain(f"{own} {vendor}", "")
        return ".".join(piece for piece in (alias, rest.strip("."), vendor) if piece)

    def _domain(self, domain: str, ending: str) -> str:
        if domain not in self._domains and len(self._domains) >= MOST:
            return f"registry-0{ending}"
        alias = self._domains.setdefault(domain, f"registry-{len(self._domains) + 1}{ending}")
        label = domain.partition(".")[0].partition(" ")[0].lower()
        if len(label) >= _SHORTEST and label not in PLAIN_WORDS | _GENERIC | _ROLES and not label.isdigit():
            self._labels.setdefault(label, alias.partition(".")[0])
        self._given.add(alias.partition(".")[0])
        return alias

    def repository(self, name: str) -> str:
        """What to show for a repository's name, element by element.

        So names keep what they have in common (``library/x`` is ``x``, a mirror prefixes its own name), and a name that
        no registry can have gets no valid one.
        """
        known = self.repositories.get(name)
        if known is None:
            known = name
            if self.hides_repositories:
                elements = name.split("/")
                last = len(elements) - 1
                known = "/".join([self._element(one, is_last=at == last) for at, one in enumerate(elements)])
                self._given.update((known, *known.split("/")))
            if len(self.repositories) < MOST:
                self.repositories[name] = known
                if self.hides_repositories:
                    self._folded.setdefault(name.lower(), known)
        return known

    def _element(self, element: str, *, is_last: bool) -> str:
        if element in _KEPT_ELEMENTS or _MARK.fullmatch(element):
            return element
        known = self._parts.get(element)
        if known is None:
            kind = "repo" if is_last else "group"
            number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
            known = f"{kind}-{number}" if number <= MOST else f"{kind}-0"
            # Clients have taken a word in the name for what they want to do.
            known += "".join(f"-{word}" for word in ("pull", "push") if word in element)
            if _VALID.fullmatch(element) is None:
                known = known.capitalize()
            if number <= MOST:
                self._parts[element] = known
                if len(element) >= _SHORTEST:
                    self._folded.setdefault(element.lower(), known)
        return known

    def user(self, name: str) -> str:
        """What to show for a user's name where it is shown at all."""
        if not self.hides_users:
            return name
        if name not in self._users and len(self._users) >= MOST:
            return "user-0"
        alias = self._users.setdefault(name, f"user-{len(self._users) + 1}")
        self._given.add(alias)
        self._folded.setdefault(name.lower(), alias)
        if len(self._odd_users) < _ODD and _WORD.fullmatch(name) is None:
            self._odd_users[name] = alias
        return alias

    def note_user(self, name: str, shown: str) -> None:
        """A user who is shown as `shown` but may be called by name in a message."""
        if sum(map(str.isalnum, name)) < _SHORTEST or name.lower() in _ROLES:
            return
        if self.hides_users:
            self.user(name)
        elif len(self._people) < MOST:
            self._people[name] = shown
            self._folded.setdefault(name.lower(), shown)
            if len(self._odd_users) < _ODD and _WORD.fullmatch(name) is None:
                self._odd_users[name] = shown

    def replaced(self, text: str) -> str:
        """Free text with every name replaced that is known by now or looks like a host's."""
        for name, alias in self._odd_users.items():
            text = re.sub(re.escape(name), lambda _, shown=alias: shown, text, flags=re.IGNORECASE)  # type: ignore[misc]
        if not self.active:
            return _substituted(text, self._mentioned) if self._people else text
        if self.hides_hosts and ":" in text:
            text = _IPV6.sub(lambda found: self._address(found.group()), text)
        if self.hides_users:
            text = _HOME.sub(lambda found: self.user(found.group()), text)
        return _substituted(text, self._known)

    def tag(self, text: str) -> str:
        """What to show for a tag, which may be made of names, such as ``payroll-1.0``."""
        if not self.active or text in self._given:
            return text
        return self._glued(text)

    def swept(self, text: str) -> str:
        """Finished output without the hosts and the longer repository names that are known by now.

        Words that may as well be the report's own, such as a repository called ``client``, stay.
        """
        return _substituted(text, self._unmistakable) if self.active else text

    def _address(self, text: str) -> str:
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            return text
        return self.host(text.lower())

    def _known(self, word: str) -> str:
        bare = word.rstrip(".-_")
        tail = word[len(bare) :]
        if bare in self._given:
            return word
        pieces = _SEPARATOR.split(bare)
        place = pieces[0]
        head = _PORT.sub("", place)
        if self._is_host(head) or self._is_addressed(head, place[len(head) :]):
            rest = "".join(pieces[2:])
            if rest and head.lower() not in CODE_HOSTS:
                # An image's name as one types it: registry and repository.
                name = "/".join(pieces[2::2])
                rest = (self._folded.get(name.lower()) or self.repository(name)).replace("/", pieces[1])
            return self.host(head.lower()) + place[len(head) :] + "".join(pieces[1:2]) + rest + tail
        if head == place:
            return self._elements(pieces, self._name_in_prose, self._glued) + tail
        first = self._elements([head], self._name_in_prose, self._glued) + place[len(head) :]
        return first + "".join(pieces[1:2]) + self._elements(pieces[2:], self._name_in_prose, self._glued) + tail

    def _glued(self, element: str) -> str:
        """An element with every name in it replaced that dots, dashes and underscores separate from the rest."""
        if element in self._given:
            return element
        pieces = _GLUE.split(element)
        return "".join([(self._name_in_prose(piece) or piece) for piece in pieces])

    def _mentioned(self, word: str) -> str:
        bare = word.rstrip(".-_")
        shown = self._folded.get(bare.lower())
        # A repository of that name stays readable.
        return word if shown is None or bare in self.repositories else shown + word[len(bare) :]

    def _name_in_prose(self, name: str) -> str | None:
        lower = name.lower()
        if name in self._given or lower in PLAIN_WORDS:
            return None
        return self._folded.get(lower) or self._labels.get(lower)

    def _is_host(self, word: str) -> bool:
        lower = word.lower()
        if not self.hides_hosts or lower in self._given:
            return False
        return lower in self.hosts or _looks_like_host(lower)

    def _is_addressed(self, word: str, port: str) -> bool:
        """Whether a word that nobody knows yet stands in front of a port, as hosts do."""
        if not self.hides_hosts or len(port) < len(":443") or word.isdigit() or word.lower() in PLAIN_WORDS | _GENERIC:
            return False
        return word not in self._given and self._name_in_prose(word) is None

    def _unmistakable(self, word: str) -> str:
        bare = word.rstrip(".-_")
        if "." not in bare and _SEPARATOR.search(bare) is None and _PORT.search(bare) is None:
            return word
        return self._elements(_SEPARATOR.split(bare), self._long_name) + word[len(bare) :]

    def _long_name(self, name: str) -> str | None:
        head = _PORT.sub("", name)
        if name in self._given or head in self._given:
            return None
        if "/" in name:
            return self.repositories.get(name) or (self._folded.get(name.lower()) if self.hides_repositories else None)
        known = self.hosts.get(head.lower())
        return known + name[len(head) :] if known is not None else None

    def _elements(
        self, pieces: list[str], known: Callable[[str], str | None], otherwise: Callable[[str], str] = str
    ) -> str:
        """A path with every name in it replaced that is `known`, the longest first.

        `pieces` are elements and, between them, what separates them. `otherwise` is for a single element.
        """
        elements, between = pieces[::2], [*pieces[1::2], ""]
        if len(elements) > _LONGEST:
            return "".join(pieces)
        shown: list[str] = []
        at = 0
        while at < len(elements):
            names = ((end, "/".join(elements[at:end])) for end in range(len(elements), at, -1))
            found = next(((end, alias) for end, name in names if (alias := known(name)) is not None), None)
            end, alias = found or (at + 1, otherwise(elements[at]))
            shown += (alias.replace("/", between[at]) if end - at > 1 else alias, between[end - 1])
            at = end
        return "".join(shown)


def _substituted(text: str, shown: Callable[[str], str]) -> str:
    """`text` with what is `shown` for each of its words; escapes are none."""
    return _WORD.sub(lambda word: word.group() if word["escape"] else shown(word.group()), text)


def _ending(host: str) -> str:
    """How the pseudonym of a domain ends: internal and test names stay such; others get what is nobody's (RFC 9476)."""
    if not (is_internal(host) or is_test_name(host)):
        return ".alt"
    if host.endswith(".home.arpa"):
        return ".home.arpa"
    return host[host.rindex(".") :] if "." in host else ""


def _looks_like_host(word: str) -> bool:
    """Whether a word with dots can be nothing but a host's name or address."""
    if "." not in word or _LABELS.fullmatch(word) is None:
        return word == "localhost"
    if word.replace(".", "").isdigit():
        try:
            ipaddress.ip_address(word)
        except ValueError:
            return False
        return True
    if is_test_name(word) or is_internal(word):
        return True
    return word.rpartition(".")[2].isalpha() and has_listed_suffix(word)
