"""Diversity of rows and of their parts: B(S) plus the squared distance to the nearest pick."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lightly_widget.errors import InvalidValueError, shown

from .checks import check_embeddings
from .farthest import farthest
from .nearest import TINY, NearestPick, product
from .terms import F32, F64, I64, LOG_SMALLEST, Beats, Bools, Floats, Potential, Runners, Setting, Steps, Term
from .torch_nearest import make_nearest


@dataclass(frozen=True)
class Diversity(Term):
    """Rows far from the selection: P = B(S) + squared Euclidean distance to the nearest pick.

    `embeddings` (n, d) float32, may be memory-mapped. With `minimum_distance` (Euclidean), rows nearer than it to the
    selection are not eligible.
    """

    embeddings: F32
    strength: float = 1.0
    minimum_distance: float | None = None

    def check(self, n_rows: int) -> None:
        check_embeddings("Diversity.embeddings", self.embeddings, n_rows)
        distance = self.minimum_distance
        if distance is not None and not (math.isfinite(distance) and distance >= 0):
            raise InvalidValueError(f"Diversity.minimum_distance must be finite and at least 0, got {shown(distance)}")

    def potential(self, setting: Setting) -> Potential:
        return DiversityPotential(self, setting)


@dataclass(frozen=True)
class SubpartDiversity(Term):
    """Diversity of crops: P = B(crops of S) + mean over a row's crops of the squared distance to the nearest crop.

    `embeddings` (m, d) float32, one row per crop; `rows` (m,) the owner of each crop. P is 0 for rows without crops.
    """

    embeddings: F32
    rows: I64
    strength: float = 1.0

    def check(self, n_rows: int) -> None:
        check_embeddings("SubpartDiversity.embeddings", self.embeddings, None)
        rows = np.asarray(self.rows)
        if rows.shape != (len(self.embeddings),) or (rows.size and not np.issubdtype(rows.dtype, np.integer)):
            raise InvalidValueError(
                f"SubpartDiversity.rows must name one row per crop: {len(self.embeddings):,} numbers, got {rows.shape}"
            )
        if rows.size and not (rows.min() >= 0 and rows.max() < n_rows):
            raise InvalidValueError(f"SubpartDiversity.rows must be in 0…{n_rows - 1}, got {rows.min()}…{rows.max()}")

    def potential(self, setting: Setting) -> Potential:
        return SubpartPotential(self, setting)


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
        self.marked = 0.0  # B when all bounds were last taken

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

    def mark(self) -> None:
        self.marked = self.base()

    def lift(self) -> float:
        """A pick lowers B where it is near to others: then all rise, at most as a row without any limit would."""
        if self.strength < 0 or self.marked == 0:
            return math.inf
        base = self.base()
        if base >= self.marked:
            return 0.0
        return math.inf if base == 0 else self.strength * self._rise(base)

    def _rise(self, base: float) -> float:
        return math.log(self.marked / base)

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
    def __init__(self, term: Diversity, setting: Setting) -> None:
        near = make_nearest(
            term.embeddings,
            setting.capacity,
            "Diversity.embeddings",
            setting.device,
            shadowed=setting.alone and term.strength > 0,
        )
        super().__init__(term.strength, near, setting.alone)
        self.minimum = term.minimum_distance or 0.0
        self.highest = math.inf  # of all bounds when they were last taken

    def bounds(self) -> Floats:
        return self.near_bounds(slice(None))

    def mark(self) -> None:
        super().mark()
        self.highest = float(self.near.bound.max(initial=0.0))

    def _rise(self, base: float) -> float:
        return math.log1p(self.highest / base) - math.log1p(self.highest / self.marked)

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

    def pick_alone(self, runners: Runners, wanted: int) -> Steps | None:
        if self.strength < 0:
            return None
        return farthest(self.near, np.square(self.minimum / self.near.unit), runners, wanted)


class SubpartPotential(NearPotential):
    decides_alone = False  # P is 0 for rows without crops, which is below any B

    def __init__(self, term: SubpartDiversity, setting: Setting) -> None:
        owner = np.asarray(term.rows, dtype=np.int64)
        self.crops = np.argsort(owner, kind="stable")
        self.count = np.bincount(owner, minlength=setting.n_rows)
        self.starts = np.concatenate([[0], np.cumsum(self.count)])
        self.owner = owner
        most = int(np.sort(self.count)[::-1][: setting.capacity].sum()) if setting.capacity else 0
        near = make_nearest(term.embeddings, most, "SubpartDiversity.embeddings", setting.device, shadowed=False)
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
