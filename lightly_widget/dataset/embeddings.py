"""`dataset.embeddings`: the vectors of the samples, by model."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_bool, check_name, check_string
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.graph import graph_of
from lightly_widget.errors import InvalidValueError, Progress, no_progress, shown
from lightly_widget.indexes import SampleIndexes
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import embedding_rows

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.neighbors import NeighborGraph
    from lightly_widget.store import Transaction


class Embeddings:
    """The embeddings of a dataset's samples.

    `dataset.embed` and `dataset.add_embeddings` add some; `"model" in dataset.embeddings`, `list(dataset.embeddings)`,
    and `len(dataset.embeddings)` are about the models.
    """

    def __init__(self, core: DatasetCore[Any]) -> None:
        self._core = core

    def list(self) -> builtins.list[str]:
        """The names of the models that samples have embeddings of."""
        return builtins.list(self._core.snapshot().models())

    def __contains__(self, name: object) -> bool:
        return name in self.list()

    def __iter__(self) -> Iterator[str]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __repr__(self) -> str:
        return f"<Embeddings: {', '.join(map(repr, self.list())) or 'none'}>"

    @property
    def embedders(self) -> dict[str, Embedder]:
        """The embedders used in this session, by model name; an explorer searches texts and pictures with them."""
        return dict(self._core.embedders)

    def get(self, embedding_model_name: str | None = None) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, d) float32 vectors of all embedded samples, in the order in which they were stored, and their sample ids.

        The array is read-only.

        Raises:
            InvalidValueError: no embeddings, or several models and none named.
            UnknownNameError: no such model.
        """
        snapshot = self._core.snapshot()
        value = snapshot.embeddings(snapshot.model_name(embedding_model_name))
        return value.vectors, snapshot.samples["sample_id"].gather(pl.Series(value.samples))

    def neighbor_graph(
        self, embedding_model_name: str | None = None, progress: Progress = no_progress
    ) -> NeighborGraph:
        """The 20 nearest neighbors of each embedded sample, in the order of `get`. Computed once, stored, and extended.

        `indices` (N, 20) int32 and Euclidean `distances` (N, 20) float32, nearest first, without the sample itself;
        `exact`, or else the estimated `recall`. What `progress` raises stops it; nothing is stored then.

        Raises:
            InvalidValueError, UnknownNameError: as `get`.
        """
        return graph_of(self._core, self._core.snapshot(), embedding_model_name, progress)

    def delete(self, embedding_model_name: str) -> None:
        """Delete all vectors of a model. Raises `UnknownNameError`, a `ValueError`."""
        check_string("embedding_model_name", embedding_model_name)
        with self._core.change("delete_embeddings", {"model": embedding_model_name}) as (work, now):
            table = now.models()[now.model_name(embedding_model_name)]
            dimension = now.dimension(embedding_model_name)
            work.write(table, pl.DataFrame(), op="drop", model=embedding_model_name, dimension=dimension)


def add_embeddings(core: DatasetCore[Any], name: str, embeddings: Any, sample_ids: Any, *, replace: bool) -> None:
    """Store vectors that were computed elsewhere, in one write."""
    from lightly_widget.ingest import check_embeddings, check_sample_ids

    check_bool("replace", replace)
    name = check_name("name", name)
    everything = core.snapshot().samples["sample_id"]
    ids = everything if sample_ids is None else check_sample_ids(sample_ids, everything)
    vectors = check_embeddings(embeddings, len(ids))
    if len(vectors) == 0:
        raise InvalidValueError("embeddings: there are no rows to add")
    with core.change("add_embeddings", {"model": name, "count": len(ids)}) as (work, now):
        write_embeddings(work, now, name, now.known_rows(ids), vectors, replace=replace)


def write_embeddings(
    work: Transaction,
    now: Snapshot,
    model: str,
    rows: SampleIndexes,
    vectors: npt.NDArray[np.float32],
    *,
    replace: bool = False,
) -> None:
    """Append vectors to a model's table; where samples have one already, replace it or raise."""
    table = now.models().get(model)
    op = "add"
    if table is not None:
        if now.dimension(model) != vectors.shape[1]:
            raise InvalidValueError(
                f"embeddings of {shown(model)} have {now.dimension(model)} dimensions, these have {vectors.shape[1]}; "
                "use another name, or delete the others with dataset.embeddings.delete first"
            )
        known = now.embeddings(model)
        again = np.isin(known.samples, rows)
        if again.any():
            if not replace:
                raise InvalidValueError(
                    f"{int(again.sum()):,} of these samples have an embedding of {shown(model)} already; "
                    "pass replace=True to replace them"
                )
            keep = ~again
            op = "set"
            if keep.any():
                rows = SampleIndexes(np.concatenate([known.samples[keep].astype(np.int64), rows]))
                vectors = np.concatenate([known.vectors[keep], vectors])
    frame = embedding_rows(rows.astype(np.uint32), vectors)
    work.write(table or f"embeddings_{work.token:x}", frame, op=op, model=model, dimension=vectors.shape[1])
