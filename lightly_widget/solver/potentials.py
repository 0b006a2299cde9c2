"""One class per term: what a term's potential is for every row, kept current as the selection grows."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from .terms import F32, F64, I64, Balancing, Bools, Diversity, FacilityLocation, SubpartDiversity, Weighting

SMALLEST = float(np.finfo(np.float64).tiny)
FLOOR = 1e-7  # of a class share inside the cross-entropy


class Potential(Protocol):
    """A term's log P for every row, up to nothing: `log_p` is the whole value."""

    strength: float

    def log_p(self) -> F64: ...
    def gain(self, row: int) -> float: ...
    def inform(self, row: int) -> None: ...
    def eligible(self) -> Bools | None: ...


def log_sum(base: float, more: F64) -> F64:
    """log(base + more) that keeps differences of `more` far below `base`, floored at the smallest float."""
    if base > 0:
        return np.asarray(math.log(base) + np.log1p(more / base))
    return np.asarray(np.log(np.maximum(more, SMALLEST)))


def squared_distances(embeddings: F32, point: F32, block: int = 4096) -> F64:
    """(n,) squared Euclidean distances from differences in float64."""
    out = np.empty(len(embeddings))
    target = point.astype(np.float64)
    for start in range(0, len(embeddings), block):
        difference = embeddings[start : start + block] - target
        out[start : start + block] = np.einsum("ij,ij->i", difference, difference)
    return out


class Spread:
    """B(S): Σ over the points of S of the squared distance to the nearest other point of S."""

    def __init__(self, dimension: int) -> None:
        self.points = np.empty((16, dimension), dtype=np.float32)
        self.nearest = np.empty(16)
        self.size = 0

    @property
    def total(self) -> float:
        return float(self.nearest[: self.size].sum()) if self.size > 1 else 0.0

    def add(self, point: F32) -> None:
        k = self.size
        if k == len(self.points):
            self.points = np.concatenate([self.points, np.empty_like(self.points)])
            self.nearest = np.concatenate([self.nearest, np.empty_like(self.nearest)])
        distances = squared_distances(self.points[:k], point)
        np.minimum(self.nearest[:k], distances, out=self.nearest[:k])
        self.points[k] = point
        self.nearest[k] = distances.min(initial=np.inf)
        self.size = k + 1


class DiversityPotential:
    def __init__(self, term: Diversity) -> None:
        self.strength = float(term.strength)
        self.embeddings = term.embeddings
        self.minimum = term.minimum_distance
        self.nearest = np.full(len(term.embeddings), np.inf)
        self.spread = Spread(term.embeddings.shape[1])

    def log_p(self) -> F64:
        if self.spread.size == 0:
            return np.zeros(len(self.nearest))
        return log_sum(self.spread.total, self.nearest)

    def gain(self, row: int) -> float:
        return math.sqrt(self.nearest[row])

    def inform(self, row: int) -> None:
        point = np.asarray(self.embeddings[row])
        np.minimum(self.nearest, squared_distances(self.embeddings, point), out=self.nearest)
        self.spread.add(point)

    def eligible(self) -> Bools | None:
        return None if self.minimum is None else np.asarray(np.sqrt(self.nearest) >= self.minimum)


