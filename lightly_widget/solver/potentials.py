"""One class per term: bounds on what each row would add to the term's potential, and exact values on request.

P(S ∪ {i}) is kept as `base` (the same for every row) and `more` (of row i), so that small differences survive a large
base. The greedy loop asks for cheap bounds of `more` on the helpful side (upper for a positive strength, lower for a
negative one), tightens them for the rows on top, and settles the last few exactly.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .nearest import TINY, Beats, NearestPick, product
from .terms import F64, I64, Bools, Diversity, SubpartDiversity, Weighting
from .torch_nearest import make_nearest

SMALLEST = float(np.finfo(np.float64).tiny)
LOG_SMALLEST = math.log(SMALLEST)
Floats = NDArray[Any]


class Potential(ABC):
    """A term's state. `strength` is not 0; its sign says which side the bounds are on."""

    decides_alone = True
    """Whether, as the only term, rows can be compared by `more` itself."""
    tightens = True
    """Whether `tighten` improves bounds."""
    unit_of_rounding = 0.0
    """The size of the numbers that `more` is a difference of: as the only term, its ties are judged by it."""

    def __init__(self, strength: float) -> None:
        self.strength = float(strength)

    def prepare(self) -> Beats:
        """Long preparations, in steps."""
        yield from ()

    def update(self) -> Beats:
        """Before the bounds of the next pick are asked for."""
        yield from ()

    @abstractmethod
    def bounds(self) -> Floats:
        """(n,) of `more`, on the helpful side. Not to be changed by the caller."""

    @abstractmethod
    def bounds_at(self, rows: I64) -> Floats:
        """The same for a few rows, after they were tightened."""

    def log_bounds(self) -> Floats:
        """(n,) bounds of `relative`."""
        return self.relative(self.bounds())

    def tighten(self, rows: I64) -> Beats:
        """Make `bounds` of these rows as good as they cheaply get."""
        yield from ()

    @abstractmethod
    def exact(self, rows: I64) -> F64:
        """(len(rows),) `more` in float64; NaN where the row is not eligible."""

    @abstractmethod
    def base(self) -> float: ...

    def relative(self, more: Floats) -> Floats:
        """log P(S ∪ {i}) − log P(S), or log P(S ∪ {i}) while P(S) is 0."""
        base = self.base()
        if base > 0:
            return np.asarray(np.log1p(more / more.dtype.type(base)))
        tiny = more.dtype.type(SMALLEST if more.dtype == np.float64 else np.finfo(np.float32).tiny)
        out = np.log(np.maximum(more, tiny))
        if self.strength < 0:  # a lower bound is wanted
            out[more < tiny] = LOG_SMALLEST
        return np.asarray(out)

    def log_base(self) -> float:
        base = self.base()
        return math.log(base) if base > 0 else 0.0

    @abstractmethod
    def inform(self, row: int) -> Beats:
        """The row joins the selection."""

    def forget(self, rows: I64) -> None:  # noqa: B027 - most terms do not care
        """These rows will never be picked."""

    def hopeless(self) -> Bools | None:
        """(n,) rows that can never be eligible again, where the term knows such."""
        return None

    def gain(self, row: int, more: float) -> float:
        """What is reported for a pick where this is the only term."""
        return more


class WeightingPotential(Potential):
    tightens = False

    def __init__(self, term: Weighting) -> None:
        super().__init__(term.strength)
        self.raw = np.asarray(term.weights, dtype=np.float64)
        weights = self.raw - min(0.0, float(self.raw.min(initial=0.0)))
        # A common factor changes no comparison; without it float32 bounds serve weights of any size.
        self.unit = float(weights.max(initial=0.0)) or 1.0
        self.weights = weights / self.unit
        self.rough = self.weights.astype(np.float32)
        self.total = 0.0

    def bounds(self) -> Floats:
        return self.rough

    def bounds_at(self, rows: I64) -> Floats:
        return np.asarray(self.rough[rows])

    def exact(self, rows: I64) -> F64:
        return np.asarray(self.weights[rows])

    def base(self) -> float:
        return self.total

    def log_base(self) -> float:
        return super().log_base() + math.log(self.unit)

    def inform(self, row: int) -> Beats:
        self.total += float(self.weights[row])
        yield from ()

    def gain(self, row: int, more: float) -> float:
        return float(self.raw[row])


