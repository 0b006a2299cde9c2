"""How good a sample is: how tightly it covers the candidates, and which shares its classes have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from lightly_widget.errors import Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BASELINE_SEED: Final = 0
_ABOUT_EQUAL: Final = 1.02
_FEWEST_FOR_A_KNEE: Final = 5
_LEAST_BEND: Final = 0.15
"""Of the whole fall: how far a knee lies below the straight line."""


@dataclass(frozen=True)
class Coverage:
    """Euclidean distances from the candidates to their nearest pick; preselected samples count as picks."""

    radius: float
    """The largest of these distances."""
    mean_distance: float
    random_radius: float
    """The same for as many random picks (seed 0) on top of the same preselection."""
    random_mean_distance: float

    @property
    def sentence(self) -> str:
        """For instance 'covers the dataset 1.8× tighter than random', by the radius."""
        if self.radius == self.random_radius:
            return "covers the dataset as tightly as random"
        if self.radius == 0:
            return "covers the dataset without a gap: every sample equals a pick"
        if self.random_radius == 0:
            return "covers the dataset less tightly than random, which leaves no gap"
        ratio = self.random_radius / self.radius
        if 1 / _ABOUT_EQUAL < ratio < _ABOUT_EQUAL:
            return "covers the dataset about as tightly as random"
        how = f"{ratio:.1f}× tighter" if ratio > 1 else f"{1 / ratio:.1f}× less tightly"
        if how.startswith("1.0×"):
            how = "slightly tighter" if ratio > 1 else "slightly less tightly"
        return f"covers the dataset {how} than random"


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """Coverage after each count of picks in `at`; all arrays are (len(at),)."""

    at: list[int]
    radius: NDArray[np.float64]
    mean_distance: NDArray[np.float64]
    random_radius: NDArray[np.float64]
    random_mean_distance: NDArray[np.float64]

    @property
    def sentence(self) -> str:
        """The last count's `Coverage.sentence`."""
        return self.last.sentence

    @property
    def knee(self) -> int | None:
        """The count at which the radius stops falling fast: where it is farthest below the line between its ends.

        None where it falls evenly, or the counts are too few to tell.
        """
        fall = float(self.radius[0] - self.radius[-1])
        if len(self.at) < _FEWEST_FOR_A_KNEE or not fall > 0:
            return None
        along = (np.asarray(self.at, dtype=np.float64) - self.at[0]) / (self.at[-1] - self.at[0])
        below = (1 - along) - (self.radius - self.radius[-1]) / fall
        return self.at[int(below.argmax())] if below.max() > _LEAST_BEND else None

    @property
    def last(self) -> Coverage:
        """The figures of the last count."""
        return self.nearest(self.at[-1])

    def nearest(self, n: int) -> Coverage:
        """The figures of the count that is nearest to `n`."""
        at = int(np.abs(np.asarray(self.at) - n).argmin())
        return Coverage(
            float(self.radius[at]),
            float(self.mean_distance[at]),
            float(self.random_radius[at]),
            float(self.random_mean_distance[at]),
        )


@dataclass(frozen=True)
class Shares:
    """Class (or value) shares, each list in the order of `names` and with sum 1, or all 0 where nothing is counted."""

    what: str
    names: list[str]
    pool: list[float]
    """Among all candidates."""
    sample: list[float]
    """Among the preselected and the picked samples."""
    random: list[float]
    """Among as many random picks (seed 0) on top of the same preselection."""
    target: list[float] | None = None

    def target_in(self, balanced: Sequence[Shares]) -> list[float] | None:
        """The target of these names where a sampling balanced them all; 0 for what the target leaves out."""
        of_same = next((shares for shares in reversed(balanced) if shares.what == self.what), None)
        if of_same is None or not set(self.names) <= set(of_same.names):
            return None
        by_name = dict(zip(of_same.names, of_same.target or (), strict=False))
        return [by_name.get(name, 0.0) for name in self.names]


@dataclass(frozen=True)
class Histogram:
    """Shares per bin of equal width; the last bin holds its upper edge."""

    edges: list[float]
    pool: list[float]
    """Of all candidates."""
    sample: list[float]
    random: list[float]


@dataclass(frozen=True)
class BalanceCounts:
    """What a balancing won with its picks, the preselected samples left out."""

    what: str
    objects: dict[str, int]
    """Objects (or samples with the value) by class."""
    picks_without: int
    """Picks that have none of them."""


def random_rows(n_rows: int, count: int, taken: NDArray[np.int64]) -> NDArray[np.int64]:
    """The baseline: `count` rows in random order (seed 0) that are not taken."""
    order = np.random.default_rng(BASELINE_SEED).permutation(n_rows)
    free = np.ones(n_rows, dtype=bool)
    free[taken] = False
    return order[free[order]][:count]


def coverage_curve(
    embeddings: NDArray[np.float32],
    rows: NDArray[np.int64],
    baseline: NDArray[np.int64],
    preselected: NDArray[np.int64],
    at: Sequence[int],
    progress: Progress = no_progress,
) -> CoverageCurve:
    """Coverage of the sample and of the baseline, preselection first, after `at` picks each (sorted)."""
    from lightly_widget.solver import coverage

    counts = [len(preselected) + count for count in at]

    def half(start: float) -> Progress:
        return lambda fraction: progress(start + fraction / 2)

    ours = coverage(embeddings, np.concatenate([preselected, rows]), counts, progress=half(0.0))
    random = coverage(embeddings, np.concatenate([preselected, baseline]), counts, progress=half(0.5))
    return CoverageCurve(list(at), ours.radius, ours.mean, random.radius, random.mean)


def label_shares(
    what: str,
    labels: pl.Series,
    rows: NDArray[np.int64],
    n_rows: int,
    sample: NDArray[np.int64],
    baseline: NDArray[np.int64],
) -> Shares:
    """Shares of the labels, the most frequent first. Label i belongs to candidate `rows[i]`."""
    counted = labels.drop_nulls().value_counts(name="count").sort(["count", labels.name], descending=[True, False])
    names = counted[labels.name].to_list()
    if not names:
        return Shares(what, [], [], [], [])
    present = labels.is_not_null()
    codes = labels.drop_nulls().replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()
    owners = rows[present.to_numpy()]

    def shares(chosen: NDArray[np.int64] | None) -> list[float]:
        inside = np.ones(n_rows, dtype=bool) if chosen is None else np.isin(np.arange(n_rows), chosen)
        return normalized(np.bincount(codes[inside[owners]], minlength=len(names)))

    return Shares(what, names, shares(None), shares(sample), shares(baseline))


def histogram(pool: pl.Series, sample: pl.Series, random: pl.Series, bins: int = 20) -> Histogram | None:
    """The shares of some numbers per bin over the pool's range; None where the pool holds no finite number."""
    everything = _finite(pool)
    if not len(everything):
        return None
    edges = np.histogram_bin_edges(everything, bins=bins)
    shares = [normalized(np.histogram(_finite(values), bins=edges)[0]) for values in (pool, sample, random)]
    return Histogram(edges.tolist(), *shares)


def _finite(values: pl.Series) -> NDArray[np.float64]:
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    finite: NDArray[np.float64] = numbers[np.isfinite(numbers)]
    return finite


def normalized(counts: NDArray[np.generic]) -> list[float]:
    """Counts → shares; all 0 when nothing is counted."""
    values = counts.astype(np.float64)
    total = values.sum()
    shares: list[float] = (values / total if total else values).tolist()
    return shares
