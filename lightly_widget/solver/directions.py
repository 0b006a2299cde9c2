"""Embeddings as directions from their mean: centered and brought to unit length, a block at a time."""

from __future__ import annotations

import numpy as np

from lightly_widget.threads import in_steps

from .checks import check_finite
from .terms import F32, F64, I64, Beats

NOTHING = 1e-12  # of the data's size; a row nearer to the mean has no direction


class Directions:
    """z of the rows: in float32 for products, in float64 for what rounding must not decide."""

    def __init__(self, embeddings: F32, name: str) -> None:
        self.x, self.name = embeddings, name
        self.squares: F32 = np.empty(len(embeddings), dtype=np.float32)
        """(n,) ‖z‖²: 1, or 0 for rows without a direction."""

    def prepare(self) -> Beats:
        """Two passes over the data: the mean, in the order of the blocks, and the norms about it."""
        n, d = self.x.shape
        step = max(1, 500_000 // d)
        starts = range(0, n, step)
        sums, highs, norms = np.zeros((len(starts), d)), np.zeros(len(starts)), np.zeros(n)

        def add(i: int) -> None:
            part = self.x[starts[i] : starts[i] + step]
            highs[i] = max(part.max(), -part.min())
            sums[i] = part.sum(axis=0, dtype=np.float64)

        def measure(i: int) -> None:
            part = np.subtract(self.x[starts[i] : starts[i] + step], self.mean, dtype=np.float64)
            part /= self.scale
            norms[starts[i] : starts[i] + step] = np.sqrt(np.einsum("ij,ij->i", part, part))

        yield from in_steps(add, range(len(starts)))
        if not np.isfinite(highs).all():
            check_finite(self.name, self.x)
        self.mean = sums.sum(axis=0) / max(n, 1)
        self.scale = float(highs.max(initial=0.0)) or 1.0
        yield from in_steps(measure, range(len(starts)))
        size = float(np.linalg.norm(self.mean / self.scale)) + float(norms.max(initial=0.0))
        none = norms <= NOTHING * size
        self.squares[:] = ~none
        self.norms = np.where(none, np.inf, norms)

    def of(self, rows: I64) -> F32:
        """(m, d) float32."""
        return self.exactly(rows).astype(np.float32)

    def exactly(self, rows: I64) -> F64:
        """(m, d) float64."""
        part = np.subtract(self.x[rows], self.mean, dtype=np.float64)
        part /= self.scale
        part /= self.norms[rows, None]
        return np.asarray(part)
