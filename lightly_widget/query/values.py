"""The values that a column is compared with: Python scalars, made to fit the column's type."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.plain import check_plain

Scalar = str | int | float | bool | datetime | date


def scalar(name: str, value: object) -> Scalar:
    """A Python scalar from one, or from a numpy scalar; anything else is refused."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()  # of nanoseconds it would be an int
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        raise InvalidValueError(f"cannot compare {name} with NaN, which equals nothing")
    is_missing = value is None or type(value).__name__ == "NaTType"  # pandas' NaT is a datetime, too
    if isinstance(value, str | int | float | bool | datetime | date) and not is_missing:
        if isinstance(value, datetime):
            _in_utc(name, value)
        check_plain(f"the value that {name} is compared with", value)
        return value
    hint = f"; use {name}.is_null() for missing values" if is_missing else ""
    raise InvalidTypeError(f"{name} can be compared with a string, number, bool or date, got {shown(value)}{hint}")


def fitting(name: str, dtype: pl.DataType, value: Scalar) -> Any:
    """The value as a column of that type can be compared with; `InvalidTypeError` where it cannot."""
    if isinstance(dtype, pl.Datetime):
        return _as_datetime(name, value)
    if dtype == pl.Date:
        found = _as_datetime(name, value)
        return found.date() if found.time() == datetime.min.time() else found.replace(tzinfo=None)
    if dtype.is_numeric() and isinstance(value, int | float):
        return value if isinstance(value, bool | float) or -(2**63) <= value < 2**63 else float(value)
    if dtype == pl.Boolean and isinstance(value, bool):
        return value
    if dtype == pl.Boolean and isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    if dtype == pl.String and isinstance(value, str):
        return value
    if dtype == pl.Null:
        return None
    raise InvalidTypeError(f"{name} holds {kind_of(dtype)}, which cannot be compared with {shown(value)}")


def _as_datetime(name: str, value: Scalar) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValueError(
                f"{name} holds times; {shown(value)} is not a time such as 2026-01-31T12:00"
            ) from None
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise InvalidTypeError(f"{name} holds times, which cannot be compared with {shown(value)}")
        value = datetime(value.year, value.month, value.day)
    return _in_utc(name, value)


def _in_utc(name: str, value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidValueError(f"{name}: {shown(value)} is outside the years 1 to 9999 in UTC") from None


def kind_of(dtype: pl.DataType) -> str:
    """What a column holds, as an error calls it."""
    if dtype.is_numeric():
        return "numbers"
    return {pl.String: "strings", pl.Boolean: "booleans"}.get(
        type(dtype), "times" if dtype.is_temporal() else str(dtype)
    )


def plain_value(value: Scalar) -> str | int | float | bool:
    """As JSON can hold it: dates in ISO format."""
    return value.isoformat() if isinstance(value, date) else value


def values_of(name: str, values: object) -> tuple[Scalar, ...]:
    """The values of `.is_in`, from any iterable but a string."""
    return tuple(scalar(name, value) for value in check_items(f"the argument of {name}.is_in", values))
