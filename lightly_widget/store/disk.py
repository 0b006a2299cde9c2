"""Room on the disk, made sure of before a write and checked after it.

LanceDB 0.40 does not notice when the last bytes of a file no longer fit: the append is reported as done, and the table
cannot be read any more. So room is reserved first, and what was written is looked at before it counts.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lightly_widget.errors import DiskFullError

_MAGIC: Final = b"LANC"  # the last bytes of every data file and manifest
_AMPLE: Final = 256 * 2**20
_SPARE: Final = 256 * 1024  # manifests, transactions, the head


def reserve(folder: Path, size: int) -> None:
    """Raise `OSError` (ENOSPC, EFBIG, EDQUOT) unless a file of `size` bytes, and a little more, fits in the folder."""
    size += size // 8 + _SPARE
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if not hasattr(os, "posix_fallocate") or (free > _AMPLE + 2 * size and _largest_file() > size):
        return  # reserving costs 2 ms
    path = folder / ".room"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
        path.unlink()


def _largest_file() -> float:
    import resource  # not on Windows, which has no posix_fallocate either

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit


@contextmanager
def whole_files(table: Path) -> Iterator[None]:
    """Let a LanceDB table be written; go back to what it was, and raise, when a file was cut short."""
    before = files_of(table)
    try:
        yield
    finally:
        new = [Path(path) for path in files_of(table) - before]
        if not all(_ends_well(path) for path in new):
            # Without its manifest a version does not exist; the hint to the newest one is only a hint.
            for path in new:
                if path.suffix == ".manifest":
                    path.unlink(missing_ok=True)
            (table / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
            raise DiskFullError(f"no space left (or a limit on the size of files) in {table}; nothing was changed")


def size_of(table: Path) -> int:
    """Bytes of a table's data files."""
    return sum(Path(path).stat().st_size for path in files_of(table))


def files_of(table: Path) -> set[str]:
    """Paths of a table's data files and manifests."""
    found: set[str] = set()  # not Paths, which take longer to make than the directory to read
    for name, suffix in (("data", ".lance"), ("_versions", ".manifest")):
        with suppress(FileNotFoundError), os.scandir(table / name) as entries:
            found.update(entry.path for entry in entries if entry.name.endswith(suffix))
    return found


def _ends_well(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() == _MAGIC
    except OSError:
        return False  # shorter than the magic itself
