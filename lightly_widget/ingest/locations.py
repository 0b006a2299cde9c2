"""Where images are: folders, files, globs, lists of these and fsspec URLs, as one stream of absolute paths."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any, Final

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, MissingDependencyError, StorageError, shown

PathLike = str | os.PathLike[str]

_SUFFIXES = "jpg jpeg jpe jfif png apng gif bmp dib tif tiff webp avif ppm pgm pbm pnm jp2 j2k jpx tga qoi"
IMAGE_SUFFIXES: Final = frozenset(f".{name}" for name in _SUFFIXES.split())
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its absolute path or URL, and the names of the folders between it and the path that was asked for."""

    path: str
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that was left out, and why."""

    path: str
    reason: str


def is_url(path: str) -> bool:
    """Whether `path` is an fsspec URL such as `s3://bucket/folder` (`file://` counts as local)."""
    return _URL.match(path) is not None and not path.lower().startswith("file://")


def absolute(path: PathLike, argument: str = "path") -> str:
    """The identity of a local path or URL: absolute, without `.` and `..`; links and Unicode stay as they are.

    Raises:
        InvalidTypeError: `path` is neither text nor a path.
        InvalidValueError: `path` is empty, holds a NUL character or cannot be written as UTF-8.
    """
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise InvalidTypeError(f"{argument} must be a string or pathlib.Path, got {type(path).__name__}")
    problem = name_problem(text)
    if problem:
        raise InvalidValueError(f"{argument} {shown(text)} {problem}")
    if is_url(text):
        return text
    if text.lower().startswith("file://"):
        text = text[len("file://") :]
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111 - Path.absolute() would keep `..`


def canonical(path: str) -> str:
    """An absolute path or URL as scanning writes it: `memory://x` becomes `memory:///x`, `gcs://` becomes `gs://`."""
    if not is_url(path):
        return path
    system, inner = open_file_system(path)
    return str(system.unstrip_protocol(inner))


def name_problem(name: str) -> str | None:
    """Why `name` cannot be stored, or None."""
    if not name:
        return "is empty"
    if "\0" in name:
        return "holds a NUL character"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    return None


def as_paths(paths: object) -> tuple[list[PathLike], bool]:
    """The paths as a list, and whether one single path was given."""
    if isinstance(paths, str | os.PathLike):
        return [paths], True
    if not isinstance(paths, Iterable):
        raise InvalidTypeError(f"paths must be a path, a glob, a URL or a list of these, got {shown(paths)}")
    return check_items("paths", paths, what="paths"), False


def find_images(paths: PathLike | Iterable[PathLike], unreadable: list[Unreadable]) -> Iterator[Found]:
    """Every image file under `paths`, folders in name order; what cannot be looked at is appended to `unreadable`.

    Folders are searched with all their subfolders, symbolic links included; names that begin with a dot are left out
    there (`.ipynb_checkpoints` holds copies). A file that is named outright is taken whatever its suffix.

    Raises:
        InvalidValueError: the single path given matches nothing.
        InvalidTypeError: a path is not a string.
        MissingDependencyError: a URL needs fsspec or one of its file systems.
    """
    items, single = as_paths(paths)
    for item in items:
        try:
            path = absolute(item, "paths")
        except InvalidValueError as error:
            if single:
                raise
            unreadable.append(Unreadable(str(item), str(error)))
            continue
        found = _find_remote(path, unreadable) if is_url(path) else _find_local(path, unreadable)
        if found is not None:
            yield from found
        elif single:
            raise InvalidValueError(
                f"paths: there is no file or folder {shown(path, 300)}, and it matches nothing as a glob"
            )
        else:
            unreadable.append(Unreadable(path, "there is no such file or folder"))


def has_image_suffix(name: str) -> bool:
    """Whether the name ends like an image, in any case: `a.JPG`."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - Path is slow for a million names


def _find_local(path: str, unreadable: list[Unreadable]) -> Iterator[Found] | None:
    if os.path.isdir(path):  # noqa: PTH112
        return _walk(path, (), unreadable)
    if os.path.isfile(path):  # noqa: PTH113
        return iter([Found(path)])
    if os.path.lexists(path):
        unreadable.append(Unreadable(path, "is neither a file nor a folder, or a link to nothing"))
        return iter(())
    if glob.has_magic(path):
        matches = sorted(glob.iglob(path, recursive=True))  # noqa: PTH207
        return _expand(matches, _fixed_part(path), unreadable) if matches else None
    return None


