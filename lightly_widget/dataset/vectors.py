"""Embeddings of a dataset, and what is derived from them: the neighbor graph and the plot's projections."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.dataset.core import Core
from lightly_widget.errors import (
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetWarning,
    MissingDependencyError,
    Progress,
    no_progress,
    shown,
)
from lightly_widget.query.snapshot import Index, Snapshot
from lightly_widget.store.tables import Embeddings, array_column, embedding_rows

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder
    from lightly_widget.neighbors import NeighborGraph
    from lightly_widget.store import Store

S = TypeVar("S")

NEIGHBORS: Final = 20
_STORED_AT_ONCE: Final = 512
_LONGEST_NAME: Final = 255


class Vectors(Core[S]):
    """The part of a dataset that deals with embeddings."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._embedders: dict[str, Embedder] = {}

    @property
    def embedding_models(self) -> list[str]:
        """Names of the models that samples have embeddings of."""
        return list(self.snapshot().models())

    @property
    def embedders(self) -> dict[str, Embedder]:
        """The embedders used in this session, by model name: what an explorer looks for texts with."""
        return dict(self._embedders)

    def embed(
        self, embedder: Embedder | None = None, *, batch_size: int = _STORED_AT_ONCE, progress: Progress | None = None
    ) -> str:
        """Embed the samples that have no embedding of this model yet; returns the model's name.

        Every batch is stored as it is ready: an interrupted run goes on where it stopped.

        Args:
            embedder: see `lightly_widget.embedding.Embedder`; by default EfficientNet-Lite0 for images and
                all-MiniLM-L6-v2 for texts.
            batch_size: samples stored at once.
            progress: called with the fraction done; without it a progress bar is shown.

        Raises:
            MissingDependencyError: the default embedder's packages are not installed; the message says how to.
            InvalidValueError: samples that are neither images nor texts, or a model of that name with other dimensions.
        """
        from lightly_widget.embedding import default_embedder, embed_in_batches

        if embedder is None:
            if self.media == "none":
                raise InvalidValueError("the samples are neither images nor texts; bring vectors with add_embeddings")
            embedder = default_embedder("image" if self.media == "image" else "text")
        _check_model_name(embedder.name)
        self._embedders[embedder.name] = embedder
        rows, items = self._to_embed(embedder)
        refused = self.roots.refused(map(str, items)) if embedder.kind == "image" else []
        if refused:
            self._leave_out(refused, len(items))
            closed = set(refused)
            keep = [i for i, item in enumerate(items) if str(item) not in closed]
            rows, items = rows[keep], [items[i] for i in keep]
        failed: list[tuple[int, str]] = []
        with progress_bar("embed", len(items), progress) as report:
            batches = embed_in_batches(embedder, items, batch_size=batch_size, failed=failed, progress=report)
            for part, vectors in batches:
                good = ~np.isnan(vectors[:, 0])
                self._store_batch(embedder.name, rows[part][good], vectors[good])
        if failed:
            names = ", ".join(f"{items[i]} ({reason})" for i, reason in failed[:5])
            warnings.warn(
                f"{len(failed):,} of {len(items):,} samples could not be embedded: {names}",
                LightlyWidgetWarning,
                stacklevel=2,
            )
        return embedder.name

    def _leave_out(self, refused: list[str], count: int) -> None:
        warnings.warn(
            f"{len(refused):,} of {count:,} samples were not embedded: {shown(refused[0], 300)} "
            f"{self.roots.reason(refused[0])}",
            LightlyWidgetWarning,
            stacklevel=3,
        )

    def _to_embed(self, embedder: Embedder) -> tuple[Index, list[Path | str]]:
        now = self.snapshot()
        done = np.zeros(len(now), dtype=bool)
        if embedder.name in now.models():
            if now.dimension(embedder.name) != embedder.dimension:
                raise InvalidValueError(
                    f"the stored embeddings of {shown(embedder.name)} have {now.dimension(embedder.name)} dimensions, "
                    f"this embedder gives {embedder.dimension}; give it another name"
                )
            done[now.embedded_samples(embedder.name)] = True
        rows = np.flatnonzero(~done)
        column = "file_path_abs" if embedder.kind == "image" else "text"
        if column not in now.samples.columns:
            raise InvalidValueError(
                f"the embedder {shown(embedder.name)} needs {column}, which the samples do not have"
            )
        values = now.samples[column].gather(pl.Series(rows))
        there = values.is_not_null().to_numpy()
        found = list(values.drop_nulls())
        items: list[Path | str] = found if column == "text" else [v if "://" in v else Path(v) for v in found]
        return rows[there], items

    def _store_batch(self, model: str, rows: Index, vectors: npt.NDArray[np.float32]) -> None:
        with self._change("embed", {"model": model, "count": len(rows)}, undoable=False) as (work, now):
            # Another process may have embedded some of these meanwhile, or undone adding them.
            have = now.embedded_samples(model) if model in now.models() else np.empty(0, np.uint32)
            keep = ~np.isin(rows, have) & (rows < len(now))
            if keep.any():
                table = now.models().get(model) or f"embeddings_{work.token:x}"
                frame = embedding_rows(rows[keep].astype(np.uint32), vectors[keep])
                work.write(table, frame, op="add", model=model, dimension=vectors.shape[1])

    def add_embeddings(self, name: str, embeddings: Any, sample_ids: Any = None, *, replace: bool = False) -> None:
        """Add vectors that were computed elsewhere, as one write.

        Args:
            name: of the model that made them.
            embeddings: (n, d) finite numbers: array, tensor, list of lists, column of arrays; kept as float32.
            sample_ids: whose they are, row by row; None for all samples in the order they were added.
            replace: whether vectors that these samples already have of this model are replaced.

        Raises:
            InvalidValueError: wrong shape or number, not finite, ids unknown or repeated, or there already. Nothing is
                written.
            InvalidTypeError: no numbers, or ids that are no texts.
        """
        from lightly_widget.ingest import check_embeddings, check_sample_ids

        name = _check_model_name(name)
        everything = self.snapshot().samples["sample_id"]
        ids = everything if sample_ids is None else check_sample_ids(sample_ids, everything)
        vectors = check_embeddings(embeddings, len(ids))
        if len(vectors) == 0:
            raise InvalidValueError("embeddings: there are no rows to add")
        with self._change("add_embeddings", {"model": name, "count": len(ids)}) as (work, now):
            write_embeddings(work, now, name, now.known_rows(ids), vectors, replace=replace)

    def delete_embeddings(self, name: str) -> None:
        """Remove all vectors of a model. Raises `UnknownNameError`, a `ValueError`."""
        with self._change("delete_embeddings", {"model": name}) as (work, now):
            table = now.models()[now.model_name(name)]
            work.write(table, pl.DataFrame(), op="drop", model=name, dimension=now.dimension(name))

    # -- what is derived ----------------------------------------------------------------------------------------

    def neighbor_graph(
        self, embedding_model_name: str | None = None, progress: Progress = no_progress
    ) -> NeighborGraph:
        """Each embedded sample's 20 nearest others, rows as in `embeddings`. Computed once, kept, and extended.

        `indices` (N, 20) int32 and Euclidean `distances` (N, 20) float32, nearest first, itself left out; `exact`, or
        else the estimated `recall`. What `progress` raises ends it; nothing is kept then.

        Raises:
            InvalidValueError: no embeddings, or several models and none named.
            UnknownNameError: no such model.
        """
        return graph_of(self, self.snapshot(), embedding_model_name, progress)

    def embeddings(self, embedding_model_name: str | None = None) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, d) float32 vectors of all embedded samples, in the order they were stored, and their sample ids.

        The array cannot be written to. Raises as `neighbor_graph`.
        """
        snapshot = self.snapshot()
        value = snapshot.embeddings(snapshot.model_name(embedding_model_name))
        return value.vectors, snapshot.samples["sample_id"].gather(pl.Series(value.samples))

    def projection(
        self,
        embedding_model_name: str | None = None,
        method: Literal["pca", "umap"] = "pca",
        *,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, 2) float32 plot positions of all embedded samples, about -1…1, and their ids. Computed once and kept.

        Raises as `neighbor_graph`, and MissingDependencyError where umap is not installed.
        """
        if method not in ("pca", "umap"):
            raise InvalidValueError(f"method={shown(method)}: expected 'pca' or 'umap'")
        snapshot = self.snapshot()
        model = snapshot.model_name(embedding_model_name)
        value = snapshot.embeddings(model)
        ids = snapshot.samples["sample_id"].gather(pl.Series(value.samples))
        about = {"model": model, "epoch": value.epoch, "n": len(value.samples), "method": method, "seed": seed}
        stored = snapshot.derived("projection", **about)
        if stored is not None:
            return np.ascontiguousarray(stored.rows.to_numpy(), dtype=np.float32), ids
        positions = _project(self, snapshot, value, method, seed, progress)
        frame = pl.DataFrame({"x": positions[:, 0], "y": positions[:, 1]})
        _keep(self, "projection", frame, about, {"model": model, "method": method, "seed": seed})
        return positions, ids


