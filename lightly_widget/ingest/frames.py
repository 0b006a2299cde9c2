"""Tables of any make → polars."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lightly_widget.errors import (
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetError,
    MissingDependencyError,
    StorageError,
    shown,
)
from lightly_widget.plain import check_depth


def frame_from_any(table: object, *, argument: str = "frame") -> pl.DataFrame:
    """A polars frame from a polars, pandas or pyarrow table, a Parquet file, a dict of columns or a list of dicts.

    The pandas index is left out unless it has a name.

    Raises:
        InvalidTypeError: not a table, or a column holds values of mixed types.
        InvalidValueError: columns of unequal length or with equal names, or a file that is not Parquet.
        StorageError: the file cannot be read.
        MissingDependencyError: pandas needs pyarrow to be converted.
    """
    try:
        frame = _convert(table, argument)
    except LightlyWidgetError:
        raise
    except (pl.exceptions.ShapeError, pl.exceptions.DuplicateError, pl.exceptions.PanicException, ValueError) as error:
        raise InvalidValueError(
            f"{argument} is not a table that can be read: {shown(_first_line(error), 300)}"
        ) from error
    except ImportError as error:
        raise MissingDependencyError(f"{argument}: {error}; pip install pandas pyarrow") from error
    except OSError as error:
        reason = error.strerror or _first_line(error)  # the whole would repeat a long path
        raise StorageError(f"{argument} {shown(table)} cannot be read: {reason}") from error
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise InvalidTypeError(f"{argument} has a column of mixed types: {shown(_first_line(error), 300)}") from error
    objects = [name for name, dtype in frame.schema.items() if dtype == pl.Object]
    if objects:
        raise InvalidTypeError(f"{argument}: column {shown(objects[0])} holds Python objects that cannot be stored")
    return frame


def _convert(table: object, argument: str) -> pl.DataFrame:
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, str | os.PathLike):
        return _read_parquet(table, argument)
    module = type(table).__module__.partition(".")[0]
    if module == "pandas" and hasattr(table, "columns"):
        return _from_pandas(table, argument)
    if module == "pyarrow":
        return _from_arrow(table, argument)
    if isinstance(table, Mapping) and all(isinstance(name, str) for name in table):
        return pl.DataFrame([_column(name, values) for name, values in table.items()])
    if isinstance(table, list) and all(isinstance(row, Mapping) for row in table):
        # By columns: from rows polars turns 1 beside "x" into "1", and 1 beside {"b": 1} into null, without a word.
        names = dict.fromkeys(name for row in table for name in row)
        if not all(isinstance(name, str) for name in names):
            raise InvalidTypeError(f"{argument}: column names must be strings, got {shown(list(names))}")
        return pl.DataFrame([_column(name, [row.get(name) for row in table]) for name in names])
    raise InvalidTypeError(
        f"{argument} must be a polars, pandas or pyarrow table, a Parquet path, a dict of columns or a list "
        f"of dicts, got {type(table).__name__}"
    )


def _column(name: str, values: Any) -> pl.Series:
    """A series of one type; integers beside floats become floats where that loses nothing."""
    if values is None or isinstance(values, str | bytes | Mapping):
        raise InvalidTypeError(f"column {shown(name)} must be a list of values, got {type(values).__name__}")
    if isinstance(values, tuple):
        values = list(values)
    if isinstance(values, list | np.ndarray):
        check_depth(f"column {shown(name)}", [values] if isinstance(values, np.ndarray) else values)
    if not isinstance(values, list):
        return pl.Series(name, values)
    try:
        return pl.Series(name, values, strict=True)
    except TypeError:
        numbers = [value for value in values if value is not None]
        if all(type(value) is float or (type(value) is int and abs(value) <= 2**53) for value in numbers):
            return pl.Series(name, values, dtype=pl.Float64, strict=False)
        raise


def _read_parquet(path: str | os.PathLike[str], argument: str) -> pl.DataFrame:
    text = os.fspath(path)
    if "\0" in text or not text:
        raise InvalidValueError(f"{argument} {shown(text)} is not a path")
    if "://" not in text and not Path(text).expanduser().is_file():
        raise InvalidValueError(f"{argument}: there is no file {shown(text, 300)}")
    try:
        # glob=False: a name may hold brackets.
        return pl.read_parquet(text, glob=False)
    except (pl.exceptions.ComputeError, pl.exceptions.PanicException) as error:
        raise InvalidValueError(
            f"{argument}: {shown(text, 300)} is not a Parquet file: {_first_line(error)}"
        ) from error


def _from_pandas(table: Any, argument: str) -> pl.DataFrame:
    for name, dtype in zip(table.columns, table.dtypes, strict=True):
        if dtype.name == "object":  # numpy's, not a pandas type of its own
            check_depth(f"{argument}: column {shown(name)}", table[name])
    named = [name for name in table.index.names if name is not None]
    columns = [str(name) for name in table.columns]
    if len({*columns, *map(str, named)}) < len(columns) + len(named):
        raise InvalidValueError(f"two columns have the same name: {shown(columns)}")
    return pl.from_pandas(table, include_index=bool(named))


def _from_arrow(table: Any, argument: str) -> pl.DataFrame:
    import pyarrow

    if isinstance(table, pyarrow.RecordBatchReader):
        table = table.read_all()
    if not isinstance(table, pyarrow.Table | pyarrow.RecordBatch):
        raise InvalidTypeError(f"{argument} must be a table, got {type(table).__name__}")
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
