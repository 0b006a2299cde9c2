"""A disk that forgets what was not synced, and rounds of writes that a power cut ends.

Shared by the tests (4 seeds of 12 rounds) and `benchmarks/durability.py` (20 of 10).
"""

from __future__ import annotations

import contextlib
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
        self.names: dict[int, dict[str, int]] = {}
        self.syncs_left = 0
        # A file system gives the number of a deleted file to the next new one, and files are told apart by it here.
        self._pins = root.with_name(f"{root.name} pinned")
        self._pins.mkdir()
        self._folders: dict[int, int] = {}
        for folder in [root, *(p for p in root.rglob("*") if p.is_dir())]:
            self._note_folder(folder)
            for file in (p for p in folder.iterdir() if p.is_file()):
                self._note_file(file)

    def close(self) -> None:
        """Let go of the files that were deleted."""
        for descriptor in self._folders.values():
            os.close(descriptor)
        shutil.rmtree(self._pins)

    def _note_file(self, path: Path) -> None:
        inode = path.stat().st_ino
        self._pin(path, inode)
        self.contents[inode] = path.read_bytes()

    def _note_folder(self, path: Path) -> None:
        inode = path.stat().st_ino
        if inode not in self._folders:
            self._folders[inode] = os.open(path, os.O_RDONLY)
        self.names[inode] = {}
        for entry in os.scandir(path):
            self.names[inode][entry.name] = entry.inode()
            if entry.is_file():
                self._pin(Path(entry.path), entry.inode())
            elif entry.inode() not in self._folders:
                self._folders[entry.inode()] = os.open(entry.path, os.O_RDONLY)

    def _pin(self, path: Path, inode: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.link(path, self._pins / str(inode))

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
        if self.syncs_left <= 0:  # syncs come from several threads
            raise PowerCut
        self.syncs_left -= 1

    def _sync_file(self, path: Path) -> None:
        self._count()
        self._note_file(path)

    def _sync_folder(self, path: Path) -> None:
        self._count()
        self._note_folder(path)

    def after_the_cut(self, target: Path, rng: random.Random) -> None:
        """Write what is left to another folder: all that was synced, and by chance some of what was not."""
        self._rebuild(self.root, self.root.stat().st_ino, target, rng, luck=rng.choice([0.0, 0.5, 1.0]))

    def _rebuild(self, source: Path, inode: int, target: Path, rng: random.Random, luck: float) -> None:
        target.mkdir(parents=True)
        known = self.names.get(inode, {})
        now = _names_in(source) if source.is_dir() and source.stat().st_ino == inode else {}
        for name in sorted(known.keys() | now.keys()):
            # A new name, a new file under it, or no name any more: it got there, or it did not.
            kept = (now if rng.random() < luck else known).get(name)
            if kept is None:
                continue
            if kept in self._folders or (kept == now.get(name) and (source / name).is_dir()):
                self._rebuild(source / name, kept, target / name, rng, luck)
            else:
                (target / name).write_bytes(self._content(source / name, kept, rng, luck))

    def _content(self, path: Path, inode: int, rng: random.Random, luck: float) -> bytes:
        if inode in self.contents:
            return self.contents[inode]
        there = (p for p in (self._pins / str(inode), path) if p.is_file() and p.stat().st_ino == inode)
        present = next((p.read_bytes() for p in there), b"")
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
        simulated.close()
        shutil.rmtree(folder)
        folder = after
        found = state_of(ImageDataset.load_or_create("d", folder))
        possible = [n for n in (acknowledged, acknowledged + 1) if model_after(n) == found]
        assert possible, f"round {number}: after {acknowledged} acknowledged changes the dataset holds something else"
        done = possible[-1]
    return done
