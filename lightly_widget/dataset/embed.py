"""Embedding the samples of a dataset, batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_name
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import (
    InvalidValueError,
    LightlyWidgetWarning,
    MissingDependencyError,
    Progress,
    no_progress,
    shown,
)
from lightly_widget.indexes import SampleIndexes
from lightly_widget.store.tables import embedding_rows

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder

STORED_AT_ONCE: Final = 512


def embed_samples(
    core: DatasetCore[Any], embedder: Embedder | None, *, batch_size: int, progress: Progress | None
) -> str:
    """Embed the samples that have no embedding of this model yet; returns the model's name."""
    from lightly_widget.embedding import embed_in_batches

    embedder = _default_embedder(core) if embedder is None else embedder
    check_name("embedder.name", embedder.name)
    core.embedders[embedder.name] = embedder
    rows, items = _without_refused(core, embedder, *_to_embed(core, embedder))
    failed: list[tuple[int, str]] = []
    with progress_bar("embed", len(items), progress) as report:
        batches = embed_in_batches(embedder, items, batch_size=batch_size, failed=failed, progress=report)
        for part, vectors in batches:
            good = ~np.isnan(vectors[:, 0])
            _store_batch(core, embedder.name, SampleIndexes(rows[part][good]), vectors[good])
    if failed:
        names = ", ".join(f"{items[i]} ({reason})" for i, reason in failed[:5])
        warnings.warn(
            f"{len(failed):,} of {len(items):,} samples could not be embedded: {names}",
            LightlyWidgetWarning,
            stacklevel=3,
        )
    return embedder.name


def embed_new(core: DatasetCore[Any], embed: bool | Embedder, progress: Progress | None) -> None:
    """Embed samples that were just added, as `add_images_from_path` describes."""
    if embed is False or not len(core):
        return
    try:
        embedder = _default_embedder(core) if embed is True else embed
    except MissingDependencyError as error:
        warnings.warn(
            f"the samples were added without embeddings: {error}; then call dataset.embed(). "
            "Add your own vectors with dataset.add_embeddings(name, array)",
            LightlyWidgetWarning,
            stacklevel=3,
        )
        return
    embed_samples(core, embedder, batch_size=STORED_AT_ONCE, progress=progress)


def _default_embedder(core: DatasetCore[Any]) -> Embedder:
    from lightly_widget.embedding import default_embedder

    media = core.media
    if media == "none":
        raise InvalidValueError("the samples are neither images nor texts; add your own vectors with add_embeddings")
    return default_embedder("image" if media == "image" else "text")


def _to_embed(core: DatasetCore[Any], embedder: Embedder) -> tuple[SampleIndexes, list[Path | str]]:
    now = core.snapshot()
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
        raise InvalidValueError(f"the embedder {shown(embedder.name)} needs {column}, which the samples do not have")
    values = now.samples[column].gather(pl.Series(rows))
    there = values.is_not_null().to_numpy()
    found = list(values.drop_nulls())
    items: list[Path | str] = found if column == "text" else [v if "://" in v else Path(v) for v in found]
    return rows[there], items


def _without_refused(
    core: DatasetCore[Any], embedder: Embedder, rows: SampleIndexes, items: list[Path | str]
) -> tuple[SampleIndexes, list[Path | str]]:
    roots = core.roots
    refused = roots.refused(map(str, items)) if embedder.kind == "image" else []
    if not refused:
        return rows, items
    warnings.warn(
        f"{len(refused):,} of {len(items):,} samples were not embedded: {shown(refused[0], 300)} "
        f"{roots.reason(refused[0])}",
        LightlyWidgetWarning,
        stacklevel=4,
    )
    closed = set(refused)
    keep = [i for i, item in enumerate(items) if str(item) not in closed]
    return SampleIndexes(rows[keep]), [items[i] for i in keep]


def _store_batch(core: DatasetCore[Any], model: str, rows: SampleIndexes, vectors: npt.NDArray[np.float32]) -> None:
    with core.change("embed", {"model": model, "count": len(rows)}, undoable=False) as (work, now):
        # Another process may have embedded some of these meanwhile, or undone adding them.
        have = now.embedded_samples(model) if model in now.models() else np.empty(0, np.uint32)
        keep = ~np.isin(rows, have) & (rows < len(now))
        if keep.any():
            table = now.models().get(model) or f"embeddings_{work.token:x}"
            frame = embedding_rows(rows[keep].astype(np.uint32), vectors[keep])
            work.write(table, frame, op="add", model=model, dimension=vectors.shape[1])


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
