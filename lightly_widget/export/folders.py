"""Folders of files that appear whole or not at all, never over another file unasked, never outside their folder."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from lightly_widget.checks import check_bool
from lightly_widget.errors import InvalidValueError, Progress, listed, no_progress, shown
from lightly_widget.export.files import make_folders, remove_folders, sync, target_path
from lightly_widget.export.names import is_safe
from lightly_widget.ingest.locations import PathLike, is_url
from lightly_widget.ingest.pictures import check_picture, open_file
from lightly_widget.ingest.roots import Roots
from lightly_widget.store.storage_errors import storage_errors

MANIFEST: Final = ".lightly_widget_export.json"
_NAMED: Final = 5


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
                isinstance(files, list) and all(isinstance(name, str) and is_safe(name) for name in files)
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
            made = make_folders(self.folder.parent if new else self.folder)
            staging = (self.folder.parent if new else self.folder) / f".{secrets.token_hex(8)}.part"
            try:
                self._write(staging / "new", progress)
                if new:
                    (staging / "new").rename(self.folder)  # a new folder appears whole
                else:
                    self._move(staging, stale)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                remove_folders(made)
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
        unsafe = [name for name in self._files if not is_safe(name)]
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
            sync(staging / name)
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
                    undo.extend(folder.rmdir for folder in make_folders(target.parent))
                    (staging / "new" / name).rename(target)
                    undo.append(target.unlink)
        except BaseException:
            for step in reversed(undo):
                step()
            raise
