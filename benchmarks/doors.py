"""Generated bad inputs at every door of a dataset: each is taken or refused with an error of ours, and nothing breaks.

    python -m benchmarks.doors [--examples 2000]

Then every public callable, found by introspection, is called with each odd value for each of its parameters.
The tests do the same with fewer examples, and every fourth odd value. Printed is what became of each call; anything
else than these outcomes, a dataset that is changed by a refusal, or a next call that fails ends it with an error.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from lightly_widget import ImageDataset
from tests import odd_values
from tests.test_doors import Door, bad_input, knock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=2000, help="generated inputs; 0 for the callables alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.examples:
        generated(options.examples)
    every_callable()


def generated(count: int) -> None:
    """Bring generated values to the doors of a dataset."""
    outcomes: collections.Counter[str] = collections.Counter()
    examples = 0
    with tempfile.TemporaryDirectory() as name:
        door = Door(Path(name))

        @settings(
            max_examples=count,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=(Phase.generate,),
        )
        @given(bad_input)
        def run(value: Any) -> None:
            nonlocal examples
            examples += 1
            outcomes.update(knock(door, value))

        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        assert ImageDataset.load("doors", Path(name) / "home").query().sample_ids.to_list() == door.ids
    print(f"{examples:,} inputs at {outcomes.total():,} doors in {seconds:.0f} s: {dict(outcomes.most_common())}")


def every_callable() -> None:
    """Bring each odd value to each parameter of each public callable."""
    kinds: collections.Counter[str] = collections.Counter()
    foreign: list[odd_values.Outcome] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):  # relative paths of exports end up there
        world = odd_values.World(Path(name))
        callables = world.names()
        for called in callables:
            for outcome in odd_values.outcomes(world, called):
                kinds[outcome.kind] += 1
                if outcome.foreign is not None:
                    foreign.append(outcome)
    seconds = time.perf_counter() - start
    print(f"{len(callables)} callables, {kinds.total():,} calls in {seconds:.0f} s: {dict(kinds.most_common())}")
    if foreign:
        raise SystemExit("not errors of this package: " + "\n".join(map(str, foreign)))


if __name__ == "__main__":
    main()
