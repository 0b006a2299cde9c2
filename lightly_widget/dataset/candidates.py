"""The candidates of a query, as strategies read them and samplings write to their dataset."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.crops import embed_crops
from lightly_widget.dataset.graph import graph_of
from lightly_widget.dataset.metadata import write_columns
from lightly_widget.dataset.metadata_values import columns_from_frame
from lightly_widget.dataset.tag_writes import check_tag_name, write_tag
from lightly_widget.errors import InvalidValueError, Progress
from lightly_widget.query import Pinned, Query, annotations_of_rows, embeddings_of_rows, resolve
from lightly_widget.query.code import query_code
from lightly_widget.strategies import DatasetInfo

if TYPE_CHECKING:
    from lightly_widget.neighbors import NeighborGraph
    from lightly_widget.query.snapshot import Snapshot

_METADATA_KINDS: Final[dict[str, Literal["number", "string", "boolean", "other"]]] = {
    "integer": "number",
    "float": "number",
    "string": "string",
    "boolean": "boolean",
}


class QueryCandidates:
    """The samples of a query at one moment: implements `Candidates` and `ResultHome`."""

    def __init__(self, core: DatasetCore[Any], query: Query[Any]) -> None:
        self._core = core
        self._query = query
        self._snapshot, self._rows = resolve(query)

    # -- what strategies read -----------------------------------------------------------------------------------

    @cached_property
    def sample_ids(self) -> pl.Series:
        """(n,) ids in query order."""
        return self._snapshot.samples["sample_id"].gather(pl.Series(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def info(self) -> DatasetInfo:
        """What the dataset offers now."""
        now = self._core.snapshot()
        sources: dict[str, Any] = now.annotation_sources()
        return DatasetInfo(
            n_samples=len(now),
            embedding_models=tuple(now.models()),
            tag_names=tuple(now.tags()),
            annotation_sources=sources,
            metadata={key: _METADATA_KINDS.get(kind, "other") for key, kind in now.metadata_types().items()},
        )

    def embeddings(self, model_name: str | None) -> npt.NDArray[np.float32]:
        """(n, d) in query order."""
        return embeddings_of_rows(self._with_model(model_name), self._rows, model_name)

    def dataset_embeddings(self, model_name: str | None) -> tuple[npt.NDArray[np.float32], pl.Series]:
        """(N, d) and (N,) ids of every embedded sample of the dataset."""
        snapshot = self._with_model(model_name)
        value = snapshot.embeddings(snapshot.model_name(model_name))
        return value.vectors, snapshot.samples["sample_id"].gather(pl.Series(value.samples))

    def dataset_graph(self, model_name: str | None, progress: Progress) -> NeighborGraph:
        """The neighbor graph, in the order of `dataset_embeddings`."""
        return graph_of(self._core, self._with_model(model_name), model_name, progress)

    def _with_model(self, model_name: str | None) -> Snapshot:
        # Embedding may have begun since. Sample indexes stay, so newer vectors fit an older query.
        models = self._snapshot.models()
        known = bool(models) if model_name is None else isinstance(model_name, str) and model_name in models
        return self._snapshot if known else self._core.snapshot()

    def metadata(self, key: str) -> pl.Series:
        """(n,) values, null where missing."""
        return self._with_key(key).metadata(key).gather(pl.Series(self._rows)).alias(key)

    def dataset_values(self, key: str) -> list[str]:
        """The distinct values of a key in the whole dataset, as strings, sorted."""
        return self._with_key(key).metadata(key).cast(pl.String).unique().drop_nulls().sort().to_list()

    def _with_key(self, key: str) -> Snapshot:
        known = isinstance(key, str) and key in self._snapshot.metadata_tables()
        return self._snapshot if known else self._core.snapshot()

    def dataset_classes(self, annotation_source: str | None) -> list[str]:
        """The distinct classes in the whole dataset, sorted."""
        classes = self._snapshot.annotations_of(annotation_source)["class_name"]
        return classes.cast(pl.String).unique().drop_nulls().sort().to_list()

    def tag_names(self) -> list[str]:
        """The dataset's tags now."""
        return list(self._core.snapshot().tags())

    def tag(self, name: str) -> pl.Series:
        """Ids of the tag's samples now, in pick order."""
        now = self._core.snapshot()
        return now.samples["sample_id"].gather(pl.Series(now.tag(name)))

    def annotations(self, annotation_source: str | None) -> pl.DataFrame:
        """row (u32, the candidate), annotation_source, annotation_type, class_name, confidence, x, y, width, height."""
        return annotations_of_rows(self._snapshot, self._rows, annotation_source)

    def crop_embeddings(
        self, model_name: str | None, annotation_source: str | None, progress: Progress
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(m, d) embeddings of the candidates' boxes and the (m,) candidates that own them."""
        model = self._snapshot.model_name(model_name)
        boxes = self._snapshot.annotations_of(annotation_source).filter(pl.col("annotation_type") == "object_detection")
        position = np.full(len(self._snapshot), -1, dtype=np.int64)
        position[self._rows] = np.arange(len(self._rows))
        mine = boxes.filter(pl.Series(position[boxes["sample"].to_numpy()] >= 0, dtype=pl.Boolean))
        if not mine.height:
            raise InvalidValueError(
                "the candidates have no boxes; subpart diversity needs object detection annotations"
            )
        vectors = embed_crops(self._core, self._snapshot, mine, model, annotation_source, progress)
        return vectors, position[mine["sample"].to_numpy()]

    # -- where results go ---------------------------------------------------------------------------------------

    def write_tag(
        self, name: str, sample_ids: pl.Series, *, recipe: dict[str, Any], grow: bool, replace: bool = False
    ) -> None:
        """Write a tag in pick order, in one atomic write."""
        name = check_tag_name(name)
        details = {"tag": name, "count": len(sample_ids), "recipe": recipe}
        with self._core.change("write_tag", details) as (work, now):
            write_tag(work, now, name, sample_ids, grow=grow, replace=replace)

    def write_metadata(self, key: str, sample_ids: pl.Series, values: pl.Series) -> None:
        """Set the metadata of these samples in one atomic write."""
        columns = columns_from_frame(pl.DataFrame({"sample_id": sample_ids, key: values}))
        details = {"keys": [key], "count": len(sample_ids)}
        with self._core.change("update_metadata", details, recomputable=True) as (work, now):
            write_columns(work, now, columns, now.known_rows)

    def frame(self, sample_ids: pl.Series) -> pl.DataFrame:
        """The samples' rows as in `Query.to_polars()`, in the order of the ids."""
        return Query(self._core, (Pinned(sample_ids.unique(maintain_order=True)),)).to_polars()

    def samples(self, sample_ids: pl.Series) -> list[Any]:
        """The samples, in the order of the ids."""
        now = self._core.snapshot()
        return self._core.samples_of(now, now.known_rows(sample_ids))

    def to_html(self, result: Any, path: Any, options: dict[str, Any]) -> Path:
        """Write a page that shows the result among its candidates."""
        from lightly_widget.widget import page_of_result

        return page_of_result(self._core, self._query, result, path, options)

    def query_dict(self) -> dict[str, Any]:
        """The query as plain data."""
        return {"dataset": self._core.name, **self._query.to_dict()}

    def query_code(self) -> str:
        """Python lines that define `dataset` and `query`."""
        folder = self._core.uri.rstrip("/").rpartition("/")[0]
        return query_code(self._core.kind.class_name, self._core.name, folder, self._query.to_dict())
