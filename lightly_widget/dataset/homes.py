"""Where datasets are: the folder that holds them, and the address of each in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lightly_widget.checks import check_string
from lightly_widget.errors import InvalidTypeError, InvalidValueError, listed, shown
from lightly_widget.store import is_remote

HOME_VARIABLE: Final = "LIGHTLY_WIDGET_HOME"
DEFAULT_HOME: Final = "lightly_widget_data"
DEFAULT_NAME: Final = "default"
_LONGEST_NAME: Final = 200
_SCHEMES: Final = ("file", "s3", "gs", "az", "abfs", "abfss", "memory", "oss", "hf")


def home_of(path: str | Path | None) -> str:
    """The folder that holds the datasets: `path`, else the environment variable, else the default below the cwd."""
    if path is None:
        path = os.environ.get(HOME_VARIABLE) or DEFAULT_HOME
    if not isinstance(path, str | os.PathLike):
        raise InvalidTypeError(f"path must be a folder or an object store's address, got {shown(path)}")
    text = os.fspath(path)
    if not isinstance(text, str):
        raise InvalidTypeError(f"path must be a folder or an object store's address, got {shown(text)}")
    if not text.strip() or not text.isprintable() or any(len(os.fsencode(part)) > 255 for part in text.split("/")):
        raise InvalidValueError(
            f"path must be a folder whose names have at most 255 bytes and no control characters, got {shown(text)}"
        )
    scheme = text.partition("://")[0].lower() if "://" in text else "file"
    if scheme not in _SCHEMES:
        raise InvalidValueError(f"path must be a folder or one of {listed(_SCHEMES)}://…, got {shown(text)}")
    return text if is_remote(text) else str(Path(text.removeprefix("file://")).expanduser().absolute())


def address_of(name: str, path: str | Path | None) -> str:
    """The folder (or address) of one dataset."""
    check_string("name", name, empty=True)
    unfit = not name.strip() or name in {".", ".."} or any(c in name for c in '/\\\0:*?"<>|') or not name.isprintable()
    if unfit or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise InvalidValueError(
            f'name must be a folder name of 1 to {_LONGEST_NAME} bytes without / \\ : * ? " < > |, got {shown(name)}'
        )
    home = home_of(path)
    return f"{home.rstrip('/')}/{name}" if is_remote(home) else str(Path(home) / name)


def names_in(path: str | Path | None) -> str:
    """The datasets in a folder, as the end of a message."""
    home = home_of(path)
    if is_remote(home) or not Path(home).is_dir():
        return ""
    names = sorted(p.parent.name for p in Path(home).glob("*/head.json"))
    return f"; datasets there: {', '.join(map(repr, names[:10]))}" if names else "; there are no datasets yet"
