"""The stored neighbor graph of a dataset's embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import Progress
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import array_column

if TYPE_CHECKING:
    from lightly_widget.neighbors import NeighborGraph

NEIGHBORS: Final = 20


def graph_of(core: DatasetCore[Any], snapshot: Snapshot, model: str | None, progress: Progress) -> NeighborGraph:
    """The neighbor graph of the snapshot's embeddings; built or extended, and stored, if it is missing."""
    from lightly_widget.neighbors import NeighborGraph, build_graph, extend_graph

    model = snapshot.model_name(model)
    value = snapshot.embeddings(model)
    # The newest state may hold a graph built since the snapshot, or by another process.
    stored = core.snapshot().derived("graph", model=model, epoch=value.epoch, k=NEIGHBORS)
    n = len(value.samples)
    if stored is not None and stored.about["n"] <= n:
        about = stored.about
        graph = NeighborGraph(
            stored.rows["indices"].to_numpy(), stored.rows["distances"].to_numpy(), about["exact"], about["recall"]
        )
        if about["n"] == n:
            return graph
        graph = extend_graph(graph, value.vectors, about["n"], progress)
    else:
        graph = build_graph(value.vectors, NEIGHBORS, progress=progress)
    frame = pl.DataFrame({"indices": array_column(graph.indices), "distances": array_column(graph.distances)})
    about = {"model": model, "epoch": value.epoch, "n": n, "k": NEIGHBORS}
    about |= {"exact": graph.exact, "recall": graph.recall}
    if stored is None or stored.about["n"] < n:
        keep_derived(core, "graph", frame, about, {"model": model})
    return graph


def keep_derived(
    core: DatasetCore[Any], kind: str, frame: pl.DataFrame, about: dict[str, Any], same: dict[str, Any]
) -> None:
    """Store something derived from embeddings in place of what was derived with the same options, if anything."""
    with core.change(f"store_{kind}", undoable=False, recomputable=True) as (work, now):
        table = now.derived_table(kind, **same) or f"{kind}_{work.token:x}"
        work.write(table, frame, op="set", **about)
