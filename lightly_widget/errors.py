"""Every error and warning of this package, and the few helpers that word them.

Each error also inherits the builtin that users expect, so `except ValueError` keeps working.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

Progress = Callable[[float], None]
"""Called at least every 0.2 s with the fraction done in 0…1. May raise (`Cancelled`, `KeyboardInterrupt`) to stop."""

_MAX_SHOWN: Final = 80
_MAX_LISTED: Final = 10


def no_progress(fraction: float) -> None:
    """The progress callback of those who do not care."""


class LightlyWidgetError(Exception):
    """Base of all errors of this package."""


class InvalidValueError(LightlyWidgetError, ValueError):
    """An argument has the right type and a value that cannot be used."""


class InvalidTypeError(LightlyWidgetError, TypeError):
    """An argument has a type that cannot be used."""


class MissingValuesError(InvalidValueError):
    """Some candidates lack a value that a strategy or a limit reads; `key` names it, `count` says how many lack it."""

    def __init__(self, message: str, key: str, count: int) -> None:
        super().__init__(message)
        self.key = key
        self.count = count


class NotANameError(InvalidValueError, InvalidTypeError):
    """A name that is not a string: a ValueError like every other name that cannot be used, and a TypeError."""


class UnknownNameError(InvalidValueError, KeyError):
    """A tag, model, metadata key, class, sample or annotation source that does not exist."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0]) if self.args else ""


class UnknownFieldError(LightlyWidgetError, AttributeError):
    """A sample field that does not exist."""


class DatasetNotFoundError(LightlyWidgetError, FileNotFoundError):
    """No dataset of that name in that folder."""


class DatasetExistsError(LightlyWidgetError, FileExistsError, ValueError):
    """A dataset of that name is there already."""


class StorageError(LightlyWidgetError, OSError):
    """The dataset's folder could not be read or written. What was stored before is unchanged."""


class DiskFullError(StorageError):
    """No space left, or a file size or quota limit was met."""


class ReadOnlyError(StorageError, PermissionError):
    """The dataset's folder cannot be written."""


class NotAllowedError(LightlyWidgetError, PermissionError):
    """A file or host that the user has not allowed for this dataset; the message says how to allow it."""


class CorruptDataError(StorageError):
    """Stored data are damaged: unreadable, or their checksum differs from the one kept when they were written."""


class UnsafeFileError(StorageError):
    """A file of the dataset is a link or a special file, and could lead out of the dataset's folder."""


class StaleError(StorageError):
    """What was read before is no longer stored: others have changed the dataset since. Ask the dataset again."""


class DatasetReplacedError(StaleError):
    """The dataset was deleted and created again, or replaced by a copy, after it was loaded. Load it again."""


class MissingDependencyError(LightlyWidgetError, ImportError):
    """An optional package is not installed; the message says how to install it."""


class NoThreadError(LightlyWidgetError, RuntimeError):
    """The system gives no further thread. Nothing was started."""


class ForkedProcessError(LightlyWidgetError, RuntimeError):
    """A dataset that was loaded before `os.fork`, used in the child. Load it again there."""


class Cancelled(LightlyWidgetError):
    """The work was stopped on request; nothing was changed."""


class LightlyWidgetWarning(UserWarning):
    """Base of all warnings of this package."""


class SamplingWarning(LightlyWidgetWarning):
    """A sampling gave fewer samples than asked for, or otherwise not quite what was asked."""


def shown(value: object, limit: int = _MAX_SHOWN) -> str:
    """`repr(value)` fit for a message: at most `limit` characters, no control or direction-changing characters."""
    if isinstance(value, str | bytes) and len(value) > limit:
        size = f"… ({len(value):,} {'characters' if isinstance(value, str) else 'bytes'})"
        return _harmless(repr(value[: max(limit - len(size), 8)])) + size
    try:
        text = _harmless(repr(value))
    except Exception as error:  # noqa: BLE001 - a broken __repr__ must not hide the message that quotes it
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _harmless(text: str) -> str:
    # Cf holds right-to-left overrides and zero-width characters, which could make a message read as another one.
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in {"Cf", "Cc", "Cs"} else c for c in text)


def listed(values: Iterable[object], limit: int = _MAX_LISTED) -> str:
    """`'a', 'b', 'c' and 7 more`, shortened and harmless; 'none' when there are none."""
    items = list(values)
    if not items:
        return "none"
    text = ", ".join(shown(item) for item in items[:limit])
    return text if len(items) <= limit else f"{text} and {len(items) - limit:,} more"


def did_you_mean(what: str, name: object, options: Iterable[str]) -> str:
    """The message for an unknown name: `unknown tag 'x'; there are: 'y', 'z'`, the closest first."""
    names = list(options)
    if not names:
        return f"unknown {what} {shown(name)}; there are none yet"
    if isinstance(name, str):
        asked = name[:_MAX_SHOWN].casefold()
        score = difflib.SequenceMatcher(b=asked, autojunk=False)

        def distance(option: str) -> float:
            score.set_seq1(option[:_MAX_SHOWN].casefold())
            return -score.ratio()

        names.sort(key=distance)
    return f"unknown {what} {shown(name)}; there are: {listed(names)}"
