"""`dataset.projections`: positions in a plane for all embedded samples."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_choice, check_seed
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.graph import graph_of, keep_derived
from lightly_widget.errors import Progress, no_progress
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import Embeddings

Method = Literal["pca", "umap"]


class Projections:
    """The projections of a dataset's embeddings, as the explorer plots them. Each is computed once and stored."""

    def __init__(self, core: DatasetCore[Any]) -> None:
        self._core = core

    def get(
        self,
        embedding_model_name: str | None = None,
        method: Method = "pca",
        *,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, 2) float32 positions of all embedded samples, about -1…1, and their sample ids.

        Raises:
            InvalidValueError: no embeddings, several models and none named, or an unknown method.
            UnknownNameError: no such model.
            MissingDependencyError: umap-learn is not installed.
        """
        _check(method, seed)
        core = self._core
        snapshot = core.snapshot()
        model = snapshot.model_name(embedding_model_name)
        value = snapshot.embeddings(model)
        ids = snapshot.samples["sample_id"].gather(pl.Series(value.samples))
        about = {"model": model, "epoch": value.epoch, "n": len(value.samples), "method": method, "seed": seed}
        stored = snapshot.derived("projection", **about)
        if stored is not None:
            return np.ascontiguousarray(stored.rows.to_numpy(), dtype=np.float32), ids
        positions = _project(core, snapshot, value, method, seed, progress)
        frame = pl.DataFrame({"x": positions[:, 0], "y": positions[:, 1]})
        keep_derived(core, "projection", frame, about, {"model": model, "method": method, "seed": seed})
        return positions, ids

    def is_stored(self, embedding_model_name: str | None = None, method: Method = "pca", *, seed: int = 0) -> bool:
        """Whether `get` has nothing to compute. Reads no vectors."""
        _check(method, seed)
        snapshot = self._core.snapshot()
        model = snapshot.model_name(embedding_model_name)
        table = snapshot.derived_table("projection", model=model, method=method, seed=seed)
        return table is not None and snapshot.last_op(table)["n"] == len(snapshot.embedded_samples(model))


def _check(method: object, seed: object) -> None:
    check_choice("method", method, ("pca", "umap"))
    check_seed("seed", seed)


def _project(
    core: DatasetCore[Any], snapshot: Snapshot, value: Embeddings, method: Method, seed: int, progress: Progress
) -> npt.NDArray[np.float32]:
    from lightly_widget import maps

    if method == "pca":
        return maps.pca(value.vectors, seed=seed, progress=progress)
    graph = graph_of(core, snapshot, value.model, lambda f: progress(0.3 * f))
    return maps.umap(value.vectors, graph, seed=seed, progress=lambda f: progress(0.3 + 0.7 * f))
