"""Never lost: kill −9, power cuts, damaged files, several processes; the tests do it fewer times. And what fsync costs.

    python -m benchmarks.durability [kills cuts kernels writers small damaged] [--kills 300] [--cuts 200]
                                    [--rounds 100] [--copies 1000]

Without names all six parts run, which takes about an hour on two cores.
"""

from __future__ import annotations

import argparse
import collections
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

from lightly_widget import ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.store import Durability
from tests.durability import kill_rounds, make_whole, mutant_outcomes, scan_of, two_kernels
from tests.four_writers import four_writers
from tests.power_cut import power_cuts


def kills(home: Path, options: argparse.Namespace) -> str:
    """Processes killed at random moments of their writes."""
    changes = kill_rounds(home, options.kills, longest_s=0.2)
    return f"{options.kills} of {options.kills} kills: reopened whole, {changes:,} changes kept"


def cuts(home: Path, options: argparse.Namespace) -> str:
    """Power cuts, on a simulated disk."""
    seeds = max(1, options.cuts // 10)
    kept = sum(power_cuts(home / str(seed), 10, seed) for seed in range(1000, 1000 + seeds))
    return f"{10 * seeds} power cuts: nothing acknowledged lost, {kept:,} changes kept"


def kernels(home: Path, options: argparse.Namespace) -> str:
    """Two processes that write while others read."""
    looks = two_kernels(home, options.rounds)
    return f"two kernels, {options.rounds} rounds each: nothing lost, {looks:,} reads not torn"


def writers(home: Path, options: argparse.Namespace) -> str:
    """Four processes that read, change and write the same."""
    changes = four_writers(home, max(1, options.rounds // 4))
    return f"four processes, all read-modify-writes: {changes:,} changes, nothing lost"


def small(home: Path, _options: argparse.Namespace) -> str:
    """What a small write costs."""
    times = {durability: 1000 * small_write(home / durability, durability) for durability in get_args(Durability)}
    told = ", ".join(f'{ms:.1f} ms with durability="{durability}"' for durability, ms in times.items())
    return f"a tag for 5 of 1,000 samples: {told} (medians of 100)"


def damaged(home: Path, options: argparse.Namespace) -> str:
    """Copies with a damaged file: each is read as it was, or refused."""
    make_whole(home, steps=25)
    outcomes = collections.Counter(o for _, o in mutant_outcomes(home, range(options.copies)).values())
    assert set(outcomes) <= {"same", "CorruptDataError"}, outcomes
    return f"{options.copies} damaged copies: {dict(outcomes)}"


PARTS: Final[dict[str, Callable[[Path, argparse.Namespace], str]]] = {
    part.__name__: part for part in (kills, cuts, kernels, writers, small, damaged)
}


def small_write(home: Path, durability: Durability) -> float:
    """Seconds that a small write takes: the median of 100."""
    dataset = ImageDataset.create("small", home, durability=durability)
    add_scan(core_of(dataset), scan_of(range(1000)))
    seconds = []
    for number in range(100):
        query = dataset[number : number + 5]
        start = time.perf_counter()
        query.add_tag(f"tag {number}")
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="part", help=", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--copies", type=int, default=1000, help="damaged copies")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"unknown part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    for part in options.parts:
        with tempfile.TemporaryDirectory() as home:
            start = time.perf_counter()
            said = PARTS[part](Path(home) / part, options)
            print(f"{said} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
