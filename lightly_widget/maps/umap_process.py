"""The process that computes UMAP for `maps.projection`, and the only home of umap: run as a module, never imported."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import numpy as np


def _lay_out(folder: Path, seed: int) -> None:
    """Read the inputs from the folder and leave `result.npy` there; progress goes to standard output."""
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding

    indices, distances, init = (np.load(folder / f"{name}.npy") for name in ("indices", "distances", "init"))
    random = np.random.RandomState(seed)  # what umap-learn takes
    n, k = indices.shape
    rows = np.empty((n, 1), dtype=np.float32)  # only its length counts once the neighbors are given
    fuzzy = fuzzy_simplicial_set(rows, k, random, "euclidean", knn_indices=indices, knn_dists=distances)[0]
    # umap-learn spreads each axis over 0…10, which a constant axis does not survive, so the points are set apart a bit.
    init = init.astype(np.float64) + random.normal(scale=1e-4, size=init.shape)
    # A wider minimum distance than umap-learn's 0.1: near-duplicates, which image collections are full of, then stay
    # points that can be told apart and clicked instead of specks.
    a, b = find_ab_params(1.0, 0.5)
    epochs = {"disable": False, "file": sys.stdout, "bar_format": "<{n}/{total}>", "mininterval": 0.1}
    positions = simplicial_set_embedding(
        rows, fuzzy, 2, 1.0, a, b, 1.0, 5, None, init, random, "euclidean", {}, False, {}, False, tqdm_kwds=epochs
    )[0]
    partial = folder / "partial.npy"
    np.save(partial, positions.astype(np.float32))
    partial.rename(folder / "result.npy")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _lay_out(Path(sys.argv[1]), int(sys.argv[2]))
