"""Kernel coverage: the mean over targets of the largest similarity exp(−‖z_t − z_l‖² / h²) to a pick (Bae et al. 2024).

What a row would add, Σ over targets of max(K − b, 0) with b the best similarity so far, only falls as picks are added:
an old value is an upper bound, and the drop of nothing exceeds the rise of Σ b, which makes a lower one.

1. Similarities come from float32 products, a block of rows at a time, moved to the safe side by their rounding error.
2. A row that is looked at again keeps only the targets that it would still cover better. These get fewer with each
   pick, so that from then on it costs a few hundred numbers instead of a product with all targets.
3. Where rounding could decide, similarities are computed again in float64, of those targets alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.threads import aside, in_steps

from .checks import check_embeddings, check_one_per_row
from .directions import Directions
from .sparse import SparseRows
from .terms import F32, F64, I64, Beats, Floats, Potential, Setting, Term

MOST_TARGETS = 8192
ROWS = 128  # of a block: its similarities are 4 MB
NOTHING = 1e-30  # far below what could decide, and above what vanishes in float32
DENSE = 0.6  # rows that would cover more than this part of the targets better are not kept
MOST_KEPT = 48_000_000  # similarities, of six bytes each
SETTLED = 4_000_000  # float64 similarities that are kept


@dataclass(frozen=True)
class KernelCoverage(Term):
    """Rows that stand for all: P = the mean over targets t of max over picks l of exp(−‖z_t − z_l‖² / bandwidth²).

    `embeddings` (n, d) float32, may be memory-mapped; z are these minus their mean, brought to unit length (0 where a
    row is the mean to within 1e-12 of the data's size). Targets are all rows up to 8,192; of more, 8,192 are drawn with
    a fixed seed. With `weights` (n,) ≥ 0, not all 0, the mean is weighted: rows of large weight matter more as targets.
    """

    embeddings: F32
    bandwidth: float = 0.7
    strength: float = 1.0
    weights: F64 | None = None

    def check(self, n_rows: int) -> None:
        check_embeddings("KernelCoverage.embeddings", self.embeddings, n_rows)
        if self.weights is not None:
            check_one_per_row("KernelCoverage.weights", self.weights, n_rows)
            if n_rows and not (np.min(self.weights) >= 0 and np.max(self.weights) > 0):
                raise InvalidValueError(
                    "KernelCoverage.weights must not be negative, and not all 0, got "
                    f"{shown(float(np.min(self.weights)))} to {shown(float(np.max(self.weights)))}"
                )
        if not (math.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise InvalidValueError(
                f"KernelCoverage.bandwidth must be finite and greater than 0, got {shown(self.bandwidth)}"
            )

    def potential(self, setting: Setting) -> Potential:
        return KernelPotential(self)


def target_rows(n: int) -> I64:
    """The rows that stand for all, ascending."""
    if n <= MOST_TARGETS:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, MOST_TARGETS, replace=False))


def target_weights(weights: F64 | None, targets: I64) -> F64:
    """(len(targets),) with the mean 1."""
    given = np.ones(len(targets)) if weights is None else np.asarray(weights, dtype=np.float64)[targets]
    mean = float(given.mean()) if len(given) else 1.0
    return given / mean if mean > 0 else np.ones(len(targets))


class KernelPotential(Potential):
    """`more` is the sum, not the mean, of what a row would add; the weights of the targets have the mean 1."""

    def __init__(self, term: KernelCoverage) -> None:
        super().__init__(term.strength)
        n, d = term.embeddings.shape
        self.unit = Directions(term.embeddings, "KernelCoverage.embeddings")
        self.inverse = 1.0 / float(term.bandwidth) ** 2
        self.targets = target_rows(n)
        self.weight = target_weights(term.weights, self.targets)
        self.is_weighted = term.weights is not None
        self.unit_of_rounding = float(self.weight.max(initial=1.0))  # a similarity to itself
        self.best = np.zeros(len(self.targets))
        self.total = self.marked = 0.0
        # Rounding of a float32 product of unit vectors of length d, of the exponent, and of its exponential.
        gamma = (min(d + 2, 4 * math.sqrt(d) + 16) + 4) * 2.0**-24
        self.slack = 2 * self.inverse * gamma + 16 * self.inverse * 2.0**-24 + 1e-6
        self.bound = np.full(n, np.inf if self.strength > 0 else 0.0)
        self.then = np.zeros(n)  # Σ b when the bound was computed
        self.seen = np.full(n, -1, dtype=np.int32)  # picks when it was
        self.sign = 1 if self.strength > 0 else -1
        self.size = 0
        self.known = False
        self.kept = SparseRows(n, min(n * len(self.targets), MOST_KEPT))
        self.settled: dict[int, tuple[I64, F64]] = {}
        self.n_settled = 0

    def prepare(self) -> Beats:
        yield from self.unit.prepare()
        self.z = self.unit.of(self.targets)
        self.target_squares = self.unit.squares[self.targets]

    def update(self) -> Beats:
        """Before the first pick that is not given, all rows are looked at once."""
        if not self.known:
            self.known = True
            yield from self.tighten(np.arange(len(self.bound)))

    # --- bounds ---

    def bounds(self) -> Floats:
        return self.bounds_at(slice(None))

    def bounds_at(self, rows: I64 | slice) -> Floats:
        if self.strength > 0:
            return np.asarray(self.bound[rows])
        return np.asarray(np.maximum(self.bound[rows] - (self.total - self.then[rows]) * (1 + 1e-9), 0))

    def tighten(self, rows: I64) -> Beats:
        rows = rows[self.seen[rows] < self.size] if self.size else rows[self.seen[rows] < 0]
        held = self.kept.holds(rows)
        yield from in_steps(self._from_kept, self.kept.portions(rows[held]))
        fresh = rows[~held]
        yield from in_steps(self._look_at, [fresh[at : at + ROWS] for at in range(0, len(fresh), ROWS)])
        if self.kept.nearly_full():
            reach = math.exp(self.slack) * (1 + 1e-6)
            yield from aside(lambda: self.kept.make_room(self.bound * self.sign, self.best, reach))

    def _learn(self, rows: I64, more: F64) -> None:
        margin = (1 + 1e-5) if self.strength > 0 else (1 - 1e-5)  # sums of float32
        self.bound[rows] = more * margin
        self.then[rows] = self.total
        self.seen[rows] = self.size

    def _from_kept(self, rows: I64) -> None:
        self._learn(rows, self.kept.sum_above(rows, self.best, self._factor(), self.weight))

    def _factor(self) -> float:
        return math.exp(self.slack if self.strength > 0 else -self.slack)

    def _look_at(self, rows: I64) -> None:
        """Bounds of these rows from products with all targets; what they would cover better is kept where it is few."""
        likeness = self._likeness(rows)
        best = np.nextafter(self.best.astype(np.float32), np.float32(-1))
        if self.size:
            self._keep(rows, likeness, best)
        likeness *= np.float32(self._factor())
        likeness -= best if self.strength > 0 else np.nextafter(self.best.astype(np.float32), np.float32(2))
        np.maximum(likeness, 0, out=likeness)
        if self.is_weighted:
            likeness *= self.weight.astype(np.float32)
        more = likeness.sum(axis=1)
        self._learn(rows, more + (NOTHING if self.strength > 0 else 0.0))

    def _likeness(self, rows: I64) -> F32:
        """(rows, targets) similarities to float32 rounding."""
        exponent = self.unit.of(rows) @ self.z.T
        exponent *= np.float32(2 * self.inverse)
        exponent -= (self.unit.squares[rows] * np.float32(self.inverse))[:, None]
        exponent -= self.target_squares * np.float32(self.inverse)
        return np.asarray(np.exp(np.minimum(exponent, 0, out=exponent), out=exponent))

    def _keep(self, rows: I64, likeness: F32, best: F32) -> None:
        better = likeness > best * np.float32(math.exp(-self.slack) * (1 - 1e-6))
        count = np.count_nonzero(better, axis=1)
        if count.sum() <= DENSE * better.size:
            places = np.flatnonzero(better)
            columns = (places % better.shape[1]).astype(np.uint16)
            self.kept.put(rows, count, columns, likeness.reshape(-1)[places])

    # --- exact values ---

    def exact(self, rows: I64) -> F64:
        return np.array([self._exact_more(row) for row in rows.tolist()])

    def _exact_more(self, row: int) -> float:
        columns, likeness = self._settle(row)
        return float((np.maximum(likeness - self.best[columns], 0) * self.weight[columns]).sum())

    def _settle(self, row: int) -> tuple[I64, F64]:
        """The targets that the row may cover better than the picks do, and its float64 similarity to each."""
        if row not in self.settled:
            columns = self.kept.columns(row)
            if columns is None:
                columns = np.arange(len(self.targets))
            if self.n_settled > SETTLED:
                self.settled, self.n_settled = {}, 0
            self.settled[row] = columns, self._exact_likeness(row, columns)
            self.n_settled += len(columns)
        return self.settled[row]

    def _exact_likeness(self, row: int, columns: I64) -> F64:
        z = self.unit.exactly(np.array([row]))[0]
        out = np.empty(len(columns))
        for at in range(0, len(columns), 512):
            others = self.unit.exactly(self.targets[columns[at : at + 512]])
            others -= z
            out[at : at + 512] = np.exp(np.einsum("ij,ij->i", others, others) * -self.inverse)
        return out

    def base(self) -> float:
        return self.total

    def mark(self) -> None:
        self.marked = self.total

    def lift(self) -> float:
        return 0.0 if self.strength > 0 and self.marked > 0 else math.inf

    def log_base(self) -> float:
        return super().log_base() - math.log(max(len(self.targets), 1))

    def inform(self, row: int) -> Beats:
        columns, likeness = self._settle(row)
        self.best[columns] = np.maximum(self.best[columns], likeness)
        self.total = float((self.best * self.weight).sum())
        self.size += 1
        yield

    def gain(self, row: int, more: float) -> float:
        """How much the pick raises the mean."""
        return more / max(len(self.targets), 1)
