"""The checks on the arrays that terms are made of; errors name the term's field and the first row that is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError

from .terms import I64


def check_rows(name: str, rows: Any, n_rows: int) -> I64:
    """`rows` as unique int64, in order of first appearance; each must be in 0…n_rows−1."""
    values = np.asarray(rows)
    if values.size == 0:
        return np.empty(0, dtype=np.int64)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise InvalidValueError(f"{name} must be a 1-d array of whole row numbers, got {values.dtype} {values.shape}")
    wrong = (values < 0) | (values >= n_rows)
    if wrong.any():
        raise InvalidValueError(f"{name} holds {int(wrong.sum()):,} rows outside 0…{n_rows - 1}, as {values[wrong][0]}")
    unique, first = np.unique(values.astype(np.int64), return_index=True)
    return np.asarray(unique[np.argsort(first)])


def check_matrix(name: str, array: Any, rows: int | None) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise InvalidValueError(f"{name} must be a 2-d array, got {getattr(array, 'shape', type(array).__name__)}")
    if rows is not None and len(array) != rows:
        raise InvalidValueError(f"{name} has {len(array):,} rows, expected one for each of {rows:,} candidates")


def check_embeddings(name: str, array: Any, rows: int | None) -> None:
    check_matrix(name, array, rows)
    if array.dtype != np.float32:
        raise InvalidValueError(f"{name} must be float32, got {array.dtype}; use .astype(numpy.float32)")
    if array.shape[1] == 0 and len(array):
        raise InvalidValueError(f"{name} has rows of length 0")


def check_finite(name: str, array: NDArray[Any]) -> None:
    """Raise naming how many rows of `array` hold NaN or infinity, and the first."""
    bad = ~np.isfinite(array)
    if bad.ndim > 1:
        bad = bad.any(axis=1)
    if bad.any():
        rows = np.flatnonzero(bad)
        raise InvalidValueError(f"{name} has {len(rows):,} rows with NaN or infinity, the first is row {rows[0]}")


def check_one_per_row(name: str, values: Any, n_rows: int) -> None:
    shape = np.shape(values)
    if shape != (n_rows,):
        raise InvalidValueError(f"{name} must be one per candidate, ({n_rows:,},), got {shape}")
    check_finite(name, np.asarray(values))
