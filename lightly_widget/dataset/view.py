"""The snapshot of a query's samples that strategies, sampling and the widget work on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.dataset.vectors import graph_of
from lightly_widget.errors import InvalidValueError, Progress, StorageError, shown
from lightly_widget.ingest.pictures import UnusablePictureError, read_picture
from lightly_widget.ingest.roots import Roots
from lightly_widget.query import annotations_of_rows, embeddings_of_rows
from lightly_widget.query.code import query_code
from lightly_widget.store.checksums import checksum
from lightly_widget.store.tables import embedding_rows
from lightly_widget.strategies import DatasetInfo

if TYPE_CHECKING:
    from lightly_widget.dataset import BaseDataset
    from lightly_widget.embedding import Embedder
    from lightly_widget.neighbors import NeighborGraph
    from lightly_widget.query import Query
    from lightly_widget.query.snapshot import Snapshot

_METADATA_KINDS: Final[dict[str, Literal["number", "string", "boolean", "other"]]] = {
    "integer": "number",
    "float": "number",
    "string": "string",
    "boolean": "boolean",
}
_CROPS_AT_ONCE: Final = 256


class View:
    """Samples of a query at one moment; fulfills `strategies.Candidates`. Row i is `sample_ids[i]`."""

    def __init__(self, dataset: BaseDataset[Any], query: Query[Any]) -> None:
        self._dataset = dataset
        self._query = query
        self._snapshot, self._rows = query.resolve()

    @property
    def dataset(self) -> BaseDataset[Any]:
        """The dataset, as it is now."""
        return self._dataset

    @cached_property
    def sample_ids(self) -> pl.Series:
        """(n,) ids in query order."""
        return self._snapshot.samples["sample_id"].gather(pl.Series(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def info(self) -> DatasetInfo:
        """What the dataset offers now."""
        now = self._dataset.snapshot()
        sources: dict[str, Any] = now.annotation_sources()
        return DatasetInfo(
            n_samples=len(now),
            embedding_models=tuple(now.models()),
            tag_names=tuple(now.tags()),
            annotation_sources=sources,
            metadata={key: _METADATA_KINDS.get(kind, "other") for key, kind in now.metadata_types().items()},
        )

    # -- vectors ------------------------------------------------------------------------------------------------

    def embeddings(self, model_name: str | None) -> npt.NDArray[np.float32]:
        """(n, d) in row order."""
        return embeddings_of_rows(self._with_model(model_name), self._rows, model_name)

    def dataset_embeddings(self, model_name: str | None) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, d) and (N,) ids of every embedded sample of the dataset."""
        snapshot = self._with_model(model_name)
        value = snapshot.embeddings(snapshot.model_name(model_name))
        return value.vectors, snapshot.samples["sample_id"].gather(pl.Series(value.samples))

    def dataset_graph(self, model_name: str | None, progress: Progress) -> NeighborGraph:
        """The neighbor graph, rows as in `dataset_embeddings`."""
        return graph_of(self._dataset, self._with_model(model_name), model_name, progress)

    def _with_model(self, model_name: str | None) -> Snapshot:
        # Embedding may have begun since. Sample numbers stay, so newer vectors fit older rows.
        models = self._snapshot.models()
        known = bool(models) if model_name is None else model_name in models
        return self._snapshot if known else self._dataset.snapshot()

    # -- labels -------------------------------------------------------------------------------------------------

    def metadata(self, key: str) -> pl.Series:
        """(n,) values, null where missing."""
        snapshot = self._snapshot if key in self._snapshot.metadata_tables() else self._dataset.snapshot()
        return snapshot.metadata(key).gather(pl.Series(self._rows)).alias(key)

    def dataset_values(self, key: str) -> list[str]:
        """The values of a key, as text, that any sample of the whole dataset has, sorted."""
        snapshot = self._snapshot if key in self._snapshot.metadata_tables() else self._dataset.snapshot()
        return snapshot.metadata(key).cast(pl.String).unique().drop_nulls().sort().to_list()

    def dataset_classes(self, annotation_source: str | None) -> list[str]:
        """The classes that any sample of the whole dataset has, sorted."""
        classes = self._snapshot.annotations_of(annotation_source)["class_name"]
        return classes.cast(pl.String).unique().drop_nulls().sort().to_list()

    def tag_names(self) -> list[str]:
        """The dataset's tags now."""
        return list(self._dataset.snapshot().tags())

    def tag(self, name: str) -> pl.Series:
        """Ids of the tag's samples now, in pick order."""
        now = self._dataset.snapshot()
        return now.samples["sample_id"].gather(pl.Series(now.tag(name)))

    def annotations(self, annotation_source: str | None) -> pl.DataFrame:
        """row (u32), annotation_source, annotation_type, class_name, confidence, x, y, width, height."""
        return annotations_of_rows(self._snapshot, self._rows, annotation_source)

    def crop_embeddings(
        self, model_name: str | None, annotation_source: str | None, progress: Progress
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(m, d) embeddings of the candidates' boxes and the (m,) rows that own them. Computed once and kept."""
        model = self._snapshot.model_name(model_name)
        boxes = self._snapshot.annotations_of(annotation_source).filter(pl.col("annotation_type") == "object_detection")
        position = np.full(len(self._snapshot), -1, dtype=np.int64)
        position[self._rows] = np.arange(len(self._rows))
        mine = boxes.filter(pl.Series(position[boxes["sample"].to_numpy()] >= 0, dtype=pl.Boolean))
        if not mine.height:
            raise InvalidValueError(
                "the candidates have no boxes; subpart diversity needs object detection annotations"
            )
        rows = position[mine["sample"].to_numpy()]
        key = checksum(mine.select("sample", "x", "y", "width", "height").to_arrow())
        about = {"model": model, "source": annotation_source, "boxes": key}
        stored = self._dataset.snapshot().derived("crops", **about)
        if stored is not None:
            return stored.rows["vector"].to_numpy(), rows
        vectors = self._embed_crops(self._embedder(model), mine, progress)
        with self._dataset._change("store_crops", undoable=False) as (work, now):
            table = now.derived_table("crops", model=model, source=annotation_source) or f"crops_{work.token:x}"
            work.write(table, embedding_rows(mine["sample"].to_numpy(), vectors), op="set", **about)
        return vectors, rows

    def _embedder(self, model: str) -> Embedder:
        from lightly_widget.embedding import default_embedder

        known: dict[str, Embedder] = getattr(self._dataset, "_embedders", {})
        if model in known:
            return known[model]
        if self._dataset.media == "image":
            embedder = default_embedder("image")
            if embedder.name == model:
                return embedder
        raise InvalidValueError(
            f"the crops must be embedded with {shown(model)}, whose embedder this session does not have; "
            "call dataset.embed(embedder) with it first (nothing is embedded twice)"
        )

    def _embed_crops(self, embedder: Embedder, boxes: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        paths = self._snapshot.samples["file_path_abs"].gather(boxes["sample"]).to_list()
        corners = boxes.select("x", "y", "width", "height").rows()
        vectors = np.empty((len(paths), embedder.dimension), dtype=np.float32)
        with tempfile.TemporaryDirectory() as folder:
            for start in range(0, len(paths), _CROPS_AT_ONCE):
                stop = min(start + _CROPS_AT_ONCE, len(paths))
                files = _cut(Path(folder), paths[start:stop], corners[start:stop], self._dataset.roots)
                vectors[start:stop] = embedder.embed(files)
                progress(stop / len(paths))
        return vectors

    # -- writing and showing ------------------------------------------------------------------------------------

    def write_tag(self, name: str, sample_ids: pl.Series, *, recipe: dict[str, Any], grow: bool) -> None:
        """One atomic write; the pick rank is the position."""
        self._dataset.write_tag(name, sample_ids, recipe=recipe, grow=grow)

    def write_metadata(self, key: str, sample_ids: pl.Series, values: pl.Series) -> None:
        """Set the metadata of these samples in one atomic write."""
        self._dataset.update_metadata(pl.DataFrame({"sample_id": sample_ids, key: values}))

    def frame(self, sample_ids: pl.Series) -> pl.DataFrame:
        """The samples' rows as in `Query.to_polars()`, in the order of the ids."""
        return self._dataset.select(sample_ids).to_polars()

    def samples(self, sample_ids: pl.Series) -> list[Any]:
        """The samples, in the order of the ids."""
        now = self._dataset.snapshot()
        return self._dataset.samples_of(now, now.known_rows(sample_ids))

    def query_dict(self) -> dict[str, Any]:
        """The query as plain data."""
        return {"dataset": self._dataset.name, **self._query.to_dict()}

    def query_code(self) -> str:
        """Python lines that define `dataset` and `query`."""
        folder = self._dataset.uri.rstrip("/").rpartition("/")[0]
        return query_code(type(self._dataset).__name__, self._dataset.name, folder, self._query.to_dict())


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
            "dataset.relocate(old, new) tells the dataset where to"
        ) from error
