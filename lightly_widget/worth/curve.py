"""Learning curves: the accuracy of a probe trained on prefixes of a sample, beside random samples of the same pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from lightly_widget.errors import InvalidValueError, Progress, no_progress
from lightly_widget.threads import one_blas_thread
from lightly_widget.worth.probe import fit_probe

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

HELD_OUT_SHARE: Final = 0.25
MOST_HELD_OUT: Final = 2_000
N_RANDOM: Final = 10
_Z: Final = 1.96
_T_OF_DRAWS: Final = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
_BUDGETS: Final = 6
_LEAST_BUDGET: Final = 10

Sampler = Callable[["NDArray[np.int64]", int], "NDArray[np.int64]"]
"""(rows that may be picked, count) → picks in order."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One strategy's accuracy by number of labels."""

    name: str
    accuracy: NDArray[np.float64]
    """(budgets,) share of the held-out samples whose class the probe names."""
    balanced_accuracy: NDArray[np.float64]
    """(budgets,) the same as a mean over the classes."""
    gain: NDArray[np.float64]
    """(budgets,) accuracy over the mean of the random samples."""
    margin: NDArray[np.float64]
    """(budgets,) half width of the 95 % interval of `gain`: over random draws and held-out samples."""
    step: NDArray[np.float64]
    """(budgets - 1,) accuracy won from each budget to the next."""
    step_margin: NDArray[np.float64]
    """(budgets - 1,) half width of the 95 % interval of `step`, over held-out samples."""


@dataclass(frozen=True, eq=False)
class RandomBand:
    """The random samples of the same pool: the mean and the middle 95 % of the draws, each (budgets,)."""

    accuracy: NDArray[np.float64]
    accuracy_low: NDArray[np.float64]
    accuracy_high: NDArray[np.float64]
    balanced_accuracy: NDArray[np.float64]
    balanced_low: NDArray[np.float64]
    balanced_high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """What labels buy: a probe's accuracy on held-out samples, by strategy and number of labels."""

    budgets: tuple[int, ...]
    curves: tuple[Curve, ...]
    random: RandomBand
    n_labeled: int
    n_held_out: int
    n_classes: int
    n_random: int

    def to_polars(self) -> pl.DataFrame:
        """One row per strategy (and `random`) and budget.

        Columns: strategy, n_labels, accuracy, balanced_accuracy, gain, margin (accuracies 0…1).
        """
        import polars as pl

        def rows(
            name: str, accuracy: Sequence[float], balanced: Sequence[float], gain: object, margin: object
        ) -> pl.DataFrame:
            return pl.DataFrame(
                {
                    "strategy": [name] * len(self.budgets),
                    "n_labels": list(self.budgets),
                    "accuracy": accuracy,
                    "balanced_accuracy": balanced,
                    "gain": gain,
                    "margin": margin,
                },
                schema_overrides={"gain": pl.Float64, "margin": pl.Float64},
            )

        empty = [None] * len(self.budgets)
        random = rows("random", self.random.accuracy.tolist(), self.random.balanced_accuracy.tolist(), empty, empty)
        ours = [rows(c.name, c.accuracy.tolist(), c.balanced_accuracy.tolist(), c.gain, c.margin) for c in self.curves]
        return pl.concat([*ours, random])

    def findings(self) -> list[str]:
        """What the curves allow to say, one sentence each; where the intervals are too wide, they say that."""
        return [sentence for curve in self.curves for sentence in self._findings_of(curve)]

    def _findings_of(self, curve: Curve) -> list[str]:
        label = curve.name[:1].upper() + curve.name[1:]
        best = int(np.argmax(curve.gain - curve.margin))
        if curve.gain[best] > curve.margin[best]:
            return [*self._worth_in_random_labels(curve, label), *self._next_step(curve, label)]
        worst = int(np.argmin(curve.gain + curve.margin))
        if curve.gain[worst] < -curve.margin[worst]:
            found = f"{label}: {_points(-curve.gain[worst])} points below random at {self.budgets[worst]:,} labels."
        else:
            found = f"{label}: no difference from random that these {self.n_held_out:,} held-out samples can show."
        return [found, *self._next_step(curve, label)]

    def _worth_in_random_labels(self, curve: Curve, label: str) -> list[str]:
        """'About 240 labels give what 500 random ones do', for the largest budget whose gain is certain."""
        certain = [i for i in range(len(self.budgets)) if curve.gain[i] > curve.margin[i]]
        at = certain[-1]
        gain = f"{_points(curve.gain[at])} ± {_points(curve.margin[at])} points above random"
        sentences = [f"{label}: {gain} at {self.budgets[at]:,} labels."]
        for budget, level in reversed(list(zip(self.budgets, self.random.accuracy.tolist(), strict=True))):
            fewer = _first_reaching(self.budgets, curve.accuracy - curve.margin, level)
            if fewer is not None and fewer <= 0.9 * budget:
                sentences.append(f"About {_round(fewer):,} labels give what {budget:,} random ones do.")
                break
        return sentences

    def _next_step(self, curve: Curve, label: str) -> list[str]:
        if not len(curve.step):
            return []
        more = self.budgets[-1] - self.budgets[-2]
        step, margin = float(curve.step[-1]), float(curve.step_margin[-1])
        if step > margin:
            return [f"{label}: the last {more:,} labels added {_points(step)} ± {_points(margin)} points."]
        return [f"{label}: the last {more:,} labels added nothing that can be measured; the curve is flat there."]


