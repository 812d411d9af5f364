"""Puts secrets of every kind where they are used, repeats them everywhere in every spelling, and looks for them.

    python tests/fuzz/known_secrets.py                            # 20,000 exchanges, all outputs
    python tests/fuzz/known_secrets.py --exchanges 2000 --seed mine
    python tests/fuzz/known_secrets.py --only 'error message' --spelling 'HTML names'
    python tests/fuzz/known_secrets.py --number 4711 --keep DIRECTORY
    python tests/fuzz/known_secrets.py --live 400                 # through mitmdump, with a trace and reports

Prints its seed, its figures and every leak: number, kind, use, echo, spelling and order, then the output and what
stands around it. Status 1 where there is a leak that is not beyond what is required, or an output is missing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

from generated import live  # noqa: E402
from generated.exchanges import har  # noqa: E402
from generated.judge import Figures, Leak, judged  # noqa: E402
from generated.outputs import EVERY_TEMPLATE, outputs  # noqa: E402
from generated.story import Planted, planted, told  # noqa: E402

BATCH = 100
"""Secrets that are shown together."""


def main() -> int:
    """Run the command line; the exit status."""
    arguments = _parser().parse_args()
    began = time.perf_counter()
    many = sorted(_wanted(arguments), key=lambda one: one.kind == "common word")
    print(f"seed {arguments.seed!r}: {len(many)} secrets in batches of {arguments.batch}", flush=True)
    if arguments.keep:
        _keep(many, arguments.seed, arguments.keep)
    figures = Figures()
    judge = partial(_judged, seed=arguments.seed, is_live=bool(arguments.live))
    batches = [many[at : at + arguments.batch] for at in range(0, len(many), arguments.batch)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        for place, done in enumerate(pool.imap_unordered(judge, enumerate(batches)), 1):
            figures.add(done)
            print(f"{place} of {len(batches)} batches, {len(figures.leaks)} leaks", file=sys.stderr, flush=True)
    _print(figures, arguments.leaks)
    print(f"seed {arguments.seed!r}; {time.perf_counter() - began:.0f} s in all")
    return 1 if figures.missing or any(not leak.planted.is_beyond for leak in figures.leaks) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", default="regauth", help="of all choices and values")
    parser.add_argument("--exchanges", type=int, default=20_000, help="two for each secret")
    parser.add_argument("--batch", type=int, default=BATCH, help="secrets that are shown together")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--live", type=int, default=0, metavar="N", help="N secrets through a real mitmdump instead")
    parser.add_argument("--number", type=int, action="append", help="only these secrets; can be given again")
    parser.add_argument("--kind", help="only kinds that contain this")
    parser.add_argument("--use", help="only uses that contain this")
    parser.add_argument("--only", metavar="ECHO", help="only echoes that contain this")
    parser.add_argument("--spelling", help="only spellings that contain this")
    parser.add_argument("--leaks", type=int, default=400, help="leaks that are printed in full")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="write the HAR file and all outputs there")
    return parser


def _wanted(arguments: argparse.Namespace) -> Iterator[Planted]:
    count = arguments.live or arguments.exchanges // 2
    pairs = (
        ("kind", arguments.kind),
        ("use", arguments.use),
        ("echo", arguments.only),
        ("spelling", arguments.spelling),
    )
    for one in planted(arguments.seed, count, live.can if arguments.live else None):
        if arguments.number and one.number not in arguments.number:
            continue
        if all(wanted is None or wanted in getattr(one, name) for name, wanted in pairs):
            yield one


def _judged(batch: tuple[int, list[Planted]], seed: str, is_live: bool) -> Figures:
    """Every third template for each batch in turn: making reports is what takes longest."""
    number, many = batch
    return judged(many, seed, live.outputs if is_live else partial(outputs, templates=EVERY_TEMPLATE[number % 3 :: 3]))


def _keep(many: Sequence[Planted], seed: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    exchanges = told(many, seed)
    for one in outputs(exchanges, folder):
        name = one.name.replace("/", "-").replace(" ", "_").replace(":", "")
        (folder / name).write_text(one.text or one.complaint, "utf-8", "backslashreplace")
    (folder / "saved.har").write_text(har(exchanges))
    (folder / "planted.json").write_text(json.dumps([str(one) for one in many], indent=1))


def _print(figures: Figures, most: int) -> None:
    required = [leak for leak in figures.leaks if not leak.planted.is_beyond]
    beyond = [leak for leak in figures.leaks if leak.planted.is_beyond]
    for leak in [*required, *beyond][:most]:
        print(leak)
    for words in figures.missing[:most]:
        print(f"missing: {words}")
    for title, leaks in (("required", required), ("beyond", beyond)):
        print(f"\n{title}: {len(_numbers(leaks))} secrets of {figures.planted} in {len(leaks)} places")
        _table("echo", leaks, lambda leak: leak.planted.echo)
        _table("spelling", leaks, lambda leak: leak.planted.spelling)
        _table("use", leaks, lambda leak: leak.planted.use)
        _table("kind", leaks, lambda leak: leak.planted.kind)
        _table("order", leaks, lambda leak: leak.planted.order)
        _table("output", leaks, lambda leak: leak.output)
    print(
        f"\n{figures.exchanges} exchanges, {figures.planted} secrets, {figures.outputs} outputs of "
        f"{figures.characters / 1e6:.0f} million characters "
        f"({len(figures.missing)} missing), {figures.searches} searches; "
        f"{figures.making:.0f} s making, {figures.searching:.0f} s searching"
    )
    slowest = sorted(figures.by_output.items(), key=lambda item: -item[1])[:8]
    print("slowest: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest))


def _numbers(leaks: Sequence[Leak]) -> set[int]:
    return {leak.planted.number for leak in leaks}


def _table(title: str, leaks: Sequence[Leak], name: Callable[[Leak], str]) -> None:
    """How many secrets leaked by each."""
    counts = Counter(pair[0] for pair in {(name(leak), leak.planted.number) for leak in leaks})
    if counts:
        print(f"  by {title}: " + "; ".join(f"{each} {count}" for each, count in counts.most_common()))


if __name__ == "__main__":
    sys.exit(main())
