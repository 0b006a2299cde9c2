"""Facility location on a neighbor graph: Σ over all rows of the largest similarity to a pick.

A pick covers its own edges' rows better, and only the rows that these point to have less to add: what every row would
add is kept current by touching those alone, a few thousand values per pick. Sums that drift are settled afresh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError
from lightly_widget.threads import aside

from .checks import check_finite, check_matrix
from .terms import F32, F64, I64, Beats, Floats, Potential, Runners, Setting, Steps, Term

DRIFT = 1e-9  # of a sum that many differences were taken from; far above what rounding makes of it


@dataclass(frozen=True)
class FacilityLocation(Term):
    """Rows that stand for many: P = Σ over all rows of the largest similarity to a pick, on a neighbor graph.

    `indices` (n, k): row j's neighbors, each once, −1 where there is none; `similarities` (n, k) in 0…1. A row's
    similarity to itself is 1, and 0 where there is no edge.
    """

    indices: NDArray[np.int32]
    similarities: F32
    strength: float = 1.0

    def check(self, n_rows: int) -> None:
        check_matrix("FacilityLocation.indices", self.indices, n_rows)
        check_matrix("FacilityLocation.similarities", self.similarities, n_rows)
        if self.indices.shape != self.similarities.shape:
            raise InvalidValueError(
                f"FacilityLocation.indices {self.indices.shape} and .similarities {self.similarities.shape} must agree"
            )
        if not np.issubdtype(self.indices.dtype, np.integer):
            raise InvalidValueError(f"FacilityLocation.indices must be integers, got {self.indices.dtype}")
        check_finite("FacilityLocation.similarities", self.similarities)
        if not self.indices.size:
            return
        if self.indices.min() < -1 or self.indices.max() >= n_rows:
            raise InvalidValueError(f"FacilityLocation.indices must be in −1…{n_rows - 1}")
        if self.similarities.min() < 0 or self.similarities.max() > 1:
            raise InvalidValueError("FacilityLocation.similarities must be in 0…1")

    def potential(self, setting: Setting) -> Potential:
        return FacilityPotential(self)


class FacilityPotential(Potential):
    """`more` is the similarity that a row would add."""

    tightens = False
    unit_of_rounding = 1.0  # a similarity to itself

    def __init__(self, term: FacilityLocation) -> None:
        super().__init__(term.strength)
        self.targets, self.likeness = term.indices, term.similarities
        self.covered = np.zeros(len(term.indices))
        self.total = self.marked = 0.0
        self.side = DRIFT if term.strength > 0 else -DRIFT

    def prepare(self) -> Beats:
        yield from aside(self._turn_edges)

    def _turn_edges(self) -> None:
        from scipy.sparse import csc_array, csr_array

        n = len(self.targets)
        self.real = (self.targets >= 0) & (self.targets != np.arange(n, dtype=self.targets.dtype)[:, None])
        ends = np.concatenate([[0], np.cumsum(self.real.sum(axis=1))])
        # Edges by target: whom a pick would cover, and how well.
        edges = csc_array(csr_array((self.likeness[self.real], self.targets[self.real], ends), shape=(n, n)))
        self.source, self.similarity, self.starts = edges.indices, edges.data, edges.indptr
        # Each row covers itself, and is pointed to with these similarities; nothing is covered yet.
        # Summed in float64: the sparse matrix would sum in its own float32 first, whatever dtype is asked for.
        self.more = 1.0 + np.bincount(self.targets[self.real], weights=self.likeness[self.real], minlength=n)

    def bounds(self) -> Floats:
        return np.asarray(self.more + self.side)

    def bounds_at(self, rows: I64) -> Floats:
        return np.asarray(self.more[rows] + self.side)

    def exact(self, rows: I64) -> F64:
        return np.array([self.gain_of(row) for row in rows.tolist()])

    def gain_of(self, row: int) -> float:
        edges = slice(self.starts[row], self.starts[row + 1])
        better = np.maximum(self.similarity[edges] - self.covered[self.source[edges]], 0.0)
        return float(better.sum() + (1.0 - self.covered[row]))

    def base(self) -> float:
        return self.total

    def mark(self) -> None:
        self.marked = self.total

    def lift(self) -> float:
        return 0.0 if self.strength > 0 and self.marked > 0 else math.inf

    def relative(self, more: Floats) -> Floats:
        return super().relative(np.maximum(more, 0))

    def inform(self, row: int) -> Beats:
        edges = slice(self.starts[row], self.starts[row + 1])
        source, now = self.source[edges], self.similarity[edges].astype(np.float64)
        better = now > self.covered[source]
        rows, now = np.append(source[better], row), np.append(now[better], 1.0)
        before = self.covered[rows]
        self.covered[rows] = now
        self.total += float((now - before).sum())
        self.more[rows] -= now - before
        similarity = np.where(self.real[rows], self.likeness[rows], 0.0)
        less = np.maximum(similarity - before[:, None], 0.0) - np.maximum(similarity - now[:, None], 0.0)
        at = less > 0
        np.subtract.at(self.more, self.targets[rows][at], less[at])
        yield from ()

    def pick_alone(self, runners: Runners, wanted: int) -> Steps | None:
        return self._cover(runners, wanted) if self.strength > 0 else None

    def _cover(self, runners: Runners, wanted: int) -> Steps:
        more = self.more
        more[runners.closed] = -np.inf
        for _ in range(wanted):
            close = np.flatnonzero(more >= more.max() - 2 * DRIFT)
            exact = self.exact(close)
            row = int(close[exact >= exact.max() - self.tolerance(float(exact.max()))].min())
            yield row, self.gain_of(row)
            yield from runners.take(row)
            more[row] = -np.inf
        return True
