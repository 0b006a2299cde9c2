"""Exports that a page asks for: below one folder, and over nothing but what such an export wrote before.

What a page sends is not what the user typed: an untrusted notebook can ask for any path. What was written is kept with
the user, by path, size and time, since a line of text or a CSV file cannot carry a mark.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from lightly_widget.errors import InvalidValueError, LightlyWidgetError, shown
from lightly_widget.export.files import find_out, target_path
from lightly_widget.ingest.roots import config_folder

_FILE: Final = "exports.jsonl"


def confined(path: str, root: Path) -> Path:
    """The place below `root` that `path` names; relative ones count from there.

    Raises:
        InvalidValueError: it lies elsewhere, also by way of a link, or it is a hidden file.
    """
    target_path(path)  # refuses URLs and what no file can be called
    home = Path(os.path.realpath(root))
    target = home / Path(path).expanduser()
    real = Path(os.path.realpath(target))
    if not real.is_relative_to(home):
        raise InvalidValueError(
            f"path {shown(path, 200)} is not below {shown(str(home), 200)}, where this explorer exports to; "
            "export with Python, or open the explorer with another export_root"
        )
    if any(part.startswith(".") for part in real.relative_to(home).parts):
        raise InvalidValueError(f"path {shown(path, 200)} is hidden; choose a name that does not begin with a dot")
    return real


def check_replaceable(target: Path) -> None:
    """Refuse a file that no export of an explorer wrote, or that was changed since."""
    if os.path.lexists(target) and not target.is_dir() and _mark(target) not in _known():
        raise InvalidValueError(
            f"{shown(str(target), 300)} exists and was not written by an export from an explorer; choose another name"
        )


def remember(target: Path) -> None:
    """This file is an export, which the next one may replace."""
    folder = config_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / _FILE).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(_mark(target))}\n")


def find_out_below(path: str, root: Path) -> tuple[str, bool, str | None]:
    """`find_out` for a path that a page names."""
    try:
        target = confined(path, root)
        check_replaceable(target)
    except (LightlyWidgetError, OSError, RuntimeError) as error:
        return path, False, str(error)
    return find_out(target)


def _mark(target: Path) -> list[object]:
    status = target.lstat()
    return [str(target), status.st_size, status.st_mtime_ns]


def _known() -> list[object]:
    try:
        lines = (config_folder() / _FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines if line.endswith("]")]
