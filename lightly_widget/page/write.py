"""Pages as files: whole or not at all, with a folder of pictures beside them where that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from lightly_widget.checks import check_name
from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.export.files import atomic_file, find_out, target_path
from lightly_widget.export.folders import FolderExport

SUFFIXES: Final = (".html", ".htm")


@dataclass(frozen=True)
class Beside:
    """A folder beside the page, and the files that go into it."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        """One more file."""
        self.files[name] = content

    def path_of(self, name: str) -> str:
        """A file's path as the page names it."""
        return f"{quote(self.name)}/{quote(name)}"


def beside(folder: str | bool | None, page: Path) -> Beside | None:
    """The folder that `folder` names: True for the page's own name with `_files`."""
    if folder is None or folder is False:
        return None
    name = f"{page.stem}_files" if folder is True else check_name("folder", folder)
    if "/" in name or "\\" in name or name.startswith("."):
        raise InvalidValueError(
            f"folder must be the name of a folder beside the page, without slashes or a dot in front, got {shown(name)}"
        )
    return Beside(name)


def page_path(path: str | Path, *, overwrite: bool) -> Path:
    """Where the page goes. InvalidValueError: it is there already, or cannot be written there."""
    target = target_path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InvalidValueError(f"path must end in .html, got {shown(str(path))}")
    _, exists, problem = find_out(target)
    if problem is not None:
        raise InvalidValueError(problem)
    if exists and not overwrite:
        raise InvalidValueError(f"path {shown(str(target), 300)} exists; overwrite=True replaces it")
    return target


def write_page(target: Path, text: str, folder: Beside | None, *, overwrite: bool) -> Path:
    """Write the folder beside the page and, last, the page itself."""
    with atomic_file(target, overwrite=overwrite) as scratch:
        scratch.write_bytes(text.encode("utf-8", "replace"))
        if folder is not None and folder.files:
            export = FolderExport(target.parent / folder.name, part="page", overwrite=overwrite)
            for name, content in folder.files.items():
                export.add_bytes(name, content)
            export.commit([])
    return target
