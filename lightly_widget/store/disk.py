"""Files of a dataset: room made sure of before a write, whole and forced to the disk after it, and never a link.

LanceDB 0.40 does not notice when the last bytes of a file no longer fit: the append is reported as done, and the table
cannot be read any more. It does not force what it wrote to the disk either, so a power cut could take it away. So room
is reserved first, and what was written is looked at and synced before it counts.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lightly_widget.errors import DiskFullError, UnsafeFileError

_MAGIC: Final = b"LANC"  # the last bytes of every data file and manifest
_ENDING_WITH_MAGIC: Final = (".lance", ".manifest")
_AMPLE: Final = 256 * 2**20
_SPARE: Final = 256 * 1024  # manifests, transactions, the head
_TEMPORARY: Final = (".room", ".head", ".explorer", "head.json.new")  # the last is of earlier versions


def reserve(folder: Path, size: int) -> None:
    """Raise `OSError` (ENOSPC, EFBIG, EDQUOT) unless a file of `size` bytes, and a little more, fits in the folder."""
    size += size // 8 + _SPARE
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if not hasattr(os, "posix_fallocate") or (free > _AMPLE + 2 * size and _largest_file() > size):
        return  # reserving costs 2 ms
    path, descriptor = new_file(folder, ".room")
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
        path.unlink()


def _largest_file() -> float:
    import resource  # not on Windows, which has no posix_fallocate either

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else limit


# -- names -----------------------------------------------------------------------------------------------------------


def new_file(folder: Path, prefix: str) -> tuple[Path, int]:
    """A new file with a name that nobody can foresee, open for writing: neither a link nor another's file."""
    path = folder / f"{prefix}-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return path, os.open(path, flags, 0o666)


def is_temporary(name: str) -> bool:
    """Whether a file in a dataset's folder was made by a write, and left there if the write died."""
    return name.startswith(_TEMPORARY)


def remove_temporary(folder: Path) -> None:
    """Remove what writes that died have left; only for the holder of the writer's lock."""
    for path in folder.iterdir():
        if is_temporary(path.name):
            path.unlink()


def read_small(path: Path, limit: int = 65_536) -> bytes | None:
    """The content of a regular file of the dataset, or None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path) from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _unsafe(path)
        return file.read(limit)


def check_links(folder: Path) -> None:
    """Raise `UnsafeFileError` where anything in a dataset's folder is neither a regular file nor a folder."""
    for table in _entries(folder):
        for part in _entries(Path(table.path)) if table.is_dir() else ():
            _entries(Path(part.path)) if part.is_dir() else ()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)) and os.path.lexists(entry):
            raise _unsafe(Path(entry.path))
    return found


def _unsafe(path: Path) -> UnsafeFileError:
    return UnsafeFileError(
        f"{path} is a link or a special file, and a dataset is read and written only inside its own folder; "
        "if you trust it, copy the dataset with its links resolved (cp -rL) and load the copy"
    )


# -- whole and lasting -----------------------------------------------------------------------------------------------


@contextmanager
def whole_files(table: Path, pool: ThreadPoolExecutor | None = None, also: Collection[Path] = ()) -> Iterator[None]:
    """Let a LanceDB table be written; go back to what it was, and raise, when a file was cut short.

    With a `pool`, the new files, the folders that name them, and the files `also` are forced to the disk.
    """
    folders = _folders(table)
    before = _paths(folders)
    try:
        yield
    finally:
        now = _folders(table)
        new = [path for path in map(Path, _paths(now) - before) if _is_regular(path)]
        if not all(ends_well(path) for path in new if path.suffix in _ENDING_WITH_MAGIC):
            # Without its manifest a version does not exist; the hint to the newest one is only a hint.
            for path in new:
                if path.suffix == ".manifest":
                    path.unlink(missing_ok=True)
            (table / "_versions" / "latest_version_hint.json").unlink(missing_ok=True)
            raise DiskFullError(f"no space left (or a limit on the size of files) in {table}; nothing was changed")
    if pool is not None:
        made = {table, table.parent} if now != folders else set()
        sync_all([*new, *also], {path.parent for path in new} | made, pool)


def sync_all(files: Collection[Path], folders: Collection[Path], pool: ThreadPoolExecutor) -> None:
    """Force files and the names in folders to the disk, at the same time: most file systems then do it in one go."""
    begun = [*(pool.submit(sync_file, file) for file in files), *(pool.submit(sync_folder, f) for f in folders)]
    wait(begun)  # for all, also where one fails
    for done in begun:
        done.result()


def sync_file(path: Path) -> None:
    """Force a file's content to the disk."""
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """As `sync_file`, of an open file."""
    import sys

    if sys.platform == "darwin":  # where fsync leaves it in the cache of the drive
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Force the names in a folder to the disk."""
    if os.name != "nt":  # where folders cannot be opened, and need not be
        sync_file(path)


def size_of(table: Path) -> int:
    """Bytes of a table's files."""
    return sum(Path(path).stat().st_size for path in files_of(table))


def files_of(table: Path) -> set[str]:
    """Paths of a table's files."""
    return _paths(_folders(table))


def manifests(table: Path) -> list[Path]:
    """The manifests of a table's versions, newest first."""
    found = [Path(entry.path) for entry in _entries(table / "_versions") if entry.name.endswith(".manifest")]
    numbered = sorted((p for p in found if p.stem.isdigit()), key=lambda p: int(p.stem))
    # LanceDB counts down from 2**64 - 1, older tables up from 1.
    return numbered if numbered and int(numbered[0].stem) > 2**63 else numbered[::-1]


def remove_torn_manifests(table: Path) -> None:
    """Remove what a power cut left of versions before the newest, which has been read."""
    for path in manifests(table)[1:]:
        if not ends_well(path):
            path.unlink()


def _folders(table: Path) -> set[str]:
    if table.is_symlink():
        raise _unsafe(table)
    return {str(table), *(entry.path for entry in _entries(table) if entry.is_dir())} if table.is_dir() else set()


def _paths(folders: set[str]) -> set[str]:
    """What is in folders. Names alone: a table may have hundreds of files, and each small write looks twice."""
    found: set[str] = set()
    for folder in folders:
        with suppress(FileNotFoundError):
            found.update(f"{folder}/{name}" for name in os.listdir(folder))  # noqa: PTH208 - not Paths, which take longer
    return found - folders


def _is_regular(path: Path) -> bool:
    """Whether a regular file is there; raises where it is anything but that or a folder."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:  # LanceDB removes files of its own
        return False
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise _unsafe(path)
    return stat.S_ISREG(mode)


def ends_well(path: Path) -> bool:
    """Whether a data file or manifest is there up to its last bytes."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() == _MAGIC
    except OSError:
        return False  # shorter than the magic itself
