"""How well picks cover the data: the distance from every row to its nearest pick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lightly_widget.errors import InvalidValueError, no_progress
from lightly_widget.threads import in_threads

from .checks import check_rows
from .terms import F32, F64, I64


@dataclass(frozen=True)
class Coverage:
    """For each prefix length asked: the largest (radius) and mean Euclidean distance from a row to its nearest pick."""

    radius: F64
    mean: F64


def coverage(
    embeddings: F32,
    picks: I64,
    at: Sequence[int],
    progress: Callable[[float], None] = no_progress,
) -> Coverage:
    """Coverage of (n, d) float32 `embeddings` by the first `at[i]` of `picks`, each 1…len(picks), in any order.

    Distances are float32 products about the mean: good to about 1e-3 of the data's spread, meant for showing.
    """
    rows = check_rows("picks", picks, len(embeddings))
    lengths = np.asarray(at, dtype=np.int64)
    if lengths.size and not (lengths.min() >= 1 and lengths.max() <= len(rows)):
        raise InvalidValueError(f"at must be lengths in 1…{len(rows)}, got {lengths.min()}…{lengths.max()}")
    steps = np.unique(lengths)
    if not steps.size:
        return Coverage(np.zeros(0), np.zeros(0))
    points = np.asarray(embeddings[rows[: steps[-1]]])
    center = points.mean(axis=0)
    points = points - center
    squares = np.einsum("ij,ij->i", points, points)
    block = max(1, 2_000_000 // max(len(points), embeddings.shape[1]))
    starts = range(0, len(embeddings), block)
    radii, totals = np.zeros((len(starts), len(steps))), np.zeros((len(starts), len(steps)))

    def measure(i: int, _: F32, stopped: Callable[[], bool]) -> None:
        part = embeddings[starts[i] : starts[i] + block] - center
        distance = part @ points.T
        distance *= -2
        distance += squares
        distance += np.einsum("ij,ij->i", part, part)[:, None]
        nearest = np.full(len(part), np.inf, dtype=np.float32)
        last = 0
        for k, step in enumerate(steps):
            np.minimum(nearest, distance[:, last:step].min(axis=1), out=nearest)
            last = step
            root = np.sqrt(np.maximum(nearest, 0.0))
            radii[i, k], totals[i, k] = root.max(), root.sum(dtype=np.float64)

    in_threads(range(len(starts)), measure, 0, progress)
    radius, total = radii.max(axis=0, initial=0.0), totals.sum(axis=0)
    order = np.searchsorted(steps, lengths)
    return Coverage(radius[order], total[order] / len(embeddings))
