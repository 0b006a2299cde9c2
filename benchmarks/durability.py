"""Never lost: kill −9, power cuts, damaged files, several processes; the tests do it fewer times. And what fsync costs.

python -m benchmarks.durability [--kills 300] [--cuts 200] [--mutants 1000] [--rounds 100]
"""

from __future__ import annotations

import argparse
import collections
import statistics
import tempfile
import time
from pathlib import Path
from typing import get_args

from lightly_widget import ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.store import Durability
from tests.durability import kill_rounds, make_whole, mutant_outcomes, scan_of, two_kernels
from tests.four_writers import four_writers
from tests.power_cut import power_cuts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        start = time.perf_counter()
        changes = kill_rounds(home / "kills", options.kills, longest_s=0.2)
        seconds = time.perf_counter() - start
        print(f"{options.kills} of {options.kills} kills: reopened whole, {changes:,} changes kept ({seconds:.0f} s)")
        start = time.perf_counter()
        seeds = max(1, options.cuts // 10)
        kept = sum(power_cuts(home / f"cuts {seed}", 10, seed) for seed in range(1000, 1000 + seeds))
        seconds = time.perf_counter() - start
        print(f"{10 * seeds} power cuts: nothing acknowledged lost, {kept:,} changes kept ({seconds:.0f} s)")
        start = time.perf_counter()
        looks = two_kernels(home / "kernels", options.rounds)
        seconds = time.perf_counter() - start
        print(f"two kernels, {options.rounds} rounds each: nothing lost, {looks:,} reads not torn ({seconds:.0f} s)")
        start = time.perf_counter()
        commits = four_writers(home / "writers", options.rounds // 4)
        seconds = time.perf_counter() - start
        print(f"four processes, all read-modify-writes: {commits:,} changes, nothing lost ({seconds:.0f} s)")
        for durability in get_args(Durability):
            milliseconds = 1000 * small_write(home / durability, durability)
            print(f'a tag for 5 of 1,000 samples, durability="{durability}": {milliseconds:.1f} ms (median of 100)')
        start = time.perf_counter()
        make_whole(home / "mutants", steps=25)
        outcomes = collections.Counter(o for _, o in mutant_outcomes(home / "mutants", range(options.mutants)).values())
        print(f"{options.mutants} damaged copies: {dict(outcomes)} ({time.perf_counter() - start:.0f} s)")
        assert set(outcomes) <= {"same", "CorruptDataError"}, outcomes


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


if __name__ == "__main__":
    main()
