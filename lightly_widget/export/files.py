"""Files and folders that appear whole or not at all, never over another file unasked, never outside their folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from lightly_widget.checks import check_bool
from lightly_widget.errors import InvalidValueError, LightlyWidgetError, Progress, listed, no_progress, shown
from lightly_widget.ingest.locations import PathLike, absolute, is_url
from lightly_widget.ingest.pictures import check_picture, open_file
from lightly_widget.ingest.roots import Roots
from lightly_widget.store.storage_errors import storage_errors

MANIFEST: Final = ".lightly_widget_export.json"
_NAMED: Final = 5


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
        made = _make_folders(target.parent)
        scratch = target.parent / f".{secrets.token_hex(8)}.part"
        try:
            scratch.touch(exist_ok=False)
            yield scratch
            _sync(scratch)
            _publish(scratch, target, overwrite)
        except BaseException:
            scratch.unlink(missing_ok=True)
            _remove_folders(made)
            raise
        _sync(target.parent)


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


def _make_folders(folder: Path) -> list[Path]:
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _remove_folders(made: list[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):  # another may have put something there meanwhile
            folder.rmdir()


def _sync(path: Path) -> None:
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
    if not _is_safe(name):
        raise InvalidValueError(f"image {shown(path, 200)} is not below {shown(root, 200)}; give another images_root")
    return name


def _is_safe(name: str) -> bool:
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


class FolderExport:
    """A folder's files, planned first, written beside, then moved in; a failure puts everything back.

    A manifest in the folder remembers what an export wrote, so that overwriting takes away what the new one lacks and
    nothing else. One folder can hold several exports (the splits of a data set), each under its own `part`.

    Power failures: single files are safe (`atomic_file`); of a folder, files may be lost that were written last.
    """

    def __init__(
        self, folder: PathLike, *, part: str, overwrite: bool, roots: Roots | None = None, pictures: bool = False
    ) -> None:
        """`roots`: where the images may lie, None for anywhere; `pictures`: nothing else is copied from there."""
        self.folder = target_path(folder, "folder")
        self.part = part
        self.overwrite = check_bool("overwrite", overwrite)
        self._roots = roots
        self._pictures = pictures and roots is not None
        self.manifest = self._read_manifest()
        self._files: dict[str, Callable[[Path], object]] = {}
        self._sources: set[str] = set()
        self._shared: set[str] = set()

    def _read_manifest(self) -> dict[str, Any]:
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise InvalidValueError(f"folder {shown(str(self.folder), 300)} is a file")
        path = self.folder / MANIFEST
        if not path.is_file():
            return {}
        with storage_errors("read", shown(str(path), 300)):
            text = path.read_bytes()
        try:
            data = json.loads(text)
            sound = isinstance(data["names"], list) and all(
                isinstance(files, list) and all(isinstance(name, str) and _is_safe(name) for name in files)
                for files in data["parts"].values()
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            sound = False
        if not sound:
            raise InvalidValueError(f"{shown(str(path), 300)} is damaged; choose another folder, or remove that file")
        return dict(data)

    @property
    def names(self) -> list[str]:
        """The classes that the manifest knows, in the order of their numbers."""
        return [str(name) for name in self.manifest.get("names", [])]

    @property
    def kept_parts(self) -> list[str]:
        """The parts that will still be there, with their class numbers, beside what is being added."""
        return [part for part in self.manifest.get("parts", {}) if part and not (self.overwrite and part == self.part)]

    def add_text(self, name: str, text: str, *, shared: bool = False) -> None:
        """A file with this text; a `shared` one belongs to all parts and may be replaced by each."""
        self._files[name] = lambda path: path.write_text(text, encoding="utf-8", newline="\n")
        if shared:
            self._shared.add(name)

    def add_bytes(self, name: str, content: bytes) -> None:
        """A file with this content."""
        self._files[name] = lambda path: path.write_bytes(content)

    def add_image(self, name: str, source: str, *, link: bool) -> None:
        """A copy of a file or of a URL's content, or a symbolic link to a file."""
        if link and is_url(source):
            raise InvalidValueError(f"{shown(source, 200)} is remote and cannot be linked to; copy it instead")
        self._sources.add(source)
        self._files[name] = (lambda path: self._link(source, path)) if link else (lambda path: self._copy(source, path))

    def commit(self, names: list[str], progress: Progress = no_progress) -> Path:
        """Write all that was added; `names` (the classes) go into the manifest.

        Raises:
            InvalidValueError: files exist and `overwrite` is False, images are missing or lie in the folder itself.
            StorageError: it cannot be written; the folder is as it was.
        """
        self._check()
        parts = dict(self.manifest.get("parts", {}))
        own = [name for name in self._files if name not in self._shared]
        stale = sorted(set(parts.get(self.part, [])) - set(self._files)) if self.overwrite else []
        parts[self.part] = sorted(set(own) if self.overwrite else {*own, *parts.get(self.part, [])})
        self.add_text(MANIFEST, json.dumps({"names": names, "parts": parts}), shared=True)
        with storage_errors("write to", shown(str(self.folder), 300)):
            new = not self.folder.exists()
            made = _make_folders(self.folder.parent if new else self.folder)
            staging = (self.folder.parent if new else self.folder) / f".{secrets.token_hex(8)}.part"
            try:
                self._write(staging / "new", progress)
                if new:
                    (staging / "new").rename(self.folder)  # a new folder appears whole
                else:
                    self._move(staging, stale)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                _remove_folders(made)
                raise
            shutil.rmtree(staging)
        return self.folder

    def _link(self, source: str, path: Path) -> None:
        with self._opened(source):
            path.symlink_to(source)

    def _copy(self, source: str, path: Path) -> None:
        with self._opened(source) as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        if not is_url(source):
            shutil.copystat(source, path)

    @contextmanager
    def _opened(self, source: str) -> Iterator[IO[bytes]]:
        with open_file(source, self._roots) as file:
            if self._pictures:
                check_picture(source, file)
            yield file

    def _check(self) -> None:
        if self._roots is not None:
            self._roots.check(sorted(self._sources))
        missing = [path for path in self._sources if not is_url(path) and not os.path.isfile(path)]  # noqa: PTH113
        if missing:
            raise InvalidValueError(
                f"{len(missing):,} images are not there any more: {listed(sorted(missing), _NAMED)}"
            )
        unsafe = [name for name in self._files if not _is_safe(name)]
        if unsafe:
            raise InvalidValueError(f"{len(unsafe):,} names would leave the folder: {listed(unsafe, _NAMED)}")
        self._check_links()
        home = os.path.realpath(self.folder) + os.sep
        inside = [path for path in self._sources if not is_url(path) and os.path.realpath(path).startswith(home)]
        if inside:
            raise InvalidValueError(
                f"{len(inside):,} images lie in the folder that they would be exported to, "
                f"{shown(str(self.folder), 200)}; choose another folder"
            )
        self._check_existing()

    def _check_links(self) -> None:
        for above in {parent for name in self._files for parent in PurePosixPath(name).parents}:
            if (self.folder / above).is_symlink() and str(above) != ".":
                raise InvalidValueError(
                    f"{shown(str(self.folder / above), 300)} is a link; exports stay in their folder"
                )

    def _check_existing(self) -> None:
        managed = self._shared if self.manifest else set()
        there = [name for name in self._files if os.path.lexists(self.folder / name)]
        folders = [name for name in there if (self.folder / name).is_dir() and not (self.folder / name).is_symlink()]
        if folders:
            raise InvalidValueError(f"{listed(folders, _NAMED)} are folders, and files of that name would be exported")
        if not self.overwrite:
            there = [name for name in there if name not in managed]
            if there:
                raise InvalidValueError(
                    f"{len(there):,} files are in {shown(str(self.folder), 200)} already: {listed(there, _NAMED)}; "
                    "overwrite=True replaces them"
                )

    def _write(self, staging: Path, progress: Progress) -> None:
        staging.mkdir(parents=True)
        last = time.monotonic()
        for number, (name, write) in enumerate(self._files.items()):
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
            if time.monotonic() - last > 0.1:
                progress(number / len(self._files))
                last = time.monotonic()
        for name in self._shared:
            _sync(staging / name)
        progress(1.0)

    def _move(self, staging: Path, stale: list[str]) -> None:
        undo: list[Callable[[], object]] = []
        try:
            for name in [*self._files, *stale]:
                target, old = self.folder / name, staging / "old" / name
                if os.path.lexists(target):
                    old.parent.mkdir(parents=True, exist_ok=True)
                    target.rename(old)
                    undo.append(lambda old=old, target=target: old.replace(target))  # type: ignore[misc]
                if name in self._files:
                    undo.extend(folder.rmdir for folder in _make_folders(target.parent))
                    (staging / "new" / name).rename(target)
                    undo.append(target.unlink)
        except BaseException:
            for step in reversed(undo):
                step()
            raise
