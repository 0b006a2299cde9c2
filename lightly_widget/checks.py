"""The checks of arguments that several doors share: each returns the checked value, or raises and names the argument.

A check takes the argument's name first, so that the sentence begins with it: `batch_size must be an integer, got 'x'`.
Wrong types raise InvalidTypeError (a TypeError), wrong values InvalidValueError (a ValueError).
"""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import numpy as np

from lightly_widget.errors import InvalidTypeError, InvalidValueError, NotANameError, shown

T = TypeVar("T")

LONGEST_NAME: Final = 255
LARGEST_SEED: Final = 2**32 - 1
"""What NumPy's older generators take, which UMAP and scikit-learn use."""


def check_integer(name: str, value: object, *, least: int | None = None, most: int | None = None) -> int:
    """An int in `least`…`most`. NumPy's integers pass; bools and floats do not."""
    kind = "a positive integer" if least == 1 else "an integer"
    if isinstance(value, bool | np.bool_):  # NumPy 2.0 takes its own bools for integers
        raise InvalidTypeError(f"{name} must be {kind}, got {shown(value)}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidTypeError(f"{name} must be {kind}, got {shown(value)}") from None
    return _inside(name, number, least, most)


def check_number(name: str, value: object, *, least: float | None = None, most: float | None = None) -> float:
    """A finite float in `least`…`most`. Integers and NumPy's numbers pass; bools and strings do not."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidTypeError(f"{name} must be a number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:  # an int beyond 1e308
        number = math.inf
    if not math.isfinite(number):
        raise InvalidValueError(f"{name} must be finite, got {shown(value)}")
    return _inside(name, number, least, most)


N = TypeVar("N", int, float)


def _inside(name: str, value: N, least: float | None, most: float | None) -> N:
    if least is not None and most is not None and not least <= value <= most:
        raise InvalidValueError(f"{name} must be between {_plain(least)} and {_plain(most)}, got {shown(value)}")
    if least is not None and value < least:
        raise InvalidValueError(f"{name} must be at least {_plain(least)}, got {shown(value)}")
    if most is not None and value > most:
        raise InvalidValueError(f"{name} must be at most {_plain(most)}, got {shown(value)}")
    return value


def _plain(limit: float) -> str:
    return "2**63 - 1" if limit == 2**63 - 1 else f"{limit:,}"


def check_bool(name: str, value: object) -> bool:
    """True or False, and nothing that is merely truthy."""
    if not isinstance(value, bool):
        raise InvalidTypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def check_string(name: str, value: object, *, longest: int | None = None, empty: bool = False) -> str:
    """A string, with more than whitespace in it unless it may be empty."""
    if not isinstance(value, str):
        raise InvalidTypeError(f"{name} must be a string, got {shown(value)}")
    if not empty and not value.strip():
        raise InvalidValueError(f"{name} must not be empty, got {shown(value)}")
    if longest is not None and len(value) > longest:
        raise InvalidValueError(f"{name} must have at most {longest:,} characters, got {len(value):,}: {shown(value)}")
    return value


def check_optional_string(name: str, value: object, *, longest: int | None = None) -> str | None:
    """None, or a string with more than whitespace in it."""
    return None if value is None else check_string(name, value, longest=longest)


def check_name(name: str, value: object, *, longest: int = LONGEST_NAME) -> str:
    """A name that is going to be stored: a string of 1 to `longest` characters that UTF-8 and file systems can hold."""
    if not isinstance(value, str):
        raise NotANameError(f"{name} must be a string, got {shown(value)}")
    text = check_string(name, value, longest=longest)
    if "\0" in text:
        raise InvalidValueError(f"{name} must not contain a NUL character, got {shown(text)}")
    if not is_unicode(text):
        raise InvalidValueError(f"{name} must be valid Unicode, got {shown(text)}")
    return text


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold the string: a lone surrogate cannot be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_items(name: str, values: object, *, what: str = "values", most: int | None = None) -> list[Any]:
    """The items of any iterable but a string, `most` of them and one more; `what` says what they stand for."""
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{name} must be a list of {what}, got {shown(values)}")
    if getattr(values, "ndim", 1) != 1:  # an array of no dimension is an Iterable that cannot be iterated over
        raise InvalidTypeError(f"{name} must be a list of {what}, got {shown(values)}")
    try:
        return list(values if most is None else islice(values, most + 1))
    except (TypeError, ValueError, OverflowError) as error:  # a column of dates beyond what Python has, for instance
        raise InvalidTypeError(f"{name} must be a list of {what}, got {shown(values)}: {shown(str(error))}") from error


def check_strings(name: str, values: object, *, what: str = "strings") -> list[str]:
    """A list of strings, from any iterable of strings but a string; `what` says what they stand for."""
    items = check_items(name, values, what=what)
    for item in items:
        if not isinstance(item, str):
            raise InvalidTypeError(f"{name} must contain only {what}, got {shown(item)}")
        if not is_unicode(item):
            raise InvalidValueError(f"{name} must contain only valid Unicode, got {shown(item)}")
    return items


def check_seed(name: str, value: object) -> int:
    """A seed of random numbers, for whatever generator it is used with."""
    return check_integer(name, value, least=0, most=LARGEST_SEED)


def check_choice(name: str, value: Any, options: Sequence[T]) -> T:
    """One of a few values; the error lists them. 1 does not pass for True, nor True for 1."""
    for option in options:
        if type(option) is type(value) and option == value:
            return option
    raise InvalidValueError(f"{name} must be {_either(options)}, got {shown(value)}")


def _either(options: Sequence[object]) -> str:
    *others, last = map(shown, options)
    return f"{', '.join(others)} or {last}" if others else last


def check_path(name: str, value: object) -> str:
    """A path as a string, not yet expanded or made absolute."""
    if not isinstance(value, str | os.PathLike):
        raise InvalidTypeError(f"{name} must be a path, got {shown(value)}")
    text = os.fspath(value)
    if not isinstance(text, str):  # a path object of bytes
        raise InvalidTypeError(f"{name} must be a path, got {shown(text)}")
    if not text:
        raise InvalidValueError(f"{name} must be a path, got an empty string")
    if "\0" in text:
        raise InvalidValueError(f"{name} must not contain a NUL character, got {shown(text)}")
    return text