def _points(accuracy: float) -> str:
    return f"{100 * accuracy:.1f}"


def _round(count: float) -> int:
    """Two significant digits."""
    size = 10 ** max(len(str(int(count))) - 2, 0)
    return max(1, int(round(count / size) * size))


def _first_reaching(budgets: Sequence[int], accuracy: NDArray[np.float64], level: float) -> float | None:
    """The count, interpolated, at which the curve first reaches a level."""
    reached = np.flatnonzero(accuracy >= level)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(budgets[0])
    rise = float(accuracy[at] - accuracy[at - 1])
    return budgets[at - 1] + (budgets[at] - budgets[at - 1]) * (level - float(accuracy[at - 1])) / rise


def hold_out(codes: NDArray[np.int64], *, kept: NDArray[np.int64] | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Rows to test on: a quarter of each class, 2,000 in all at most. Code -1 is unlabeled and never held out.

    kept: rows that must stay in the pool.
    """
    free = codes >= 0
    if kept is not None:
        free[kept] = False
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(free))
    rows = rows[np.argsort(codes[rows], kind="stable")]
    count = min(int(len(rows) * HELD_OUT_SHARE), MOST_HELD_OUT)
    if count < 1:
        return np.empty(0, dtype=np.int64)
    spread = (np.arange(count) + 0.5) * len(rows) / count
    return np.sort(rows[spread.astype(np.int64)])


def default_budgets(n: int) -> tuple[int, ...]:
    """Up to six counts, from about 10 to n, in equal ratios."""
    if n <= _LEAST_BUDGET:
        return (n,)
    counts = np.geomspace(_LEAST_BUDGET, n, _BUDGETS)
    return tuple(int(count) for count in np.unique(np.round(counts)))


def learning_curve(
    vectors: NDArray[np.float32],
    codes: NDArray[np.int64],
    samplers: Mapping[str, Sampler],
    budgets: Sequence[int],
    *,
    kept: NDArray[np.int64] | None = None,
    n_random: int = N_RANDOM,
    seed: int = 0,
    progress: Progress = no_progress,
) -> LearningCurve:
    """Train probes on prefixes of samples and test them on samples that no sampler was shown.

    vectors: (n, d) embeddings. codes: (n,) classes 0…, -1 where unlabeled; unlabeled rows are left out. samplers: by
    name, what picks rows of the pool. budgets: ascending counts of labels. kept: rows that are in every training set
    (a preselection).

    Raises:
        InvalidValueError: fewer than two classes, too few labels for the smallest budget, budgets not ascending.
    """
    before = np.empty(0, dtype=np.int64) if kept is None else kept[codes[kept] >= 0]
    held_out = hold_out(codes, kept=before, seed=seed)
    pool = np.setdiff1d(np.flatnonzero(codes >= 0), np.concatenate([held_out, before]))
    counts = _check(codes, pool, held_out, budgets, n_random)
    jobs = len(counts) * (len(samplers) + n_random)
    done = 0

    def correct_of(picks: NDArray[np.int64]) -> NDArray[np.bool_]:
        nonlocal done
        rows = []
        for count in counts:
            train = np.concatenate([before, picks[:count]])
            guesses = fit_probe(vectors[train], codes[train], seed=seed).predict(vectors[held_out])
            rows.append(guesses == codes[held_out])
            done += 1
            progress(done / jobs)
        return np.array(rows)

    draws = [np.random.default_rng([seed, draw]).permutation(pool) for draw in range(n_random)]
    with one_blas_thread():
        random = np.array([correct_of(draw) for draw in draws])
    curves = [
        _curve(name, correct_of(_picked(name, sampler, pool, counts[-1])), random, codes[held_out])
        for name, sampler in samplers.items()
    ]
    return LearningCurve(
        budgets=counts,
        curves=tuple(curves),
        random=_band(random, codes[held_out]),
        n_labeled=int(np.count_nonzero(codes >= 0)),
        n_held_out=len(held_out),
        n_classes=len(np.unique(codes[codes >= 0])),
        n_random=n_random,
    )


def _check(
    codes: NDArray[np.int64],
    pool: NDArray[np.int64],
    held_out: NDArray[np.int64],
    budgets: Sequence[int],
    n_random: int,
) -> tuple[int, ...]:
    if len(np.unique(codes[codes >= 0])) < 2:
        raise InvalidValueError("a learning curve needs labels of at least two classes; label more samples first")
    counts = tuple(int(count) for count in budgets)
    if not counts or counts[0] < 1 or any(a >= b for a, b in pairwise(counts)):
        raise InvalidValueError(f"budgets must be ascending counts of 1 or more, got {list(budgets)[:10]}")
    if n_random < 2:
        raise InvalidValueError(f"n_random must be 2 or more, got {n_random}")
    fitting = tuple(count for count in counts if count <= len(pool))
    if not fitting or not len(held_out):
        raise InvalidValueError(
            f"{len(pool):,} labeled samples are left to pick from once {len(held_out):,} are held out, "
            f"too few for a budget of {counts[0]:,}; label more samples or lower the budgets"
        )
    return fitting


def _picked(name: str, sampler: Sampler, pool: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    picks = sampler(pool, count)
    if not np.isin(picks, pool).all():
        raise InvalidValueError(f"strategy {name!r} picked samples that are held out")
    return picks


def _curve(name: str, correct: NDArray[np.bool_], random: NDArray[np.bool_], classes: NDArray[np.int64]) -> Curve:
    accuracy = correct.mean(axis=1)
    mean = random.mean(axis=(0, 2))
    # Paired on the held-out samples, whose difficulty both share; the draws of random vary besides.
    difference = correct.astype(np.float64) - random.mean(axis=0)
    m, n_random = correct.shape[1], len(random)
    of_samples = difference.std(axis=1, ddof=1) / np.sqrt(m) if m > 1 else np.full(len(accuracy), np.inf)
    of_draws = random.mean(axis=2).std(axis=0, ddof=1) / np.sqrt(n_random)
    margin = np.hypot(_Z * of_samples, _T_OF_DRAWS.get(n_random, 2.2) * of_draws)
    steps = np.diff(correct.astype(np.float64), axis=0)
    step_margin = _Z * steps.std(axis=1, ddof=1) / np.sqrt(m) if m > 1 else np.full(len(steps), np.inf)
    balanced = np.array([_balanced(row, classes) for row in correct])
    return Curve(name, accuracy, balanced, accuracy - mean, margin, steps.mean(axis=1), step_margin)


def _band(random: NDArray[np.bool_], classes: NDArray[np.int64]) -> RandomBand:
    accuracy = random.mean(axis=2)
    balanced = np.array([[_balanced(row, classes) for row in draw] for draw in random])
    ends = (2.5, 97.5)
    low, high = np.percentile(accuracy, ends, axis=0)
    balanced_low, balanced_high = np.percentile(balanced, ends, axis=0)
    return RandomBand(accuracy.mean(axis=0), low, high, balanced.mean(axis=0), balanced_low, balanced_high)


def _balanced(correct: NDArray[np.bool_], classes: NDArray[np.int64]) -> float:
    totals = np.bincount(classes)
    right = np.bincount(classes, weights=correct)
    return float((right[totals > 0] / totals[totals > 0]).mean())
