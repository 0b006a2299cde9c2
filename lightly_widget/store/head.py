"""`head.json`: the name of the newest commit, by which others notice new ones, and lost ones are noticed."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from lightly_widget.errors import LightlyWidgetWarning
from lightly_widget.store import disk
from lightly_widget.store.checksums import checksum_text

NAME = "head.json"


@dataclass(frozen=True)
class Head:
    """The number and token of a commit."""

    number: int
    token: int


def write_head(folder: Path, head: Head, *, lasting: bool) -> None:
    """Replace the file as a whole. `lasting` forces its content to the disk first."""
    new = prepare(folder, head)
    if new is not None:
        if lasting:
            disk.sync_file(new)
        put(folder, new, lasting=lasting)


def prepare(folder: Path, head: Head) -> Path | None:
    """A new file for `put`, which does not count yet; None where it cannot be written."""
    text = json.dumps({"number": head.number, "token": head.token})
    try:
        path, descriptor = disk.new_file(folder, ".head")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps({"head": text, "checksum": checksum_text(text)}))
    except OSError as error:
        _warn(folder, error)
        return None
    return path


def put(folder: Path, new: Path, *, lasting: bool) -> None:
    """Let a file that is on the disk be the head.

    A power cut may bring the one before back, which is harmless; only the first one's name is forced to the disk.
    """
    try:
        first = not (folder / NAME).exists()
        new.replace(folder / NAME)
        if first and lasting:
            disk.sync_folder(folder)
    except OSError as error:
        _warn(folder, error)


def _warn(folder: Path, error: OSError) -> None:
    # The commit itself is safe; only other processes may notice it late.
    warnings.warn(f"could not update {folder / NAME}: {error}", LightlyWidgetWarning, stacklevel=3)


def read_head(folder: Path | None, *, warn: bool = True) -> Head | None:
    """The newest commit's name, or None where there is no (whole) head file."""
    content = None if folder is None else disk.read_small(folder / NAME)
    if folder is None or content is None:
        return None
    try:
        outer = json.loads(content)
        if outer["checksum"] != checksum_text(outer["head"]):
            raise ValueError("its checksum differs")
        found = json.loads(outer["head"])
        if not (type(found["number"]) is type(found["token"]) is int):
            raise ValueError("it names no commit")
        return Head(found["number"], found["token"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if warn:
            warnings.warn(
                f"{folder / NAME} is damaged ({error}); the data are read without it, and the next write repairs it",
                LightlyWidgetWarning,
                stacklevel=2,
            )
        return None


def head_sign(folder: Path) -> object:
    """Something that changes whenever the head does; None when there is no head."""
    return disk.read_small(folder / NAME)  # not its time, which many file systems keep to 4 ms only
