"""Class balancing: the cross-entropy of the target and the class shares of the selection plus a row.

With T_c the summed counts, T their sum, s the row's sum and x_c = c_c / T_c, the row changes the cross-entropy by
    G = τ · log(1 + s/T) − Σ t_c · log(1 + x_c)        over the classes with T_c > 0, τ their share of the target.
log(1 + x) ≤ x − x² / (2 + 2x) and log(1 + y) ≥ y − y²/2 turn that into one matrix-vector product per pick and a second
order that is computed only now and then. Only the rows whose bound is best are computed with logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.threads import aside, at_once, in_steps

from .checks import check_finite, check_matrix
from .nearest import product
from .terms import F32, F64, I64, LOG_SMALLEST, SMALLEST, TIE, Beats, Floats, Potential, Setting, Term

FLOOR = 1e-7  # of a class share inside the cross-entropy
KEPT = 0.85  # the second order is computed again when it may have shrunk below this part
SMALL = 40_000  # counts; below this, logarithms of everything are as fast as the bounds


@dataclass(frozen=True)
class Balancing(Term):
    """Class shares near a target: P = 1 / cross-entropy of the target and the selection's summed counts.

    `counts` (n, c) ≥ 0 (instances per class, or one-hot); `target` (c,) ≥ 0, normalized here.
    """

    counts: NDArray[Any]
    target: F64
    strength: float = 1.0

    def check(self, n_rows: int) -> None:
        check_matrix("Balancing.counts", self.counts, n_rows)
        check_finite("Balancing.counts", self.counts)
        if self.counts.size and self.counts.min() < 0:
            raise InvalidValueError(f"Balancing.counts must not be negative, got {self.counts.min()}")
        target = np.asarray(self.target, dtype=np.float64)
        if target.shape != (self.counts.shape[1],):
            raise InvalidValueError(
                f"Balancing.target must hold one share for each of {self.counts.shape[1]} classes, got {target.shape}"
            )
        if not (np.isfinite(target).all() and (target >= 0).all() and target.sum() > 0):
            raise InvalidValueError(
                f"Balancing.target must be finite, not negative and above 0 in sum, got {shown(target.tolist())}"
            )

    def potential(self, setting: Setting) -> Potential:
        return BalancingPotential(self)


class BalancingPotential(Potential):
    """`more` is the fall of the cross-entropy; P = 1 / cross-entropy."""

    tightens = False

    def __init__(self, term: Balancing) -> None:
        super().__init__(term.strength)
        self.counts = term.counts
        target = np.asarray(term.target, dtype=np.float64)
        self.target = target / target.sum()
        self.sums = np.zeros(len(target))
        self.entropy = self._entropies(self.sums[None, :])[0]
        self.latest: Floats = np.empty(0)
        self.marked: Floats | None = None  # each count vector's summand when all bounds were last taken

    def prepare(self) -> Beats:
        self.unique, self.group = yield from aside(lambda: distinct(self.counts))
        largest = float(self.unique.max(initial=0))
        if largest and not 1e-6 < largest < 1e6:  # shares know no unit, float32 does
            self.unique = self.unique.astype(np.float64) / largest
        self.exactly = self.unique.size <= SMALL or self.strength < 0
        if not self.exactly:
            yield from aside(self._prepare_bounds)

    def _prepare_bounds(self) -> None:
        self.rough = np.ascontiguousarray(self.unique, dtype=np.float32)
        self.row_sums = self.rough.sum(axis=1)
        self.row_squares = np.square(self.row_sums)
        self.largest = self.rough.max(axis=0).astype(np.float64)
        self.bent: F32 = np.empty(0, dtype=np.float32)  # the second order, as of `bent_by`
        self.bent_by = np.zeros(len(self.target))
        self.left = np.ones(len(self.unique), int) if self.group is None else np.bincount(self.group)
        self.holders = np.count_nonzero(self.rough, axis=0)  # vectors that rows can still bring, per class

    def _entropies(self, sums: F64) -> F64:
        total = sums.sum(axis=1, keepdims=True)
        shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        return np.asarray(-(np.log(np.maximum(shares, FLOOR)) @ self.target))

    def _all_falls(self) -> Generator[None, None, F64]:
        """How much each distinct count vector would lower the cross-entropy."""
        out = np.empty(len(self.unique))
        step = max(1, 200_000 // max(1, self.unique.shape[1]))

        def part(start: int) -> None:
            out[start : start + step] = self._falls(self.unique[start : start + step])

        yield from in_steps(part, range(0, len(out), step))
        return out

    def _falls(self, vectors: NDArray[np.generic]) -> F64:
        total = float(self.sums.sum())
        live = self.sums > 0
        part = vectors.astype(np.float64)
        whole = part.sum(axis=1)
        # Differences from the present state keep their digits where nothing touches the floor.
        if total > 0 and self._differences_hold(part, whole, total, live):
            change = np.log1p(part[:, live] / self.sums[live]) @ self.target[live]
            return np.asarray(change - self.target[live].sum() * np.log1p(whole / total))
        return np.asarray(self.entropy - self._entropies(self.sums + part))

    def _differences_hold(self, part: F64, whole: F64, total: float, live: NDArray[np.bool_]) -> bool:
        wanted = self.target > 0
        above = bool((self.sums[live & wanted] > FLOOR * (total + whole.max(initial=0.0))).all())
        return above and not part[:, wanted & ~live].any()

    def update(self) -> Beats:
        self.latest = (yield from self._all_falls()) if self.exactly else (yield from self._upper())

    def bounds(self) -> Floats:
        return self.latest if self.group is None else np.asarray(self.latest[self.group])

    def log_bounds(self) -> Floats:
        logs = self.relative(self.latest)
        return logs if self.group is None else np.asarray(logs[self.group])

    def bounds_at(self, rows: I64) -> Floats:
        return np.asarray(self.latest[rows if self.group is None else self.group[rows]])

    def _upper(self) -> Generator[None, None, Floats]:
        total = float(self.sums.sum())
        wanted, live = self.target > 0, self.sums > 0
        reach = FLOOR * (total + float(self.row_sums.max()))
        if total == 0 or (self.holders[wanted & ~live] > 0).any() or not (self.sums[wanted & live] > reach).all():
            return (yield from self._all_falls())
        used = wanted & live
        share = float(self.target[used].sum())
        ratio = np.divide(self.target, self.sums, out=np.zeros_like(self.target), where=used)
        slope = ratio - share / total
        bend = np.divide(ratio, 2 * (self.sums + self.largest), out=np.zeros_like(ratio), where=used)
        falls = product(self.rough, slope.astype(np.float32))
        falls -= self._second_order(bend)
        falls += self.row_squares * np.float32(share / (2 * total * total) * (1 + 1e-5))
        # Rounding of the product, relative to the largest terms in it.
        size = float(self.row_sums.max()) * float((np.abs(slope) + bend * self.largest).max(initial=0.0))
        falls += np.float32(size * 2.0**-24 * (len(slope) / 2 + 16))
        return falls

    def _second_order(self, bend: F64) -> F32:
        """At most Σ bend · c² per row: an old value, shrunk as much as any class's bend has since."""
        known = self.bent_by > 0
        if known.any() and (known | (bend == 0)).all():
            shrunk = float((bend[known] / self.bent_by[known]).min())
            if shrunk >= KEPT:
                return np.asarray(self.bent * np.float32(min(shrunk, 1.0)))
        weights = (bend * (1 - 1e-5)).astype(np.float32)
        self.bent, self.bent_by = np.empty(len(self.rough), dtype=np.float32), bend
        step = max(1, 200_000 // max(1, self.rough.shape[1]))

        def part(start: int) -> None:
            block = self.rough[start : start + step]
            self.bent[start : start + step] = np.square(block) @ weights

        at_once(part, range(0, len(self.rough), step))
        return self.bent

    def exact(self, rows: I64) -> F64:
        places = rows if self.group is None else self.group[rows]
        parts = [self._falls(self.unique[places[at : at + 8192]]) for at in range(0, len(places), 8192)]
        return np.concatenate([np.empty(0), *parts])

    def base(self) -> float:
        return 1.0 / max(float(self.entropy), SMALLEST)

    def relative(self, more: Floats) -> Floats:
        now = max(float(self.entropy), SMALLEST)
        if now > 1e-6:
            with np.errstate(divide="ignore"):  # a bound may reach an entropy of 0
                part = np.log1p(-np.minimum(more / more.dtype.type(now), more.dtype.type(1)))
            return np.asarray(-np.maximum(part, LOG_SMALLEST - math.log(now)))
        return np.asarray(math.log(now) - np.log(np.maximum(self.entropy - more.astype(np.float64), SMALLEST)))

    def inform(self, row: int) -> Beats:
        place = row if self.group is None else self.group[row]
        self.sums = self.sums + self.unique[place]
        self.entropy = self._entropies(self.sums[None, :])[0]
        self.forget(np.array([row]))
        yield from ()

    def forget(self, rows: I64) -> None:
        if self.exactly:
            return
        for place in (rows if self.group is None else self.group[rows]).tolist():
            self.left[place] -= 1
            if self.left[place] == 0:
                self.holders -= self.unique[place] > 0

    def mark(self) -> None:
        if self.exactly and self.group is not None:
            self.marked = self.strength * self.relative(self.latest)

    def lift(self) -> float:
        """Where few count vectors are shared by all rows, the most that any of them has risen."""
        if self.marked is None or not len(self.marked):
            return math.inf
        return max(0.0, float((self.strength * self.relative(self.latest) - self.marked).max()))

    def tolerance(self, best: float) -> float:
        return TIE * float(self.entropy)

    def alike(self) -> I64 | None:
        return self.group

    def gain(self, row: int, more: float) -> float:
        """KL(target ‖ selection with the row)."""
        wanted = self.target[self.target > 0]
        return max(0.0, float(self.entropy) - more + float((wanted * np.log(wanted)).sum()))


def distinct(counts: NDArray[np.generic]) -> tuple[NDArray[np.generic], I64 | None]:
    """The distinct rows and each row's place among them, or (counts, None) where few repeat."""
    n, c = counts.shape
    if n == 0 or c == 0:
        return counts, None
    key = np.random.default_rng(0).standard_normal(c)
    marks = np.empty(n)
    for start in range(0, n, 65536):
        part = counts[start : start + 65536].astype(np.float64)
        marks[start : start + 65536] = np.einsum("ij,j->i", part, key)
    _, first, group = np.unique(marks, return_index=True, return_inverse=True)
    if len(first) > n // 2:
        return counts, None
    unique = counts[first]
    for start in range(0, n, 65536):
        if not np.array_equal(unique[group[start : start + 65536]], counts[start : start + 65536]):
            return counts, None  # two different rows with one mark: never seen, and no harm done
    return unique, group