class Spread:
    """B(S): Σ over the points of S of the squared distance to the nearest other point of S."""

    def __init__(self, near: NearestPick) -> None:
        self.near = near
        self.nearest = np.empty(16)

    def total(self) -> float:
        return float(self.nearest[: self.near.size].sum()) if self.near.size > 1 else 0.0

    def include_newest(self) -> None:
        """Account for the point that `near` got last."""
        near, k = self.near, self.near.size - 1
        if k == len(self.nearest):
            self.nearest = np.concatenate([self.nearest, np.empty(k)])
        known = self.nearest[:k]
        self.nearest[k] = np.inf
        vector = near.points(k, k + 1)[0]
        for at in range(0, k, 4096):
            high = min(k, at + 4096)
            reach = near.point_squares[at:high] + near.point_squares[k]
            lower = reach * (1 - 2 * near.gamma) - 4 * TINY - 2 * product(near.points(at, high), vector)
            # Only points nearer than their own nearest matter, and those that may be the new point's nearest.
            upper = (lower + 2 * near.gamma * reach + 4 * TINY).min()
            j = at + np.flatnonzero(lower <= np.maximum(known[at:high], min(float(upper), self.nearest[k])))
            distance = self._distances(j, k)
            known[j] = np.minimum(known[j], distance)
            self.nearest[k] = min(self.nearest[k], distance.min(initial=np.inf))

    def _distances(self, j: I64, k: int) -> F64:
        rows = self.near.rows
        step = max(1, 1_000_000 // max(self.near.d, 1))
        parts = [self.near.apart(rows[j[s : s + step]], rows[k : k + 1]) for s in range(0, len(j), step)]
        return np.concatenate([np.empty(0), *parts])


class NearPotential(Potential):
    """What diversity over rows and over crops share."""

    near: NearestPick

    def __init__(self, strength: float, near: NearestPick, alone: bool) -> None:
        super().__init__(strength)
        self.near = near
        # A single term is decided by `more` alone, and B costs a pass over the picks.
        self.spread = None if alone else Spread(near)
        self.every = np.arange(len(near.bound))

    def prepare(self) -> Beats:
        return self.near.prepare()

    def base(self) -> float:
        return self.spread.total() if self.spread is not None and self.near.size else 0.0

    def relative(self, more: Floats) -> Floats:
        if self.near.size == 0:
            return np.asarray(np.where(more < 0, more.dtype.type(LOG_SMALLEST), more.dtype.type(0)))
        return super().relative(more)

    def add(self, row: int) -> Beats:
        self.near.add(row)
        if self.spread is not None:
            self.spread.include_newest()
        if self.strength < 0:
            yield from self.near.refresh(self.every)

    def log_base(self) -> float:
        return super().log_base() + (2 * math.log(self.near.unit) if self.near.size else 0.0)

    def gain(self, row: int, more: float) -> float:
        if self.near.size == 0 and more > 0:
            return math.inf
        return math.sqrt(max(more, 0.0)) * self.near.unit

    def near_exact(self, rows: I64) -> F64:
        return self.near.exact(rows) if self.near.size else np.ones(len(rows))

    def near_bounds(self, rows: I64 | slice) -> Floats:
        near = self.near
        if near.size == 0:  # all rows are alike
            return np.ones(len(near.bound[rows]), dtype=np.float32)
        if self.strength > 0:
            return np.asarray(near.bound[rows])
        return np.asarray(np.maximum(near.bound[rows] - near.slack(rows), 0))


class DiversityPotential(NearPotential):
    def __init__(self, term: Diversity, capacity: int, alone: bool, device: str | None) -> None:
        near = make_nearest(term.embeddings, capacity, "Diversity.embeddings", device, alone and term.strength > 0)
        super().__init__(term.strength, near, alone)
        self.minimum = term.minimum_distance or 0.0

    def bounds(self) -> Floats:
        return self.near_bounds(slice(None))

    def bounds_at(self, rows: I64) -> Floats:
        return self.near_bounds(rows)

    def tighten(self, rows: I64) -> Beats:
        return self.near.refresh(rows)

    def exact(self, rows: I64) -> F64:
        squared = self.near_exact(rows)
        if self.minimum and self.near.size:
            squared = np.where(np.sqrt(squared) * self.near.unit < self.minimum, np.nan, squared)
        return np.asarray(squared)

    def hopeless(self) -> Bools | None:
        if not self.minimum:
            return None
        return np.asarray(self.near.bound < np.square(self.minimum / self.near.unit) * (1 - 1e-6))

    def inform(self, row: int) -> Beats:
        return self.add(row)


class SubpartPotential(NearPotential):
    decides_alone = False  # P is 0 for rows without crops, which is below any B

    def __init__(self, term: SubpartDiversity, n_rows: int, capacity: int, device: str | None) -> None:
        owner = np.asarray(term.rows, dtype=np.int64)
        self.crops = np.argsort(owner, kind="stable")
        self.count = np.bincount(owner, minlength=n_rows)
        self.starts = np.concatenate([[0], np.cumsum(self.count)])
        self.owner = owner
        most = int(np.sort(self.count)[::-1][:capacity].sum()) if capacity else 0
        near = make_nearest(term.embeddings, most, "SubpartDiversity.embeddings", device, shadowed=False)
        super().__init__(term.strength, near, alone=False)

    def _crops(self, rows: I64) -> tuple[I64, I64]:
        """All crops of `rows`, and for each its position in `rows`."""
        position = np.repeat(np.arange(len(rows)), self.count[rows])
        offset = np.arange(len(position)) - np.repeat(np.cumsum(self.count[rows]) - self.count[rows], self.count[rows])
        return self.crops[self.starts[rows][position] + offset], position

    def _mean(self, owner: I64, values: Floats, count: I64) -> F64:
        """Mean per owner; −1 without crops, which `relative` knows."""
        total = np.bincount(owner, weights=values, minlength=len(count))
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), -1.0))

    def bounds(self) -> Floats:
        return self._mean(self.owner, self.near_bounds(slice(None)), self.count)

    def bounds_at(self, rows: I64) -> Floats:
        crops, position = self._crops(rows)
        return self._mean(position, self.near_bounds(crops), self.count[rows])

    def tighten(self, rows: I64) -> Beats:
        return self.near.refresh(self._crops(rows)[0])

    def exact(self, rows: I64) -> F64:
        crops, position = self._crops(rows)
        return self._mean(position, self.near_exact(crops), self.count[rows])

    def relative(self, more: Floats) -> Floats:
        # P is 0, not B, for a row without crops.
        floor = LOG_SMALLEST - Potential.log_base(self)
        return np.asarray(np.where(more < 0, floor, super().relative(np.maximum(more, 0))))

    def inform(self, row: int) -> Beats:
        for crop in self.crops[self.starts[row] : self.starts[row + 1]].tolist():
            yield from self.add(crop)
