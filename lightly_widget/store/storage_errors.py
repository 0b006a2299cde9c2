"""Turns what the operating system, Arrow and LanceDB raise into this package's errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from lightly_widget.errors import (
    CorruptDataError,
    DiskFullError,
    LightlyWidgetError,
    ReadOnlyError,
    StorageError,
    shown,
)

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def storage_errors(doing: str, what: str, *, reading: bool = False) -> Iterator[None]:
    """Raise a `StorageError` that says what was being done, for whatever the layers below raise.

    Args:
        doing: 'read', 'write to', 'open' …
        what: the table and folder.
        reading: an error that the operating system did not cause then means damaged data.
    """
    try:
        yield
    except LightlyWidgetError:
        raise
    except BaseException as error:
        translated = _translate(error, f"could not {doing} {what}", reading)
        if translated is None:
            raise
        raise translated from error


def _translate(error: BaseException, intro: str, reading: bool) -> StorageError | None:
    from_rust = type(error).__name__ == "PanicException"  # a BaseException of pyo3, not importable by name
    code = _errno(error)
    if code is not None:
        # Rust's text spans lines and names its own source files; the code says it all.
        if code in _FULL:
            return DiskFullError(f"{intro}: no space left (or a limit on the size of files); nothing was changed")
        if code in _READ_ONLY:
            return ReadOnlyError(f"{intro}: the folder cannot be written or read by this user; nothing was changed")
    if from_rust or (reading and isinstance(error, Exception) and not _ours(error)):
        return CorruptDataError(f"{intro}: the stored data are damaged ({_first_line(error)})")
    if isinstance(error, OSError) or _from_lance(error):
        return StorageError(f"{intro}: {_first_line(error)}")
    return None


def _errno(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    start = text.rfind("(os error ")
    if start < 0:
        return None
    digits = text[start + len("(os error ") :].split(")", 1)[0]
    return int(digits) if digits.isdigit() else None


def _from_lance(error: BaseException) -> bool:
    return isinstance(error, RuntimeError | ValueError) and "lance" in str(error).lower()


def _ours(error: Exception) -> bool:
    return isinstance(error, AssertionError | MemoryError | Warning)


def _first_line(error: BaseException) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shown(text, 200)[1:-1]