def _fixed_part(pattern: str) -> str:
    """The folder of a glob before its first wildcard."""
    folder = pattern
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120
    return folder


def root_of(path: str) -> str:
    """An absolute folder, file or URL as it is; of a glob the folder that it searches."""
    is_glob = not is_url(path) and glob.has_magic(path) and not os.path.lexists(path)
    return _fixed_part(path) if is_glob else path


def _expand(matches: list[str], root: str, unreadable: list[Unreadable]) -> Iterator[Found]:
    for match in matches:
        below = PurePath(match).relative_to(root).parts
        if os.path.isdir(match):  # noqa: PTH112
            yield from _walk(match, below, unreadable)
        elif has_image_suffix(match) and _storable(match, unreadable):
            yield Found(match, below[:-1])


def _walk(root: str, folders: tuple[str, ...], unreadable: list[Unreadable]) -> Iterator[Found]:
    # Its own stack: os.walk either ignores linked folders or runs around in circles of links.
    stack: list[tuple[str, tuple[str, ...], frozenset[tuple[int, int]]]] = [(root, folders, frozenset())]
    while stack:
        folder, names, above = stack.pop()
        try:
            status = os.stat(folder)  # noqa: PTH116
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            unreadable.append(Unreadable(_displayable(folder), error.strerror or str(error)))
            continue
        here = (status.st_dev, status.st_ino)
        if here in above:
            continue
        subfolders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                subfolders.append((entry.path, (*names, entry.name), above | {here}))
            elif has_image_suffix(entry.name) and _is_file(entry, unreadable) and _storable(entry.path, unreadable):
                yield Found(entry.path, names)
        stack.extend(reversed(subfolders))


def _is_file(entry: os.DirEntry[str], unreadable: list[Unreadable]) -> bool:
    # Opening a pipe or a device that is called x.png would wait for ever.
    if entry.is_file():
        return True
    unreadable.append(Unreadable(_displayable(entry.path), "is not a regular file, or a link to nothing"))
    return False


def _storable(path: str, unreadable: list[Unreadable]) -> bool:
    problem = name_problem(path)
    if problem:
        unreadable.append(Unreadable(_displayable(path), f"its name {problem}"))
    return problem is None


def _displayable(path: str) -> str:
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def open_file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of `url`, and the path in it.

    Raises:
        MissingDependencyError: fsspec, or the package it needs for this protocol, is not installed.
        InvalidValueError: fsspec knows no such protocol.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingDependencyError(
            f"reading {shown(url)} needs fsspec: pip install 'lightly-widget[remote]'"
        ) from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise MissingDependencyError(f"reading {shown(url)} needs one more package: {error}") from error
    except ValueError as error:
        raise InvalidValueError(f"{shown(url)} cannot be opened: {error}") from error
    return system, path


def _find_remote(url: str, unreadable: list[Unreadable]) -> Iterator[Found] | None:
    system, path = open_file_system(url)
    try:
        if system.isfile(path):
            return iter([Found(system.unstrip_protocol(path))])
        if system.isdir(path):
            return _remote_files(system, path, sorted(system.find(path)), unreadable)
        if glob.has_magic(path):
            matches = sorted(system.glob(path))
            files = [file for match in matches for file in (system.find(match) if system.isdir(match) else [match])]
            return _remote_files(system, _fixed_part(path), files, unreadable) if matches else None
    except (OSError, ValueError) as error:
        raise StorageError(f"{shown(url, 300)} cannot be listed: {error}") from error
    return None


def _remote_files(system: Any, root: str, files: list[str], unreadable: list[Unreadable]) -> Iterator[Found]:
    base = PurePosixPath(root)
    for file in files:
        below = PurePosixPath(file)
        parts = below.relative_to(base).parts if below.is_relative_to(base) else (below.name,)
        if any(part.startswith(".") for part in parts) or not has_image_suffix(file):
            continue
        if _storable(file, unreadable):
            yield Found(system.unstrip_protocol(file), tuple(parts[:-1]))
