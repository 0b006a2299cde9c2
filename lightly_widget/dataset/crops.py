"""Embeddings of the annotated boxes, which are cut out of the images."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import InvalidValueError, Progress, StorageError, shown
from lightly_widget.ingest.pictures import UnusablePictureError, read_picture
from lightly_widget.ingest.roots import Roots
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.checksums import checksum
from lightly_widget.store.tables import embedding_rows

if TYPE_CHECKING:
    from lightly_widget.embedding import Embedder

_CROPS_AT_ONCE: Final = 256


def embed_crops(
    core: DatasetCore[Any], snapshot: Snapshot, boxes: pl.DataFrame, model: str, source: str | None, progress: Progress
) -> npt.NDArray[np.float32]:
    """(m, d) embeddings of these boxes (annotations with `sample`), in their order. Computed once and stored."""
    key = checksum(boxes.select("sample", "x", "y", "width", "height").to_arrow())
    about = {"model": model, "source": source, "boxes": key}
    stored = core.snapshot().derived("crops", **about)
    if stored is not None:
        return stored.rows["vector"].to_numpy()
    vectors = _embedded(core, snapshot, _embedder(core, model), boxes, progress)
    with core.change("store_crops", undoable=False, recomputable=True) as (work, now):
        table = now.derived_table("crops", model=model, source=source) or f"crops_{work.token:x}"
        work.write(table, embedding_rows(boxes["sample"].to_numpy(), vectors), op="set", **about)
    return vectors


def _embedder(core: DatasetCore[Any], model: str) -> Embedder:
    from lightly_widget.embedding import default_embedder

    if model in core.embedders:
        return core.embedders[model]
    if core.media == "image":
        embedder = default_embedder("image")
        if embedder.name == model:
            return embedder
    raise InvalidValueError(
        f"the crops must be embedded with {shown(model)}, whose embedder this session does not have; "
        "call dataset.embed(embedder) with it first (nothing is embedded twice)"
    )


def _embedded(
    core: DatasetCore[Any], snapshot: Snapshot, embedder: Embedder, boxes: pl.DataFrame, progress: Progress
) -> npt.NDArray[np.float32]:
    paths = snapshot.samples["file_path_abs"].gather(boxes["sample"]).to_list()
    corners = boxes.select("x", "y", "width", "height").rows()
    vectors = np.empty((len(paths), embedder.dimension), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(paths), _CROPS_AT_ONCE):
            stop = min(start + _CROPS_AT_ONCE, len(paths))
            files = _cut(Path(folder), paths[start:stop], corners[start:stop], core.roots)
            vectors[start:stop] = embedder.embed(files)
            progress(stop / len(paths))
    return vectors


def _cut(folder: Path, paths: Sequence[str], boxes: Sequence[tuple[float, ...]], roots: Roots) -> list[Path | str]:
    files: list[Path | str] = []
    for path, group in groupby(zip(paths, boxes, strict=True), key=lambda pair: pair[0]):
        image = _open_rgb(path, roots)  # once for boxes that follow each other
        for _, (x, y, width, height) in group:
            left, top = max(int(x), 0), max(int(y), 0)
            right = min(max(int(np.ceil(x + width)), left + 1), image.width)
            bottom = min(max(int(np.ceil(y + height)), top + 1), image.height)
            file = folder / f"{len(files)}.png"
            image.crop((left, top, right, bottom)).save(file, compress_level=1)
            files.append(file)
    return files


def _open_rgb(path: str, roots: Roots) -> Any:
    try:
        return read_picture(path, lambda image: image.convert("RGB"), roots=roots)
    except UnusablePictureError as error:
        raise StorageError(
            f"the boxes of {shown(path, 300)} cannot be cut out: {error}. If the images were moved, "
            "dataset.relocate(old, new) updates their paths"
        ) from error
