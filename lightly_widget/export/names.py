"""Names of the files in an exported folder: below one root, each once, on every file system."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.ingest.locations import is_url


def common_folder(paths: Iterable[str]) -> str | None:
    """The deepest folder or URL that holds all paths; None when there is none, as for two protocols."""
    folders = {path.rsplit("/", 1)[0] if is_url(path) else os.path.dirname(path) for path in paths}  # noqa: PTH120
    if not folders:
        return None
    if not any(is_url(folder) for folder in folders):
        try:
            return os.path.commonpath(folders)
        except ValueError:  # two drives
            return None
    parts = [folder.split("/") for folder in folders]
    shared = [names[0] for names in zip(*parts, strict=False) if len(set(names)) == 1]
    same = next((i for i, names in enumerate(zip(*parts, strict=False)) if len(set(names)) > 1), len(shared))
    return "/".join(parts[0][:same]) if same > 2 and "://" in "/".join(parts[0][:same]) else None


def relative_name(path: str, root: str) -> str:
    """`path` below `root`, with forward slashes.

    Raises:
        InvalidValueError: it is not below.
    """
    base = root.rstrip("/" if is_url(root) else os.sep) + ("/" if is_url(root) else os.sep)
    name = path.removeprefix(base) if path.startswith(base) else ""
    name = name if is_url(root) else name.replace(os.sep, "/")
    if not is_safe(name):
        raise InvalidValueError(f"image {shown(path, 200)} is not below {shown(root, 200)}; give another images_root")
    return name


def is_safe(name: str) -> bool:
    """Whether a relative name stays below the folder that it is put into."""
    return bool(name) and all(part not in ("", ".", "..") and "\0" not in part for part in name.split("/"))


def unique_names(names: list[str], *, by_stem: bool) -> list[str]:
    """Relative names, those that would meet in one file told apart as `a-2.jpg`.

    Case and Unicode composition do not tell names apart: some file systems ignore them.

    Args:
        by_stem: names that differ in their suffix alone meet too, as their label files would.
    """
    taken = {_same(str(above)) for name in names for above in PurePosixPath(name).parents}
    result = []
    for name in names:
        path = PurePosixPath(name)
        stem, number = path.stem, 1
        while True:
            candidate = path.with_name(f"{stem if number == 1 else f'{stem}-{number}'}{path.suffix}")
            keys = {_same(str(candidate))}
            if by_stem:
                keys |= {
                    _same(str(candidate.with_name(candidate.stem))),
                    _same(f"{candidate.with_name(candidate.stem)}.txt"),
                }
            if not keys & taken:
                break
            number += 1
        taken |= keys
        result.append(str(candidate))
    return result


def _same(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
