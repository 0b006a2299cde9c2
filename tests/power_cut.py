"""A disk that forgets what was not synced, and rounds of writes that a power cut ends.

Shared by the tests (20 rounds) and `benchmarks/durability.py` (200).
"""

from __future__ import annotations

import os
import random
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightly_widget import ImageDataset
from lightly_widget.store import disk
from tests.durability import model_after, state_of, step


class PowerCut(BaseException):
    """Nothing after this moment happens."""


class Disk:
    """What is on the disk below a folder: each file as it was synced, and the names in each folder as they were."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents: dict[int, bytes] = {}
        self.names: dict[Path, dict[str, int]] = {}
        self.syncs_left = 0
        for folder in [root, *(p for p in root.rglob("*") if p.is_dir())]:
            self.names[folder] = _names_in(folder)
            for file in (p for p in folder.iterdir() if p.is_file()):
                self.contents[file.stat().st_ino] = file.read_bytes()

    @contextmanager
    def watched(self, cut_after: int) -> Iterator[None]:
        """Record what the store syncs; cut the power at the sync with that number."""
        self.syncs_left = cut_after
        before = disk.sync_file, disk.sync_folder
        disk.sync_file, disk.sync_folder = self._sync_file, self._sync_folder
        try:
            yield
        finally:
            disk.sync_file, disk.sync_folder = before

    def _count(self) -> None:
        if self.syncs_left == 0:
            raise PowerCut
        self.syncs_left -= 1

    def _sync_file(self, path: Path) -> None:
        self._count()
        self.contents[path.stat().st_ino] = path.read_bytes()

    def _sync_folder(self, path: Path) -> None:
        self._count()
        self.names[path] = _names_in(path)

    def after_the_cut(self, target: Path, rng: random.Random) -> None:
        """Write what is left to another folder: all that was synced, and by chance some of what was not."""
        self._rebuild(self.root, target, rng, luck=rng.choice([0.0, 0.5, 1.0]))

    def _rebuild(self, source: Path, target: Path, rng: random.Random, luck: float) -> None:
        target.mkdir(parents=True)
        known, now = self.names.get(source, {}), _names_in(source) if source.is_dir() else {}
        for name in sorted(known.keys() | now.keys()):
            if known.get(name) == now.get(name):
                inode = known[name]
            elif rng.random() < luck:
                inode = now.get(name, -1)  # a new name, a new file under it, or no name any more: it got there
            else:
                inode = known.get(name, -1)
            if inode < 0:
                continue
            if (source / name).is_dir():
                self._rebuild(source / name, target / name, rng, luck)
            else:
                (target / name).write_bytes(self._content(source / name, inode, rng, luck))

    def _content(self, path: Path, inode: int, rng: random.Random, luck: float) -> bytes:
        if inode in self.contents:
            return self.contents[inode]
        present = path.read_bytes() if path.is_file() and path.stat().st_ino == inode else b""
        if rng.random() < luck:
            return present
        return present[: rng.randrange(len(present) + 1)] if rng.random() < 0.5 else bytes(len(present))


def _names_in(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def power_cuts(home: Path, rounds: int, seed: int = 0) -> int:
    """Cut the power at random moments; what was acknowledged must then be there, and no half write.

    Returns how many changes the dataset holds at the end.
    """
    rng = random.Random(seed)
    warnings.simplefilter("ignore")
    done = 0
    folder = home / "0"
    folder.mkdir(parents=True)
    for number in range(rounds):
        acknowledged = done
        simulated = Disk(folder)
        try:
            with simulated.watched(cut_after=rng.randrange(60)):
                dataset = ImageDataset.load_or_create("d", folder)
                state = model_after(done)
                while True:
                    if rng.random() < 0.1:
                        dataset.optimize()
                    step(acknowledged, state, dataset)
                    acknowledged += 1
        except PowerCut:
            pass
        after = home / str(number + 1)
        simulated.after_the_cut(after, rng)
        shutil.rmtree(folder)
        folder = after
        found = state_of(ImageDataset.load_or_create("d", folder))
        possible = [n for n in (acknowledged, acknowledged + 1) if model_after(n) == found]
        assert possible, f"round {number}: after {acknowledged} acknowledged changes the dataset holds something else"
        done = possible[-1]
    return done
