"""Weighting: the sum of the selection's weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .checks import check_one_per_row
from .terms import F64, I64, Beats, Floats, Potential, Runners, Setting, Steps, Term

AHEAD = 0.03  # of the sum of weights


@dataclass(frozen=True)
class Weighting(Term):
    """Rows of large weight: P = the sum of the selection's weights. `weights` (n,), finite; negatives are shifted."""

    weights: F64
    strength: float = 1.0

    def check(self, n_rows: int) -> None:
        check_one_per_row("Weighting.weights", self.weights, n_rows)

    def potential(self, setting: Setting) -> Potential:
        return WeightingPotential(self)


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
        self.total = self.marked = 0.0

    def bounds(self) -> Floats:
        return self.rough

    def bounds_at(self, rows: I64) -> Floats:
        return np.asarray(self.rough[rows])

    def exact(self, rows: I64) -> F64:
        return np.asarray(self.weights[rows])

    def base(self) -> float:
        return self.total

    def log_bounds(self) -> Floats:
        """For a negative strength, bounds that hold until the sum of weights has grown by a part."""
        if self.strength > 0 or self.total == 0:
            return super().log_bounds()
        return np.asarray(np.log1p(self.rough / np.float32(self.total * (1 + AHEAD))))

    def mark(self) -> None:
        self.marked = self.total

    def lift(self) -> float:
        if self.marked == 0:
            return math.inf
        return 0.0 if self.strength > 0 or self.total <= self.marked * (1 + AHEAD) else math.inf

    def log_base(self) -> float:
        return super().log_base() + math.log(self.unit)

    def inform(self, row: int) -> Beats:
        self.total += float(self.weights[row])
        yield from ()

    def gain(self, row: int, more: float) -> float:
        return float(self.raw[row])

    def pick_alone(self, runners: Runners, wanted: int) -> Steps:
        """A stable sort, ascending for a negative strength."""
        rows = np.flatnonzero(~runners.closed)
        key = (-self.raw if self.strength > 0 else self.raw)[rows]
        if 0 < wanted < len(rows):
            # Sort only the rows that can be picked: those before the last one's key, and its ties in row order.
            last = np.partition(key, wanted - 1)[wanted - 1]
            better, equal = np.flatnonzero(key < last), np.flatnonzero(key == last)
            kept = np.concatenate([better, equal[: wanted - len(better)]])
            rows, key = rows[kept], key[kept]
        order = rows[np.argsort(key, kind="stable")][:wanted]
        yield from zip(order.tolist(), self.raw[order].tolist(), strict=True)
        return True