def _project(
    dataset: Core[Any], snapshot: Snapshot, value: Embeddings, method: str, seed: int, progress: Progress
) -> npt.NDArray[np.float32]:
    from lightly_widget import projection

    if method == "pca":
        return projection.pca(value.vectors, seed=seed, progress=progress)
    graph = graph_of(dataset, snapshot, value.model, lambda f: progress(0.3 * f))
    return projection.umap(value.vectors, graph, seed=seed, progress=lambda f: progress(0.3 + 0.7 * f))


def graph_of(dataset: Core[Any], snapshot: Snapshot, model: str | None, progress: Progress) -> NeighborGraph:
    """The stored neighbor graph of the snapshot's embeddings; built or extended, and stored, when it is not there."""
    from lightly_widget.neighbors import NeighborGraph, build_graph, extend_graph

    model = snapshot.model_name(model)
    value = snapshot.embeddings(model)
    # The newest state may hold a graph made since the snapshot, or by another process.
    stored = dataset.snapshot().derived("graph", model=model, epoch=value.epoch, k=NEIGHBORS)
    n = len(value.samples)
    graph = None
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
        _keep(dataset, "graph", frame, about, {"model": model})
    return graph


def _keep(dataset: Core[Any], kind: str, frame: pl.DataFrame, about: dict[str, Any], same: dict[str, Any]) -> None:
    with dataset._change(f"store_{kind}", undoable=False) as (work, now):
        table = now.derived_table(kind, **same) or f"{kind}_{work.token:x}"
        work.write(table, frame, op="set", **about)


