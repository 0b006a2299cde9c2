"""A dataset on a file system that is really full, and then really read-only; prints what happened as JSON.

    unshare -m sh -c 'mount -t tmpfs -o size=12m tmpfs FOLDER && exec python -m tests.small_disk FOLDER'

`tests/test_durability.py` runs it. The mount is seen by this process alone and ends with it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lightly_widget import ImageDataset
from lightly_widget.errors import DiskFullError, ReadOnlyError
from lightly_widget.store import disk
from tests.durability import model_after, state_of, step


def main(home: Path) -> dict[str, int]:
    """Changes done and refused, by the reason."""
    warnings.simplefilter("ignore")
    counts = {"done": 0, "full": 0, "full unreserved": 0, "read-only": 0}
    dataset = ImageDataset.create("small", home)
    rng = random.Random(0)
    reserve = disk.reserve
    for number in range(24):
        ballast = _fill(home, leave=rng.choice([0, 4096, 40_000, 300_000, 400_000, 1_000_000]))
        unreserved = number % 2 == 1
        said = "no space left"
        # As when another program takes the room between the reserving and the writing.
        disk.reserve = (lambda folder, size: None) if unreserved else reserve
        try:
            step(counts["done"], model_after(counts["done"]), dataset)
            counts["done"] += 1
            if number % 3 == 2:
                dataset.add_embeddings(f"model {number}", np.ones((len(dataset), 4096)))
                dataset.embeddings.delete(f"model {number}")
        except DiskFullError as error:
            said = str(error)
            counts["full unreserved" if unreserved else "full"] += 1
        disk.reserve = reserve
        assert "no space left" in said
        _check(dataset, counts["done"])
        ballast.unlink()
        dataset.optimize()
    step(counts["done"], model_after(counts["done"]), dataset)  # and with room again, all goes on
    counts["done"] += 1
    _check(dataset, counts["done"])
    _remount(home, "ro")
    counts["read-only"] = _refused(dataset, home, counts["done"])
    _remount(home, "rw")
    step(counts["done"], model_after(counts["done"]), dataset)
    counts["done"] += 1
    _check(dataset, counts["done"])
    return counts


def _check(dataset: ImageDataset, done: int) -> None:
    assert state_of(dataset) == model_after(done)
    assert state_of(ImageDataset.load("small", Path(dataset.uri).parent)) == model_after(done)


def _fill(home: Path, leave: int) -> Path:
    path = home / "ballast"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(shutil.disk_usage(home).free - leave, 1))
    return path


def _remount(home: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(home)], check=True)


def _refused(dataset: ImageDataset, home: Path, done: int) -> int:
    changes: list[Callable[[], object]] = [
        lambda: step(done, model_after(done), dataset),
        dataset.undo,
        dataset.optimize,
        lambda: ImageDataset.create("new", home),
        lambda: dataset.query().export.to_txt(home / "list.txt"),
    ]
    said = []
    for change in changes:
        try:
            change()
        except ReadOnlyError as error:
            said.append(str(error))
        _check(dataset, done)
    assert all("cannot be written" in text for text in said), said
    return len(said)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
