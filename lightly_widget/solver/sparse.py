"""Rows of which a few numbers are kept, in one array of bounded size."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from .terms import F32, F64, I64, Bools

PORTION = 400_000  # numbers handled at once


class SparseRows:
    """For some of n rows: columns and positive values. Values that are no longer wanted go when room is needed."""

    def __init__(self, n: int, most: int) -> None:
        self.start = np.full(n, -1, dtype=np.int64)
        self.length = np.zeros(n, dtype=np.int32)
        # Pages that nothing is written to take no memory.
        self.column: NDArray[np.uint16] = np.empty(most, dtype=np.uint16)
        self.value: F32 = np.empty(most, dtype=np.float32)
        self.most, self.used = most, 0
        self.lock = threading.Lock()

    def holds(self, rows: I64) -> Bools:
        return np.asarray(self.start[rows] >= 0)

    def columns(self, row: int) -> I64 | None:
        if self.start[row] < 0:
            return None
        return self.column[self.start[row] : self.start[row] + self.length[row]].astype(np.int64)

    def put(self, rows: I64, count: I64, column: NDArray[np.uint16], value: F32) -> None:
        """`count` numbers for each of the rows, one row after the other; left out where there is no room."""
        with self.lock:
            start, end = self.used, self.used + len(column)
            if end > self.most:
                return
            self.used = end
        self.column[start:end], self.value[start:end] = column, value
        self.length[rows] = count
        self.start[rows] = start + np.cumsum(count) - count

    def portions(self, rows: I64) -> list[I64]:
        """The rows, cut so that each part has a bounded number of values."""
        ends = np.cumsum(self.length[rows], dtype=np.int64) // PORTION
        return [part for part in np.split(rows, np.flatnonzero(np.diff(ends)) + 1) if len(part)]

    def sum_above(self, rows: I64, floor: F64, factor: float, weight: F64) -> F64:
        """(len(rows),) Σ weight[column] · max(factor · value − floor[column], 0).

        Rows with many values below the floor lose these.
        """
        place, length = self._places(rows), self.length[rows].astype(np.int64)
        column, value = self.column[place], self.value[place]
        above = value * factor - floor[column]
        owner = np.repeat(np.arange(len(rows)), length)
        total = np.bincount(owner, weights=np.maximum(above, 0) * weight[column], minlength=len(rows))
        # What float32 rounding could still lift above the floor stays.
        wanted = value * (max(factor, 1 / factor) * (1 + 1e-6)) > floor[column]
        if np.count_nonzero(wanted) < 0.7 * len(place):
            self._shorten(rows, owner[wanted], column[wanted], value[wanted])
        return np.asarray(total, dtype=np.float64)

    def _places(self, rows: I64) -> I64:
        length = self.length[rows].astype(np.int64)
        ends = np.cumsum(length)
        return np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.start[rows] - ends + length, length)

    def _shorten(self, rows: I64, owner: I64, column: NDArray[np.uint16], value: F32) -> None:
        """Keep these numbers, in the places that the rows have."""
        count = np.bincount(owner, minlength=len(rows))
        self.length[rows] = count
        place = self._places(rows)
        self.column[place], self.value[place] = column, value

    def nearly_full(self) -> bool:
        return self.used >= 0.8 * self.most

    def make_room(self, bound: F64, floor: F64, reach: float) -> None:
        """Drop what is not above the floor any more, then the rows of the lowest bounds."""
        rows = np.flatnonzero(self.start >= 0)
        rows = rows[np.argsort(-bound[rows], kind="stable")]
        self.used, room = 0, self.most // 2
        kept: list[tuple[I64, I64, NDArray[np.uint16], F32]] = []
        for part in self.portions(rows):
            place, length = self._places(part), self.length[part].astype(np.int64)
            owner, column, value = np.repeat(np.arange(len(part)), length), self.column[place], self.value[place]
            wanted = value * reach > floor[column]
            room -= int(np.count_nonzero(wanted))
            if room < 0:
                break
            count = np.bincount(owner[wanted], minlength=len(part))
            kept.append((part, count, column[wanted], value[wanted]))
        self.start[:] = -1
        for piece in kept:
            self.put(*piece)
