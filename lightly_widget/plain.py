"""The gate for plain values from outside: filters, recipes, columns of Python lists.

Polars takes nested lists by recursion, so that a list which holds itself ends the process, and one that is nested 3,000
times keeps it busy for a minute. Whatever may be nested passes here first.
"""

from __future__ import annotations

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
