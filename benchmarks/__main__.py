"""All benchmarks in turn: `python -m benchmarks`, or `make bench`. Each runs beside its peer; see README.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMANDS = (
    ["benchmarks.sampling"],
    ["benchmarks.neighbors", "--rows", "million"],
    ["benchmarks.worth"],
    ["benchmarks.dataset"],
    ["benchmarks.durability"],
    ["benchmarks.doors"],
    ["benchmarks.renderer"],
    ["benchmarks.explorer"],
    ["benchmarks.slider"],
)


def main() -> int:
    here = Path(__file__).parent
    failed = []
    for command in COMMANDS:
        if not (here / f"{command[0].split('.')[1]}.py").exists():
            raise FileNotFoundError(f"there is no benchmark {command[0]}")
        print(f"\n== python -m {' '.join(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=here.parent, check=False).returncode:
            failed.append(command[0])
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
