"""Metadata values: one type per key, found before anything is written.

Nested dicts become keys with dots (`{"camera": {"iso": 100}}` → `camera.iso`); lists are kept as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from lightly_widget.checks import check_name, is_unicode
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown

DTYPES: Final[dict[str, pl.DataType]] = {
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "boolean": pl.Boolean(),
    "datetime": pl.Datetime("us", "UTC"),
    "date": pl.Date(),
    "json": pl.String(),
}
_EXACT_IN_FLOAT: Final = 2**53
_LONGEST_KEY: Final = 255
_FIRST_DAY: Final = (date.min - date(1970, 1, 1)).days
_LAST_DAY: Final = (date.max - date(1970, 1, 1)).days + 1


@dataclass(frozen=True)
class Values:
    """New values of one key. `kind` is one of `DTYPES`, or 'none' where all are None."""

    kind: str
    sample_ids: pl.Series
    values: pl.Series


def columns_from_mapping(update: Mapping[Any, Any]) -> dict[str, Values]:
    """`{sample_id: {key: value}}` → the typed values of each key.

    Raises:
        InvalidTypeError: keys or values of a kind that cannot be kept, or of several kinds under one key.
        InvalidValueError: a key that is empty or too long, a number or text that cannot be kept exactly.
    """
    gathered: dict[str, tuple[list[str], list[Any]]] = {}
    for sample_id, values in update.items():
        if not isinstance(sample_id, str) or not isinstance(values, Mapping):
            raise InvalidTypeError(f"expected {{sample_id: {{key: value}}}}, got {shown(sample_id)}: {shown(values)}")
        for key, value in flatten(values).items():
            ids, column = gathered.setdefault(key, ([], []))
            ids.append(sample_id)
            column.append(value)
    return {
        key: _values(pl.Series("sample_id", ids, dtype=pl.String), typed(key, column))
        for key, (ids, column) in gathered.items()
    }


def columns_from_frame(frame: pl.DataFrame) -> dict[str, Values]:
    """A frame with `sample_id` and one column per key → as `columns_from_mapping`."""
    if "sample_id" not in frame.columns:
        raise InvalidValueError(f"the frame lacks the column 'sample_id'; it has {shown(frame.columns)}")
    result = {}
    for name in frame.columns:
        if name != "sample_id":
            for key, values in _flat_series(name, frame[name]).items():
                result[key] = _values(frame["sample_id"], values)
    return result


def _values(sample_ids: pl.Series, found: tuple[str, pl.Series]) -> Values:
    return Values(found[0], sample_ids, found[1])


def flatten(values: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested dicts as one, keys joined with dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = check_key(f"{prefix}{key}" if isinstance(key, str) else key)
        if isinstance(value, Mapping) and value:
            if depth > 50:
                raise InvalidValueError(f"metadata {shown(prefix)} is nested too deeply")
            flat.update(flatten(value, f"{name}.", depth + 1))
        else:
            flat[name] = value
    return flat


def check_key(key: object) -> str:
    """The key, if it can be one."""
    return check_name("a metadata key", key, longest=_LONGEST_KEY)


def typed(key: str, values: list[Any]) -> tuple[str, pl.Series]:
    """Python values as one kind and one column; the kind is 'none' when all are None."""
    values = [_native(value) for value in values]
    kinds = {_kind(key, value) for value in values if value is not None}
    if not kinds:
        return "none", pl.Series("value", values, dtype=pl.Null)
    if kinds == {"integer", "float"}:
        values = [None if value is None else _exact_float(key, value) for value in values]
        kinds = {"float"}
    if len(kinds) > 1:
        raise InvalidTypeError(f"metadata {shown(key)} would hold {' and '.join(sorted(kinds))} values; use one type")
    kind = kinds.pop()
    if kind == "json":
        values = [None if value is None else _json(key, value) for value in values]
    try:
        if kind == "datetime":
            values = [
                None if v is None else v.replace(tzinfo=UTC) if v.tzinfo is None else v.astimezone(UTC) for v in values
            ]
        return kind, pl.Series("value", values, dtype=DTYPES[kind])
    except (OverflowError, pl.exceptions.PolarsError, TypeError) as error:
        raise InvalidValueError(f"metadata {shown(key)}: {error}") from error


def joint_kind(key: str, old: str, new: str, old_values: pl.Series, new_values: pl.Series) -> str:
    """The type that holds the old and the new values without loss; InvalidTypeError where there is none."""
    if old == new:
        return old
    if {old, new} != {"integer", "float"}:
        raise InvalidTypeError(
            f"metadata {shown(key)} holds {old} values and cannot take {new} ones; use another key, or convert them"
        )
    whole = old_values if old == "integer" else new_values
    if (whole.abs() > _EXACT_IN_FLOAT).any():
        raise InvalidValueError(
            f"metadata {shown(key)} would become a float column, but integers above 2^53 do not fit in it exactly"
        )
    return "float"


def restore(kind: str, value: Any) -> Any:
    """A stored value as the user gave it."""
    return json.loads(value) if kind == "json" and value is not None else value


def _flat_series(name: str, series: pl.Series) -> dict[str, tuple[str, pl.Series]]:
    check_key(name)
    dtype = series.dtype
    if isinstance(dtype, pl.Struct):
        inner = series.struct.unnest()
        flat: dict[str, tuple[str, pl.Series]] = {}
        for field in inner.columns:
            flat.update(_flat_series(f"{name}.{field}", inner[field]))
        return flat
    if dtype == pl.Object or isinstance(dtype, pl.List | pl.Array):
        return {name: typed(name, series.to_list())}
    values = _cast(name, series).alias("value")
    kinds = {dtype: kind for kind, dtype in DTYPES.items() if kind != "json"}
    return {name: ("none" if values.null_count() == len(values) else kinds[values.dtype], values)}


def _cast(name: str, series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if dtype == pl.Null or dtype in (pl.Boolean, pl.String):
        return series
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        _check_years(name, series)
    try:
        if dtype == pl.Date:
            return series
        if dtype.is_integer():
            return series.cast(pl.Int64)
        if dtype.is_float():
            return series.cast(pl.Float64)
        if isinstance(dtype, pl.Datetime):
            zoned = (
                series.dt.replace_time_zone("UTC") if dtype.time_zone is None else series.dt.convert_time_zone("UTC")
            )
            return zoned.cast(DTYPES["datetime"])
        if isinstance(dtype, pl.Categorical | pl.Enum):
            return series.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise InvalidValueError(f"metadata {shown(name)} holds numbers beyond 64 bits: {error}") from error
    raise InvalidTypeError(f"metadata {shown(name)} holds {dtype}; expected numbers, text, booleans, dates or lists")


def _check_years(name: str, series: pl.Series) -> None:
    """Polars keeps times that Python has no word for, and panics when it reads them back."""
    unit = "D" if series.dtype == pl.Date else getattr(series.dtype, "time_unit", "us")
    # As floats: nanoseconds do not reach the year 9999 within 64 bits.
    ticks = series.to_physical().cast(pl.Float64)
    per_day = {"D": 1.0, "ms": 86_400e3, "us": 86_400e6, "ns": 86_400e9}[unit]
    bad = ~(ticks / per_day).is_between(_FIRST_DAY, _LAST_DAY, closed="left")
    if bad.any():
        raise InvalidValueError(f"metadata {shown(name)}: {bad.sum():,} times are outside the years 1 to 9999")


def _native(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        found = value.astype("datetime64[us]").item()
        if isinstance(found, int):
            raise InvalidValueError(f"the time {shown(value)} is outside the years 1 to 9999")
        return found
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if type(value).__name__ in {"NaTType", "NAType"}:  # pandas' missing values, without importing pandas
        return None
    return value


def _kind(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise InvalidValueError(f"metadata {shown(key)}: {shown(value)} does not fit in 64 bits")
        return "integer"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        if not is_unicode(value):
            raise InvalidValueError(f"metadata {shown(key)}: {shown(value)} is not valid Unicode")
        return "string"
    if isinstance(value, datetime):
        return "datetime"
    if isinstance(value, date):
        return "date"
    if isinstance(value, list | tuple | Mapping):
        return "json"
    raise InvalidTypeError(
        f"metadata {shown(key)}: {shown(value)} is a {type(value).__name__}; "
        "expected a number, text, bool, date, datetime, list or dict"
    )


def _exact_float(key: str, value: float) -> float:
    if isinstance(value, int) and abs(value) > _EXACT_IN_FLOAT:
        raise InvalidValueError(f"metadata {shown(key)}: {value} does not fit exactly beside numbers with a fraction")
    return float(value)


def _json(key: str, value: Any) -> str:
    try:
        return json.dumps(_plain(value), allow_nan=False, ensure_ascii=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTypeError(f"metadata {shown(key)}: {shown(value)} has no JSON form ({error})") from error


def _plain(value: Any) -> Any:
    value = _native(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
