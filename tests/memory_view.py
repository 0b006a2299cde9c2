"""A dataset in memory that fulfills `Candidates`: what the sampling tests run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from lightly_widget.errors import InvalidValueError, Progress, did_you_mean, no_progress
from lightly_widget.neighbors import NeighborGraph, build_graph
from lightly_widget.strategies import DatasetInfo

NO_ANNOTATIONS = pl.DataFrame(
    schema={"sample_id": pl.String, "source": pl.String, "type": pl.String, "class_name": pl.String}
)


@dataclass
class MemoryDataset:
    """Samples 'id0', 'id1', … with embeddings by model, metadata by key, and annotations."""

    n: int
    models: dict[str, np.ndarray] = field(default_factory=dict)
    values: dict[str, pl.Series] = field(default_factory=dict)
    labels: pl.DataFrame = field(default_factory=lambda: NO_ANNOTATIONS)
    tags: dict[str, list[str]] = field(default_factory=dict)
    crops: tuple[np.ndarray, list[str]] | None = None
    unembedded: set[str] = field(default_factory=set)
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0

    @property
    def ids(self) -> list[str]:
        return [f"id{i}" for i in range(self.n)]

    def view(self, rows: list[int] | None = None) -> MemoryCandidates:
        """A snapshot of these rows, in this order; of all for None."""
        return MemoryCandidates(self, list(range(self.n)) if rows is None else rows)

    def label(self, classes: list[str | None], source: str = "labels", kind: str = "classification") -> MemoryDataset:
        """One annotation per sample; None for none."""
        rows = [(f"id{i}", source, kind, name) for i, name in enumerate(classes) if name is not None]
        self.labels = self.labels.vstack(pl.DataFrame(rows, schema=NO_ANNOTATIONS.schema, orient="row"))
        return self


class MemoryCandidates:
    def __init__(self, dataset: MemoryDataset, rows: list[int]) -> None:
        self.dataset, self.rows = dataset, rows
        self.sample_ids = pl.Series("sample_id", [f"id{i}" for i in rows], dtype=pl.String)

    def __len__(self) -> int:
        return len(self.rows)

    def info(self) -> DatasetInfo:
        data = self.dataset
        sources = data.labels.select("source", "type").unique().rows()
        kinds: dict[str, Literal["number", "string", "boolean", "other"]] = {}
        for key, values in data.values.items():
            boolean = values.dtype == pl.Boolean
            kinds[key] = "boolean" if boolean else "number" if values.dtype.is_numeric() else "string"
        return DatasetInfo(data.n, tuple(data.models), tuple(data.tags), dict(sources), kinds)

    def model(self, name: str | None) -> str:
        models = self.dataset.models
        if not models:
            raise InvalidValueError("the dataset has no embeddings")
        if name is None and len(models) > 1:
            raise InvalidValueError(f"several embedding models, name one: {sorted(models)}")
        if name is not None and name not in models:
            raise InvalidValueError(did_you_mean("embedding model", name, models))
        return name if name is not None else next(iter(models))

    def embeddings(self, model_name: str | None) -> np.ndarray:
        matrix = self.dataset.models[self.model(model_name)]
        if missing := self.dataset.unembedded & set(self.sample_ids):
            raise InvalidValueError(f"{len(missing)} of {len(self)} candidates have no embedding")
        return np.ascontiguousarray(matrix[self.rows])

    def dataset_embeddings(self, model_name: str | None) -> tuple[np.ndarray, pl.Series]:
        matrix = self.dataset.models[self.model(model_name)]
        rows = [i for i, name in enumerate(self.dataset.ids) if name not in self.dataset.unembedded]
        return np.ascontiguousarray(matrix[rows]), pl.Series("sample_id", [f"id{i}" for i in rows], dtype=pl.String)

    def dataset_graph(self, model_name: str | None, progress: Progress = no_progress) -> NeighborGraph:
        return build_graph(self.dataset_embeddings(model_name)[0], 20, progress=progress)

    def metadata(self, key: str) -> pl.Series:
        if key not in self.dataset.values:
            raise InvalidValueError(did_you_mean("metadata key", key, self.dataset.values))
        return self.dataset.values[key].gather(self.rows)

    def dataset_values(self, key: str) -> list[str]:
        return self.dataset.values[key].cast(pl.String).unique().drop_nulls().sort().to_list()

    def dataset_classes(self, annotation_source: str | None) -> list[str]:
        labels = self.dataset.labels
        if annotation_source is not None:
            labels = labels.filter(pl.col("source") == annotation_source)
        return labels["class_name"].unique().sort().to_list()

    def tag_names(self) -> list[str]:
        return list(self.dataset.tags)

    def tag(self, name: str) -> pl.Series:
        if name not in self.dataset.tags:
            raise InvalidValueError(did_you_mean("tag", name, self.dataset.tags))
        return pl.Series("sample_id", self.dataset.tags[name], dtype=pl.String)

    def annotations(self, annotation_source: str | None) -> pl.DataFrame:
        labels = self.dataset.labels
        sources = labels["source"].unique().to_list()
        if annotation_source is not None and annotation_source not in sources:
            raise InvalidValueError(did_you_mean("annotation source", annotation_source, sources))
        if annotation_source is not None:
            labels = labels.filter(pl.col("source") == annotation_source)
        rows = pl.DataFrame({"sample_id": self.sample_ids}).with_row_index("row")
        return labels.join(rows, on="sample_id", maintain_order="left").select(
            "row", "class_name", pl.col("type").alias("annotation_type")
        )

    def crop_embeddings(
        self, model_name: str | None, annotation_source: str | None, progress: Progress = no_progress
    ) -> tuple[np.ndarray, np.ndarray]:
        self.model(model_name)
        matrix, owners = self.dataset.crops or (np.empty((0, 2), dtype=np.float32), [])
        row_of = {name: row for row, name in enumerate(self.sample_ids)}
        kept = [crop for crop, owner in enumerate(owners) if owner in row_of]
        return matrix[kept], np.array([row_of[owners[crop]] for crop in kept], dtype=np.int64)

    def write_tag(
        self, name: str, sample_ids: pl.Series, *, recipe: dict[str, Any], grow: bool, replace: bool = False
    ) -> None:
        if name in self.dataset.tags and not grow and not replace:
            raise InvalidValueError(f"tag {name!r} exists")
        kept = [] if replace else self.dataset.tags.get(name, [])
        self.dataset.tags[name] = list(dict.fromkeys([*kept, *sample_ids]))
        self.dataset.recipes[name] = recipe
        self.dataset.writes += 1

    def write_metadata(self, key: str, sample_ids: pl.Series, values: pl.Series) -> None:
        found = pl.DataFrame({"sample_id": self.dataset.ids}).join(
            pl.DataFrame({"sample_id": sample_ids, "value": values}), on="sample_id", how="left", maintain_order="left"
        )
        self.dataset.values[key] = found["value"]
        self.dataset.writes += 1

    def frame(self, sample_ids: pl.Series) -> pl.DataFrame:
        return pl.DataFrame({"sample_id": sample_ids, "file_name": [f"{name}.png" for name in sample_ids]})

    def samples(self, sample_ids: pl.Series) -> list[Any]:
        return [f"sample {name}" for name in sample_ids]

    def query_dict(self) -> dict[str, Any]:
        return {"dataset": "memory", "rows": self.rows}

    def query_code(self) -> str:
        return f"query = dataset.view_of({self.rows!r})\n"


def line(*points: float) -> np.ndarray:
    """Points on a line as (n, 2) embeddings."""
    return np.array([[point, 0.0] for point in points], dtype=np.float32)
