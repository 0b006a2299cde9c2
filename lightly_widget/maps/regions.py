"""Regions: dense places of a map, each named by what is frequent there and rare elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lightly_widget.errors import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray


GRID: Final = 64
SMOOTHING: Final = 1.5
"""Cells: the width (sigma) of the blur that joins neighboring points into one hill."""
MAX_LABELS: Final = 40
MIN_SHARE: Final = 0.004
"""Of all points: a smaller hill gets no label."""
MIN_LIFT: Final = 1.2
"""A class must be this much more frequent on the hill than everywhere to name it, unless it is most of the hill."""
MAX_TEXTS: Final = 50_000
NEARBY: Final = 0.45
"""Of the map's extent, along both axes together: within it a word is said once."""
MOST_SAME: Final = 3
"""Labels of one name."""
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_STOPPED: Final = (
    "the and for that with this from are was were has have had not but you your they them their there his her its our "
    "all any can could will would should into over under than then when what which who whom how about after before "
    "also just more most other some such only own same very been being did does doing each few off out too"
)
_STOP: Final = frozenset(_WORD.findall(_STOPPED))


@dataclass(frozen=True)
class Region:
    """A dense place of the map: its name, its middle and the number of its points."""

    text: str
    x: float
    y: float
    count: int


def cluster_hills(
    x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[NDArray[np.int64], list[tuple[float, float]]]:
    """(n,) the hill of each point (-1: none, its position is not known) and the top of each hill.

    Density on a coarse grid, blurred; every cell climbs to its highest neighbor until the top.
    """
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(x) & np.isfinite(y)
    hills = np.full(len(x), -1, dtype=np.int64)
    if not known.any():
        return hills, []
    cx, edges_x = _cells(x[known])
    cy, edges_y = _cells(y[known])
    counts = np.zeros((GRID, GRID))
    np.add.at(counts, (cx, cy), 1)
    top = _climb(gaussian_filter(counts, SMOOTHING, mode="constant"))
    tops, hill = np.unique(top[cx * GRID + cy], return_inverse=True)
    hills[known] = hill
    middle = [
        ((edges_x[t // GRID] + edges_x[t // GRID + 1]) / 2, (edges_y[t % GRID] + edges_y[t % GRID + 1]) / 2)
        for t in tops
    ]
    return hills, [(float(a), float(b)) for a, b in middle]


def _cells(values: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high if high > low else low + 1, GRID + 1)
    return np.clip(((values - low) / (edges[-1] - low) * GRID).astype(np.int64), 0, GRID - 1), edges


def _climb(density: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each cell, flat, the cell at the top of its hill."""
    size = density.shape[0]
    padded = np.pad(density, 1, constant_values=-1.0)
    moves = [(dx, dy) for dx in (0, -1, 1) for dy in (0, -1, 1)]
    around = np.stack([padded[1 + dx : size + 1 + dx, 1 + dy : size + 1 + dy] for dx, dy in moves])
    best = around.argmax(axis=0)  # (0, 0) comes first: a cell stays where no neighbor is higher
    at_x, at_y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    step = np.array(moves)[best]
    target: NDArray[np.int64] = ((at_x + step[..., 0]) * size + at_y + step[..., 1]).ravel()
    while True:
        further: NDArray[np.int64] = target[target]
        if (further == target).all():
            return target
        target = further


def regions_by_class(x: NDArray[np.float32], y: NDArray[np.float32], classes: pl.Series) -> list[Region]:
    """A label per hill: the class that is most over-represented there. `classes` is (n,), null = none."""
    hills, tops = cluster_hills(x, y)
    counted = (
        pl.DataFrame({"hill": hills, "name": classes})
        .filter(pl.col("hill") >= 0)
        .drop_nulls()
        .group_by("hill", "name")
        .len("count")
    )
    if not counted.height:
        return []
    share = counted.with_columns(
        of_hill=pl.col("count") / pl.col("count").sum().over("hill"),
        of_all=pl.col("count").sum().over("name") / pl.col("count").sum(),
        size=pl.col("count").sum().over("hill"),
    )
    named = (
        share.filter((pl.col("of_hill") > MIN_LIFT * pl.col("of_all")) | (pl.col("of_hill") > 0.5))
        .sort(["hill", "of_hill", "name"], descending=[False, True, False])
        .unique("hill", keep="first", maintain_order=True)
    )
    found = [
        Region(name, tops[hill][0], tops[hill][1], size)
        for hill, name, size in named.select("hill", "name", "size").iter_rows()
    ]
    return _largest(found, len(x), _extent(tops))


def regions_by_words(
    x: NDArray[np.float32], y: NDArray[np.float32], texts: list[str | None], progress: Progress
) -> list[Region]:
    """A label per hill: the two words with the highest TF-IDF, a hill being one document.

    Of many texts, 50,000 are read, evenly spread.
    """
    hills, tops = cluster_hills(x, y)
    words: list[Counter[str]] = [Counter() for _ in tops]
    step = max(1, len(texts) // MAX_TEXTS)
    for row in range(0, len(texts), step):
        if row % 1_024 == 0:
            progress(row / len(texts))
        if hills[row] >= 0 and texts[row]:
            words[hills[row]].update({word.lower() for word in _WORD.findall(str(texts[row])[:2_000])} - _STOP)
    sizes = np.bincount(hills[hills >= 0], minlength=len(tops))
    everywhere: Counter[str] = Counter()
    for counter in words:
        everywhere.update(counter.keys())
    found = []
    for hill, counter in enumerate(words):
        best = sorted(counter, key=lambda w: (-counter[w] * np.log((1 + len(tops)) / everywhere[w]), w))[:2]
        if best:
            found.append(Region(", ".join(best), tops[hill][0], tops[hill][1], int(sizes[hill])))
    return _largest(found, len(x), _extent(tops))


def _extent(tops: list[tuple[float, float]]) -> float:
    spread: Any = np.ptp(np.array(tops), axis=0)
    return float(max(spread.max(), 1e-9))


def _largest(labels: list[Region], n: int, extent: float) -> list[Region]:
    """The largest hills first; the same word twice close together is said once."""
    kept: list[Region] = []
    for label in sorted(labels, key=lambda label: -label.count):
        same = [other for other in kept if other.text == label.text]
        near = (abs(other.x - label.x) + abs(other.y - label.y) < NEARBY * extent for other in same)
        if label.count >= max(2, MIN_SHARE * n) and len(same) < MOST_SAME and not any(near):
            kept.append(label)
    return kept[:MAX_LABELS]
