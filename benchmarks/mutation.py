"""Small faults put into the code one at a time: which of them do the tests of the room notice?

    python -m benchmarks.mutation [--rooms solver store] [--number 100] [--seed 0] [--at store/commits.py]
                                  [--again PRINTED]

Each fault is put into a copy of the repository, and of the room's tests those run that reach the line (coverage says
which, once for each room). `--again` tries only those that an earlier run missed, by what it printed.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.faults import Fault, faults_of

ROOT: Final = Path(__file__).parent.parent
ROOMS: Final = {
    "solver": ["tests/test_solver.py", "tests/test_limits.py"],
    "store": ["tests/test_store.py"],
    "query": ["tests/test_query.py", "tests/test_code.py"],
    "sampling": ["tests/test_sampling.py", "tests/test_limits.py"],
    "wire": ["tests/test_wire.py", "tests/test_outbox.py"],
}
# Held by `--check` to what is checked in; runs on a GPU only.
LEFT_OUT: Final = {"wire/generate.py", "solver/torch_nearest.py"}
CPU_S: Final = 300  # a fault that makes a loop endless is noticed by that, however busy the machine is
MOST_BYTES: Final = 10 * 2**30
NOT_SLOW: Final = "not browser and not lowest and not slow"


class Copy:
    """A copy of the repository in which faults are tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
        for name in [*filter(None, listed.split("\0")), "lightly_widget/static/widget.js"]:
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for modules in ("js/node_modules", "notebooks/node_modules"):
            if (ROOT / modules).exists():
                (folder / modules).symlink_to((ROOT / modules).resolve())
        self._reached: dict[str, dict[str, dict[int, list[str]]]] = {}

    def notices(self, room: str, fault: Fault) -> bool:
        """Whether a test of the room fails with the fault in place."""
        tests = self._tests_of(room, fault)
        if not tests:
            return False
        path = self.folder / fault.path
        before = path.read_bytes()
        path.write_bytes(fault.put_into(before))
        try:
            return self._run("-x", *tests) != 0
        finally:
            path.write_bytes(before)

    def _tests_of(self, room: str, fault: Fault) -> list[str]:
        """The tests that reach the fault's lines; all of the room's where it is reached while importing."""
        if room not in self._reached:
            self._reached[room] = self._trace(room)
        lines = self._reached[room].get(fault.path, {})
        contexts = {context for line in fault.lines for context in lines.get(line, ())}
        if "" in contexts:
            return ROOMS[room]
        return sorted({context.partition("|")[0].partition("[")[0] for context in contexts})

    def _trace(self, room: str) -> dict[str, dict[int, list[str]]]:
        """Which tests of the room reach which lines of its files."""
        from coverage import CoverageData

        data = self.folder / f".coverage.{room}"
        cover = [f"--cov=lightly_widget/{room}", "--cov-context=test", "--cov-report="]
        failed = self._run(*cover, *ROOMS[room], seconds=4 * CPU_S, COVERAGE_FILE=str(data))
        if failed:
            print((self.folder / "output.txt").read_text()[-3_000:])
            raise SystemExit(f"the tests of {room} fail without any fault")
        found = CoverageData(str(data))
        found.read()
        names = {str(Path(name).resolve().relative_to(self.folder.resolve())): name for name in found.measured_files()}
        return {short: found.contexts_by_lineno(name) for short, name in names.items()}

    def _run(self, *arguments: str, seconds: int = CPU_S, **environment: str) -> int:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", NOT_SLOW, *arguments]
        own = {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # a fault may keep a file's size and time

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

        with (self.folder / "output.txt").open("w") as output:
            return subprocess.run(
                command,
                cwd=self.folder,
                env=os.environ | own | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=limit,
                check=False,
            ).returncode


def sampled(rooms: Sequence[str], number: int, seed: int, at: str) -> list[tuple[str, Fault]]:
    """As many faults of each room, drawn by a seed; fewer are the first of more."""
    chosen = []
    for room in rooms:
        files = [path for path in sorted((ROOT / "lightly_widget" / room).glob("*.py")) if path.name != "__init__.py"]
        files = [path for path in files if f"{room}/{path.name}" not in LEFT_OUT]
        found = [fault for path in files for fault in faults_of(path, ROOT)]
        found = [fault for fault in found if at in f"{fault.path}:{fault.line}"]
        random.Random(f"{seed} {room}").shuffle(found)
        chosen += [(room, fault) for fault in found[: number // len(rooms)]]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--number", type=int, default=100, help="how many faults, in all rooms together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at", default="", help="only faults in files (or file:line) whose name contains this")
    parser.add_argument("--again", type=Path, help="a file with what an earlier run printed: only what it missed")
    options = parser.parse_args()
    missed = (
        {line[8:] for line in options.again.read_text().splitlines() if line[:8] == "MISSED  "}
        if options.again
        else None
    )
    noticed: collections.Counter[str] = collections.Counter()
    tried: collections.Counter[str] = collections.Counter()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        copy = Copy(Path(name))
        for room, fault in sampled(options.rooms, options.number, options.seed, options.at):
            if missed is not None and str(fault) not in missed:
                continue
            found = copy.notices(room, fault)
            noticed[room] += found
            tried[room] += 1
            print(f"{'noticed' if found else 'MISSED '} {fault}", flush=True)
    for room in tried:
        print(f"{room}: {noticed[room]} of {tried[room]} noticed")
    share = noticed.total() / max(tried.total(), 1)
    print(f"{noticed.total()} of {tried.total()} noticed ({share:.0%}, {time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
