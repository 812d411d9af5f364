"""Stable pseudonyms for hosts, repositories and users, for whoever asks for them.

One mapping for one trace: a name gets the same pseudonym wherever it stands. What a diagnosis rests on is kept: hosts
of one domain stay in one domain, private addresses stay private, public registries keep their names.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from regauth_core.policy import PRIVATE_UNDER_PUBLIC, PUBLIC_HOSTS

MOST: Final = 10_000
"""Names of one kind that are told apart; the ones beyond share one pseudonym."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*+(?:/[A-Za-z0-9._\-]++)*+")
_SECOND_LEVEL = frozenset(
    {
        "ac", "co", "com", "edu", "gov", "net", "org",
    }
)


class Aliases:
    """The names of one trace. `kinds` says which are replaced: ``hosts``, ``repositories``, ``users``."""

    def __init__(self, kinds: frozenset[str] = frozenset()) -> None:
        self.active = bool(kinds)
        self._hosts_hidden = "hosts" in kinds
        self._repositories_hidden = "repositories" in kinds
        self._users_hidden = "users" in kinds
        self.hosts: dict[str, str] = {}
        self.repositories: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._domains: dict[str, str] = {}

    def host(self, host: str) -> str:
        """What to show for the host name or address `host` (lower case, without brackets and port)."""
        found = self.hosts.get(host)
        if found is None:
            found = self._host(host) if self._hosts_hidden else host
            if len(self.hosts) < MOST:
                self.hosts[host] = found
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
        return self._domain(host)

    def _name(self, host: str) -> str:
        for vendor in PRIVATE_UNDER_PUBLIC:
            if host.endswith("." + vendor):
                # Region and service, as in `….dkr.ecr.eu-west-1.amazonaws.com`, name the vendor's machine.
                own, *rest = host.removesuffix("." + vendor).split(".")
                return ".".join([self._domain(f"{own} {vendor}").removesuffix(".test"), *rest, vendor])
        if any(host == public or host.endswith("." + public) for public in PUBLIC_HOSTS):
            return host
        labels = host.split(".")
        size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
        domain = ".".join(labels[-size:])
        fresh = domain not in self._domains
        alias = self._domain(domain)
        return alias if fresh or host == domain else f"host-{len(self.hosts) + 1}.{alias}"

    def _domain(self, domain: str) -> str:
        if domain not in self._domains and len(self._domains) >= MOST:
            return "registry-0.test"
        return self._domains.setdefault(domain, f"registry-{len(self._domains) + 1}.test")

    def repository(self, name: str) -> str:
        """What to show for a repository's name; ``library/x`` and ``x`` stay recognisable as one."""
        if not self._repositories_hidden:
            if len(self.repositories) < MOST:
                self.repositories[name] = name
            return name
        if name.startswith("library/") and len(name) > len("library/"):
            return "library/" + self.repository(name.removeprefix("library/"))
        if name not in self.repositories and len(self.repositories) >= MOST:
            return "repo-0"
        return self.repositories.setdefault(name, f"repo-{len(self.repositories) + 1}")

    def user(self, name: str) -> str:
        """What to show for a user's name where it is shown at all."""
        if not self._users_hidden:
            return name
        if name not in self._users and len(self._users) >= MOST:
            return "user-0"
        return self._users.setdefault(name, f"user-{len(self._users) + 1}")

    def replaced(self, text: str) -> str:
        """`text` with every name known by now replaced where it stands as a word of its own."""
        if not self.active:
            return text
        return _WORD.sub(lambda word: self._known(word.group()), text)

    def _known(self, word: str) -> str:
        bare = word.rstrip(".-")
        tail = word[len(bare) :]
        head, slash, rest = bare.partition("/")
        if slash and head.lower() in self.hosts:
            return self.hosts[head.lower()] + slash + self.repositories.get(rest, rest) + tail
        return self.repositories.get(bare) or self.hosts.get(bare.lower()) or self._users.get(bare) or word
