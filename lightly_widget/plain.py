"""The gate for plain values from outside: messages, traits, filters, recipes, columns of Python lists.

Polars takes nested lists by recursion, so that a list which holds itself ends the process, and one that is nested 3,000
times keeps it busy for a minute. Whatever may be nested passes here first: `plain_copy` for what JSON can hold and is
kept, `check_plain` for what polars gets as it is, `check_depth` for values whose types are checked elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import numpy as np

from lightly_widget.checks import is_unicode
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown

DEEPEST: Final = 32
"""How many lists and dicts may stand in each other in data."""
MOST: Final = 5_000_000
"""How many values a plain value may hold in all."""
MAX_TRAIT: Final = 60_000
"""Bytes of a synced trait, and of everything that a trait has to show later."""
LARGEST: Final = 2**1023
"""Integers up to here have a float."""

_CONTAINERS: Final = (Mapping, list, tuple, set, frozenset)


def check_depth(name: str, values: Iterable[Any], *, deepest: int = DEEPEST) -> None:
    """Refuse values that are nested more than `deepest` times, as those that hold themselves are."""
    for value in values:
        if isinstance(value, _CONTAINERS) or _holds_objects(value):
            _walk(name, value, deepest)


def check_plain(name: str, value: Any, *, deepest: int = DEEPEST) -> Any:
    """The value, if it is made of None, bools, numbers, strings, dates, lists and dicts with string keys.

    Raises:
        InvalidTypeError: it holds something else.
        InvalidValueError: it is nested more than `deepest` times, holds itself or too many values, an integer beyond
            float64, or a string that is not valid Unicode.
    """
    for item in _walk(name, value, deepest):
        _check_scalar(name, item)
    return value


def _walk(name: str, value: Any, deepest: int) -> list[Any]:
    """The scalars in a value, found level by level without recursion."""
    scalars: list[Any] = []
    level, depth, count = [value], 0, 0
    while level:
        inner: list[Any] = []
        # Each list once for each level: one that holds itself twice would double from level to level.
        for item in {id(item): item for item in level}.values():
            if isinstance(item, Mapping):
                scalars += item.keys()
                inner += item.values()
            elif isinstance(item, _CONTAINERS):
                inner += item
            elif _holds_objects(item):
                inner += item.ravel().tolist()
            else:
                scalars.append(item)
        count += len(inner)
        depth += bool(inner)
        if depth > deepest or count > MOST:
            raise InvalidValueError(
                f"{name} must be nested at most {deepest} times and hold at most {MOST:,} values; "
                "it is larger, or it holds itself"
            )
        level = inner
    return scalars


def _holds_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


def _check_scalar(name: str, value: Any) -> None:
    if isinstance(value, str):
        if not is_unicode(value):
            raise InvalidValueError(f"{name} must hold valid Unicode, got {shown(value)}")
    elif isinstance(value, int) and not -LARGEST < value < LARGEST:
        raise InvalidValueError(f"{name} must hold numbers within the range of float64, got {shown(value)}")
    elif value is not None and not isinstance(value, bool | int | float | date | np.generic):
        raise InvalidTypeError(f"{name} must hold strings, numbers, bools, dates, lists and dicts, got {shown(value)}")


def plain_object(name: str, value: object) -> dict[str, Any]:
    """A copy of a dict of plain data, bounded as `plain_copy` bounds it."""
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"{name} must be a dict, got {shown(value)}")
    copy: dict[str, Any] = plain_copy(name, value)
    return copy


def plain_copy(name: str, value: object, most: int = MAX_TRAIT) -> Any:
    """A copy of what JSON can hold (None, bool, number, string, list, dict), of at most `most` bytes and 32 levels."""
    return _Copy(name, most).of(value, 0)


class _Copy:
    """Copies plain data until it has cost too much, so that data that contains itself ends too."""

    def __init__(self, name: str, most: int) -> None:
        self.name, self.most, self.size = name, most, 0

    def spend(self, size: int, depth: int) -> None:
        self.size += size
        if depth > DEEPEST or self.size > self.most:
            raise InvalidValueError(
                f"{self.name} is nested too deep or larger than {self.most:,} bytes (at most {DEEPEST} levels)"
            )

    def of(self, value: object, depth: int) -> Any:
        self.spend(4 + (len(value) if isinstance(value, str) else 0), depth)
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise InvalidValueError(f"{self.name} must hold finite numbers, got {value}")
            return value
        if isinstance(value, list | tuple):
            return [self.of(item, depth + 1) for item in value]
        if not isinstance(value, Mapping):
            raise InvalidTypeError(f"{self.name} must be plain data, got {shown(value)}")
        return {self.key(key, depth): self.of(item, depth + 1) for key, item in value.items()}

    def key(self, key: object, depth: int) -> str:
        if not isinstance(key, str):
            raise InvalidTypeError(f"{self.name} must have strings as keys, got {shown(key)}")
        self.spend(len(key), depth)
        return key
