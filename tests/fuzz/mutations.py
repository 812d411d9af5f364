"""Takes things out of the recorded conversations, and checks that what is said of the rest is shown by it.

    python tests/fuzz/mutations.py                        every conversation with one thing less: a minute
    python tests/fuzz/mutations.py --seed 1 --pairs 5000  with two things less, a sample

Prints each complaint with the first conversations that have it, and ends with status 1 if there is any.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent / "addon")]

from kit.claims import wrong  # noqa: E402
from kit.mutations import mutations  # noqa: E402
from kit.notation import Talk, conversations  # noqa: E402

_SHOWN = 3


def once(talks: list[Talk]) -> Iterator[tuple[str, Talk]]:
    """Every conversation with one thing less."""
    for talk in talks:
        yield from mutations(talk)


def twice(talks: list[Talk], seed: int, count: int) -> Iterator[tuple[str, Talk]]:
    """Conversations with two things less."""
    chosen = random.Random(seed)  # noqa: S311
    for talk in chosen.choices(talks, [len(t.wires) for t in talks], k=count):
        first, less = chosen.choice(list(mutations(talk)))
        more = list(mutations(less))
        if more:
            second, least = chosen.choice(more)
            yield f"{first}; {second.partition(': ')[2]}", least


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=0, help="how many conversations with two things less")
    parser.add_argument("--only", default="", help="conversations whose name has this")
    options = parser.parse_args()
    talks = [talk for talk in conversations() if options.only in talk.name]
    found: dict[str, list[str]] = {}
    count = 0
    for what, talk in twice(talks, options.seed, options.pairs) if options.pairs else once(talks):
        count += 1
        for complaint in wrong(talk):
            kind = re.sub(r"\d+", "N", re.sub(r"https?://\S+", "URL", complaint))
            found.setdefault(kind, []).append(f"{what} | {complaint}")
    for kind, cases in sorted(found.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(cases)} {kind}", *(f"    {case}" for case in cases[:_SHOWN]), sep="\n")
    print(f"{count} conversations, {sum(map(len, found.values()))} complaints, seed {options.seed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
