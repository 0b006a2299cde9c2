"""Single files that appear whole or not at all, and never over another file unasked."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lightly_widget.checks import check_bool
from lightly_widget.errors import InvalidValueError, LightlyWidgetError, shown
from lightly_widget.ingest.locations import PathLike, absolute, is_url
from lightly_widget.store.storage_errors import storage_errors


def target_path(path: PathLike, argument: str = "path") -> Path:
    """A local path to write to.

    Raises:
        InvalidValueError, InvalidTypeError: a URL, or no path at all.
    """
    text = absolute(path, argument)
    if is_url(text):
        raise InvalidValueError(f"{argument} must be a local path, not the URL {shown(text)}; export, then upload")
    return Path(text)


@contextmanager
def atomic_file(path: PathLike, *, overwrite: bool) -> Iterator[Path]:
    """A scratch path to write; on leaving without an error it becomes `path` in one step, else nothing remains.

    Folders on the way are made. What was at `path` before stays complete until it is replaced.

    Raises:
        InvalidValueError: `path` exists and `overwrite` is False, or is a folder.
        StorageError: it cannot be written.
    """
    target = target_path(path)
    with storage_errors("write", shown(str(target), 300)):
        _refuse_existing(target, check_bool("overwrite", overwrite))
    with storage_errors("write", shown(str(target), 300)):
        made = make_folders(target.parent)
        scratch = target.parent / f".{secrets.token_hex(8)}.part"
        try:
            scratch.touch(exist_ok=False)
            yield scratch
            sync(scratch)
            _publish(scratch, target, overwrite)
        except BaseException:
            scratch.unlink(missing_ok=True)
            remove_folders(made)
            raise
        sync(target.parent)


def find_out(path: PathLike) -> tuple[str, bool, str | None]:
    """Where `path` is, whether a file is there, and why none can be written there (None: one can, as far as is known).

    For those who ask before they write; writing checks again.
    """
    try:
        target = target_path(path)
        with storage_errors("write", shown(str(target), 300)):
            exists = os.path.lexists(target)
            _refuse_existing(target, overwrite=True)
            above = next((folder for folder in target.parents if os.path.lexists(folder)), target)
            if not above.is_dir():
                raise InvalidValueError(
                    f"path {shown(str(target), 300)} leads through {shown(str(above), 300)}, a file"
                )
    except LightlyWidgetError as error:
        return str(path), False, str(error)
    return str(target), exists, None


def _refuse_existing(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise InvalidValueError(f"path {shown(str(target), 300)} is a folder; give the name of a file in it")
    if os.path.lexists(target) and not overwrite:
        raise InvalidValueError(f"path {shown(str(target), 300)} exists; overwrite=True replaces it")


def make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; the ones that are new, the highest first."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def remove_folders(made: list[Path]) -> None:
    """Take back what `make_folders` made, where it is still empty."""
    for folder in reversed(made):
        with suppress(OSError):  # another may have put something there meanwhile
            folder.rmdir()


def sync(path: Path) -> None:
    """Wait until a file or the names in a folder are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(scratch: Path, target: Path, overwrite: bool) -> None:
    if not overwrite:
        try:
            os.link(scratch, target)  # fails if another made the file meanwhile, which a rename would not
        except FileExistsError:
            _refuse_existing(target, overwrite)
            raise
        except OSError:
            _refuse_existing(target, overwrite)  # a file system without hard links
        else:
            scratch.unlink()
            return
    scratch.replace(target)
