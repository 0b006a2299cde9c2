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
    """Replace the file as a whole. `lasting` forces its content to the disk first.

    A power cut may then bring the one before back, which is harmless; only the first one's name is forced to the disk.
    """
    text = json.dumps({"number": head.number, "token": head.token})
    try:
        first = not (folder / NAME).exists()
        temporary, descriptor = disk.new_file(folder, ".head")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps({"head": text, "checksum": checksum_text(text)}))
            file.flush()
            if lasting:
                disk.sync_file(temporary)
        temporary.replace(folder / NAME)
        if first and lasting:
            disk.sync_folder(folder)
    except OSError as error:
        # The commit itself is safe; only other processes may notice it late.
        warnings.warn(f"could not update {folder / NAME}: {error}", LightlyWidgetWarning, stacklevel=2)


def read_head(folder: Path | None, *, warn: bool = True) -> Head | None:
    """The newest commit's name, or None where there is no (whole) head file."""
    content = None if folder is None else disk.read_small(folder / NAME)
    if folder is None or content is None:
        return None
    try:
        outer = json.loads(content)
        if outer["checksum"] != checksum_text(outer["head"]):
            raise ValueError("its checksum differs")
        return Head(**json.loads(outer["head"]))
    except (ValueError, KeyError, TypeError) as error:
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
