"""Which secret is used where and repeated where in what spelling: many, so that every choice meets many others."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final, Generic, TypeVar

from generated.echoes import ECHOES
from generated.exchanges import REGISTRY, Exchange, answered, merged
from generated.kinds import KINDS
from generated.search import Needle, needles
from generated.spellings import BEYOND, SPELLINGS
from generated.uses import USES

T = TypeVar("T", bound=Hashable)
ORDERS: Final = ("use first", "use first", "use first", "echo first", "together")


@dataclass(frozen=True)
class Planted:
    """A secret that is used and repeated."""

    number: int
    kind: str
    use: str
    echo: str
    spelling: str
    order: str

    @property
    def is_beyond(self) -> bool:
        """Whether the spelling is one that no search is expected to undo."""
        return self.spelling in BEYOND or (ECHOES[self.echo].folds and self.spelling.startswith("base64"))

    def secret(self, seed: str) -> str:
        """The secret; another one for another seed."""
        return KINDS[self.kind](Random(f"{seed} {self.number}"))  # noqa: S311

    def exchanges(self, seed: str) -> tuple[Exchange, ...]:
        """One or two exchanges."""
        secret = self.secret(seed)
        use = USES[self.use].exchange(secret)
        echo = ECHOES[self.echo].exchange(SPELLINGS[self.spelling](secret))
        if self.order == "together" and (both := merged(use, echo)) is not None:
            return (both,)
        return (echo, use) if self.order == "echo first" else (use, echo)

    def needles(self, seed: str) -> Iterator[Needle]:
        """What of it must not be found."""
        secret = self.secret(seed)
        return needles(self.number, secret, SPELLINGS[self.spelling](secret), self.spelling)

    def __str__(self) -> str:
        return f"#{self.number} {self.kind} | {self.use} | {self.echo} | {self.spelling} | {self.order}"


class _Deck(Generic[T]):
    """Every one of `names` once, in any order, and again."""

    def __init__(self, rng: Random, names: Sequence[T]) -> None:
        self._rng, self._names = rng, list(names)
        self._left: list[T] = []

    def draw(self, fits: Callable[[T], bool] = lambda _: True) -> T:
        """The next one that fits; those that do not are kept for later."""
        aside: list[T] = []
        for _ in range(2 * len(self._names)):
            if not self._left:
                waiting = set(aside)
                self._left = [name for name in self._names if name not in waiting]
                self._rng.shuffle(self._left)
            if not self._left:
                break
            name = self._left.pop()
            if fits(name):
                self._left[:0] = aside
                return name
            aside.append(name)
        raise ValueError("nothing fits")


def planted(seed: str, count: int, can: Callable[[Exchange], bool] | None = None) -> Iterator[Planted]:
    """`count` of them: every echo with every spelling in turn, every kind and use equally often; only what `can` be."""
    fit = can or (lambda _: True)
    rng = Random(seed)  # noqa: S311
    pairs = _Deck(rng, [(echo, spelling) for echo in ECHOES for spelling in SPELLINGS])
    kinds, uses = _Deck(rng, list(KINDS)), _Deck(rng, list(USES))
    for number in range(count):
        kind = kinds.draw()
        secret = KINDS[kind](Random(f"{seed} {number}"))  # noqa: S311
        use = uses.draw(partial(_takes_use, secret, fit))
        echo, spelling = pairs.draw(partial(_takes_echo, secret, fit))
        yield Planted(number, kind, use, echo, spelling, rng.choice(ORDERS))


def _takes_use(secret: str, fit: Callable[[Exchange], bool], name: str) -> bool:
    return USES[name].takes(secret) and fit(USES[name].exchange(secret))


def _takes_echo(secret: str, fit: Callable[[Exchange], bool], pair: tuple[str, str]) -> bool:
    text = SPELLINGS[pair[1]](secret)
    return ECHOES[pair[0]].takes(text) and fit(ECHOES[pair[0]].exchange(text))


def told(many: Sequence[Planted], seed: str) -> list[Exchange]:
    """All their exchanges, between challenges that nobody answers, so that there is something to be found."""
    challenge = f'Bearer realm="https://auth.{REGISTRY}/token",service="{REGISTRY}",scope="repository:team/other:pull"'
    refused = answered(401, ("WWW-Authenticate", challenge), path="/v2/team/other/tags/list")
    return [Exchange(path="/v2/"), refused, *(one for each in many for one in each.exchanges(seed)), refused]