def write_embeddings(
    work: Any, now: Snapshot, model: str, rows: Index, vectors: npt.NDArray[np.float32], *, replace: bool = False
) -> None:
    """Append vectors to a model's table; where some of the samples have one already, replace them or raise."""
    table = now.models().get(model)
    op = "add"
    if table is not None:
        if now.dimension(model) != vectors.shape[1]:
            raise InvalidValueError(
                f"embeddings of {shown(model)} have {now.dimension(model)} dimensions, these have {vectors.shape[1]}; "
                "use another name, or delete_embeddings first"
            )
        known = now.embeddings(model)
        again = np.isin(known.samples, rows)
        if again.any():
            if not replace:
                raise InvalidValueError(
                    f"{int(again.sum()):,} of these samples have an embedding of {shown(model)} already; "
                    "replace=True replaces them"
                )
            keep = ~again
            op = "set"
            if keep.any():
                rows = np.concatenate([known.samples[keep].astype(np.int64), rows])
                vectors = np.concatenate([known.vectors[keep], vectors])
    frame = embedding_rows(rows.astype(np.uint32), vectors)
    work.write(table or f"embeddings_{work.token:x}", frame, op=op, model=model, dimension=vectors.shape[1])


def default_embedder_or_warn(dataset: Core[Any]) -> Embedder | None:
    """The default embedder, or None after a warning that says how to install it."""
    from lightly_widget.embedding import default_embedder

    try:
        return default_embedder("image" if dataset.media == "image" else "text")
    except MissingDependencyError as error:
        warnings.warn(
            f"the samples were added without embeddings: {error}; then call dataset.embed(). "
            "Vectors of your own go in with dataset.add_embeddings(name, array)",
            LightlyWidgetWarning,
            stacklevel=3,
        )
        return None


@contextmanager
def progress_bar(what: str, total: int, progress: Progress | None) -> Iterator[Progress]:
    """The caller's progress callback, or one that moves a bar."""
    if progress is not None or total == 0:
        yield progress or no_progress
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, unit="", leave=False) as bar:

        def report(fraction: float) -> None:
            bar.update(int(fraction * total) - bar.n)

        yield report


def _check_model_name(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidTypeError(f"an embedding model's name is a text, not {shown(name)}")
    if not name.strip() or len(name) > _LONGEST_NAME or "\0" in name:
        raise InvalidValueError(f"an embedding model's name has 1 to {_LONGEST_NAME} characters; this is {shown(name)}")
    return name
