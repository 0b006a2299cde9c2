"""Image folders → a frame of names, paths and sizes. Only headers are read, and one bad file stops nothing."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Final

import polars as pl

from lightly_widget.checks import check_integer
from lightly_widget.errors import Progress, no_progress
from lightly_widget.ingest.locations import (
    Found,
    PathLike,
    Unreadable,
    absolute,
    as_paths,
    find_images,
    is_url,
    name_problem,
    root_of,
)
from lightly_widget.ingest.pictures import FORMATS, open_file
from lightly_widget.ingest.pictures import reason as why

IMAGE_SCHEMA: Final = {"file_name": pl.String, "file_path_abs": pl.String, "width": pl.Int32, "height": pl.Int32}

_MANY: Final = 200
_LOCAL_THREADS: Final = 4
_REMOTE_THREADS: Final = 16


@dataclass(frozen=True)
class ImageScan:
    """What a scan found.

    Attributes:
        frame: one row for each new image, in the order found: file_name, file_path_abs (the identity), width and
            height in pixels as stored in the file, that is before any EXIF rotation, as boxes count them.
        unreadable: the files that were left out, each with its reason.
        tags: folder name → paths of the images below it, those already known included.
        known: the paths that were skipped because they are known.
        roots: the folders, files and hosts that were named.
    """

    frame: pl.DataFrame
    unreadable: list[Unreadable]
    tags: dict[str, list[str]]
    known: list[str]
    roots: list[str] = field(default_factory=list)


def scan_images(
    paths: PathLike | Iterable[PathLike],
    *,
    known: Collection[str] = frozenset(),
    limit: int | None = None,
    tag_depth: int = 0,
    progress: Progress = no_progress,
) -> ImageScan:
    """Find images and read the size of each from its header.

    Args:
        paths: a folder (searched with its subfolders), a file, a glob, an fsspec URL of these, or a list of these.
        known: absolute paths that are skipped unread; a set is quickest.
        limit: at most this many new images; None for all.
        tag_depth: the names of the first `tag_depth` folders below the given path become tags; 0 for none.
        progress: called with 0…1 at least every 0.2 s while files are local; what it raises ends the scan.

    Raises:
        InvalidValueError: a single path matches nothing; `limit` or `tag_depth` is negative.
        InvalidTypeError: an argument of the wrong type.
        MissingDependencyError: a URL needs a package that is not installed.
        StorageError: a remote folder cannot be listed.
    """
    check_integer("limit", 0 if limit is None else limit, least=0)
    check_integer("tag_depth", tag_depth, least=0)
    asked, single = as_paths(paths)
    unreadable: list[Unreadable] = []
    seen: set[str] = set()
    tagged: dict[str, tuple[str, ...]] = {}
    new: list[str] = []
    skipped: list[str] = []
    for found in _with_heartbeat(find_images(asked[0] if single else asked, unreadable), progress):
        if found.path in seen:
            continue
        seen.add(found.path)
        tagged[found.path] = found.folders[:tag_depth]
        if found.path in known:
            skipped.append(found.path)
        else:
            new.append(found.path)
    rows: list[tuple[str, str, int, int]] = []
    for path, size in _read_sizes(new, limit, progress):
        if isinstance(size, str):
            unreadable.append(Unreadable(path, size))
        else:
            rows.append((file_name(path), path, *size))
    added = {row[1] for row in rows}
    tags: dict[str, list[str]] = {}
    for path, folders in tagged.items():
        if path in added or path in known:
            for name in dict.fromkeys(folders):
                tags.setdefault(name, []).append(path)
    progress(1.0)
    return ImageScan(pl.DataFrame(rows, schema=IMAGE_SCHEMA, orient="row"), unreadable, tags, skipped, roots_of(asked))


def roots_of(paths: Iterable[PathLike]) -> list[str]:
    """The folders, files and hosts that are named by paths, globs and URLs; of very many files their folders."""
    texts = (os.fspath(path) for path in paths)
    usable = (absolute(text) for text in texts if isinstance(text, str) and not name_problem(text))
    roots = dict.fromkeys(root_of(path) for path in usable)
    if len(roots) > _MANY:
        roots = dict.fromkeys(root if is_url(root) or os.path.isdir(root) else os.path.dirname(root) for root in roots)  # noqa: PTH112, PTH120
    return list(roots)


def file_name(path: str) -> str:
    """The last part of a local path or URL."""
    return path.rsplit("/", 1)[-1] if is_url(path) else os.path.basename(path)  # noqa: PTH119


def _with_heartbeat(found: Iterator[Found], progress: Progress) -> Iterator[Found]:
    last = time.monotonic()
    for item in found:
        if time.monotonic() - last > 0.1:
            progress(0.0)
            last = time.monotonic()
        yield item


def _read_sizes(paths: list[str], limit: int | None, progress: Progress) -> Iterator[tuple[str, tuple[int, int] | str]]:
    """(path, (width, height) or the reason why not) in order, until `limit` sizes were given."""
    wanted = len(paths) if limit is None else limit
    if not wanted or not paths:
        return
    remote = any(is_url(path) for path in paths)
    threads, batch = (_REMOTE_THREADS, 1) if remote else (_LOCAL_THREADS, 64)
    window = threads * batch * 2
    pool = ThreadPoolExecutor(threads, thread_name_prefix="lightly-widget-scan")
    try:
        for start in range(0, len(paths), window):
            # Small windows: a limit reads few files too many, and a cancel waits for few.
            part = paths[start : start + window]
            batches = [part[i : i + batch] for i in range(0, len(part), batch)]
            sizes = [size for done in pool.map(_read_batch, batches) for size in done]
            for path, size in zip(part, sizes, strict=True):
                if not wanted:
                    return
                wanted -= not isinstance(size, str)
                yield path, size
            progress(min((start + window) / len(paths), 1.0))
    finally:
        pool.shutdown(cancel_futures=True)


def _read_batch(paths: list[str]) -> list[tuple[int, int] | str]:
    return [read_size(path) for path in paths]


def read_size(path: str) -> tuple[int, int] | str:
    """(width, height) in pixels from the header alone, or why the file cannot be used."""
    try:
        with open_file(path) as file:
            return _header_size(file)
    except Exception as error:  # noqa: BLE001 - parsers of damaged files raise anything; the caller reports the reason
        return why(error)


def _header_size(file: IO[bytes]) -> tuple[int, int] | str:
    from PIL import Image

    width, height = _claimed_size(file)
    if width < 1 or height < 1 or max(width, height) >= 2**31:
        return f"its size of {width} × {height} pixels is not that of an image"
    if Image.MAX_IMAGE_PIXELS is not None and width * height > 2 * Image.MAX_IMAGE_PIXELS:
        return (
            f"it has {width * height:,} pixels, more than Pillow decodes; "
            "if you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS and add it again"
        )
    return width, height


def _claimed_size(file: IO[bytes]) -> tuple[int, int]:
    """The size that the header claims.

    `Image.open` would warn of each large picture, and warnings cannot be silenced in one thread alone.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    start = file.read(16)
    for name in FORMATS:
        opener, accepts = Image.OPEN.get(name, (None, None))  # a build of Pillow may lack one
        accepted = accepts is None or accepts(start)
        if opener is None or not accepted or isinstance(accepted, str):  # a string says what is missing
            continue
        file.seek(0)
        try:
            with opener(file, "") as image:
                return image.size
        except (SyntaxError, IndexError, TypeError, struct.error):  # by which Pillow says 'not of this format'
            continue
    raise UnidentifiedImageError