class SubpartPotential:
    def __init__(self, term: SubpartDiversity, n_rows: int) -> None:
        self.strength = float(term.strength)
        order = np.argsort(term.rows, kind="stable")
        self.crops, self.n_rows = order, n_rows
        self.embeddings = term.embeddings
        self.owner = np.asarray(term.rows)
        self.count = np.bincount(self.owner.astype(np.int64), minlength=n_rows)
        self.starts = np.concatenate([[0], np.cumsum(self.count)])
        self.nearest = np.full(len(term.embeddings), np.inf)
        self.spread = Spread(term.embeddings.shape[1])

    def mean(self) -> F64:
        total = np.bincount(self.owner.astype(np.int64), weights=self.nearest, minlength=self.n_rows)
        return np.asarray(total / np.maximum(self.count, 1))

    def log_p(self) -> F64:
        none = self.count == 0
        out = np.zeros(self.n_rows) if self.spread.size == 0 else log_sum(self.spread.total, self.mean())
        out[none] = math.log(SMALLEST)
        return out

    def gain(self, row: int) -> float:
        return math.sqrt(self.mean()[row])

    def inform(self, row: int) -> None:
        for crop in self.crops[self.starts[row] : self.starts[row + 1]]:
            point = np.asarray(self.embeddings[crop])
            np.minimum(self.nearest, squared_distances(self.embeddings, point), out=self.nearest)
            self.spread.add(point)

    def eligible(self) -> Bools | None:
        return None


class WeightingPotential:
    def __init__(self, term: Weighting) -> None:
        self.strength = float(term.strength)
        self.raw = np.asarray(term.weights, dtype=np.float64)
        self.weights = self.raw - min(0.0, float(self.raw.min(initial=0.0)))
        self.total = 0.0

    def log_p(self) -> F64:
        return log_sum(self.total, self.weights)

    def gain(self, row: int) -> float:
        return float(self.raw[row])

    def inform(self, row: int) -> None:
        self.total += float(self.weights[row])

    def eligible(self) -> Bools | None:
        return None


class BalancingPotential:
    def __init__(self, term: Balancing) -> None:
        self.strength = float(term.strength)
        self.counts = term.counts
        target = np.asarray(term.target, dtype=np.float64)
        self.target = target / target.sum()
        self.sums = np.zeros(len(target))

    def entropy(self, rows: slice | I64) -> F64:
        """Cross-entropy of the target and the class shares of the selection plus each row."""
        sums = self.sums + self.counts[rows]
        total = sums.sum(axis=1, keepdims=True)
        shares = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        return np.asarray(-(np.log(np.maximum(shares, FLOOR)) * self.target).sum(axis=1))

    def log_p(self) -> F64:
        out = np.empty(len(self.counts))
        for start in range(0, len(out), 8192):
            out[start : start + 8192] = self.entropy(slice(start, start + 8192))
        return np.asarray(-np.log(np.maximum(out, SMALLEST)))

    def gain(self, row: int) -> float:
        wanted = self.target[self.target > 0]
        least = float(-(wanted * np.log(wanted)).sum())
        return float(self.entropy(np.array([row]))[0]) - least

    def inform(self, row: int) -> None:
        self.sums += self.counts[row]

    def eligible(self) -> Bools | None:
        return None


class FacilityPotential:
    def __init__(self, term: FacilityLocation) -> None:
        self.strength = float(term.strength)
        n, k = term.indices.shape
        # Edges by target: who would be covered by a pick, and how well. Sorted once, so a pick touches its own edges.
        target, source = term.indices.ravel().astype(np.int64), np.repeat(np.arange(n), k)
        similarity = term.similarities.ravel().astype(np.float64)
        real = (target >= 0) & (target != source)
        order = np.argsort(target[real], kind="stable")
        self.source, self.similarity = source[real][order], similarity[real][order]
        self.target = target[real][order]
        self.starts = np.searchsorted(self.target, np.arange(n + 1))
        self.covered = np.zeros(n)

    def gains(self) -> F64:
        more = np.maximum(self.similarity - self.covered[self.source], 0.0)
        return np.asarray(np.bincount(self.target, weights=more, minlength=len(self.covered)) + 1.0 - self.covered)

    def log_p(self) -> F64:
        return log_sum(float(self.covered.sum()), self.gains())

    def gain(self, row: int) -> float:
        return float(self.gains()[row])

    def inform(self, row: int) -> None:
        edges = slice(self.starts[row], self.starts[row + 1])
        np.maximum.at(self.covered, self.source[edges], self.similarity[edges])
        self.covered[row] = 1.0

    def eligible(self) -> Bools | None:
        return None
