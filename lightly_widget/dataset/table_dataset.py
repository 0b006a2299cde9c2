"""Datasets of anything that is not an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import polars as pl

from lightly_widget.dataset.candidates import QueryCandidates
from lightly_widget.dataset.core import Kind, new_ids, now_column
from lightly_widget.dataset.dataset import BaseDataset
from lightly_widget.dataset.embeddings import write_embeddings
from lightly_widget.dataset.metadata import write_columns
from lightly_widget.dataset.metadata_values import columns_from_frame
from lightly_widget.dataset.sample import Sample
from lightly_widget.errors import DatasetExistsError, InvalidTypeError, InvalidValueError, listed, shown
from lightly_widget.indexes import SampleIndexes

_ANYTHING: Final = Kind(
    "generic",
    "Dataset",
    {"sample_id": pl.String, "created_at": pl.Datetime("us", "UTC")},
    Sample,
    QueryCandidates,
)


class Dataset(BaseDataset[Sample]):
    """Anything that has embeddings: texts, table rows, sounds. Made from a table."""

    _kind: ClassVar[Kind[Any]] = _ANYTHING

    @classmethod
    def from_polars(
        cls,
        frame: Any,
        embeddings: Any = None,
        *,
        name: str,
        path: str | Path | None = None,
        embedding_model_name: str = "embeddings",
    ) -> Self:
        """A new dataset from a table (polars, pandas, pyarrow, Parquet path), one sample a row.

        Args:
            frame: the column `sample_id`, if any, gives the ids; `text` is what the widget shows; all other columns
                become metadata.
            embeddings: (rows, d) finite numbers, kept as float32, or the name of a column of arrays or lists; None for
                none yet.
            name, path: as in `create`.
            embedding_model_name: what the vectors are kept under.

        Raises:
            InvalidValueError: ids that are repeated or missing, embeddings of another count or not finite, a column
                whose values cannot be kept. No dataset is made.
            InvalidTypeError: not a table, or a column of a type that cannot be kept.
            DatasetExistsError: there is one of that name.
        """
        from lightly_widget.ingest import frame_from_any

        table, vectors = _take_vectors(frame_from_any(frame), embeddings)
        samples = _sample_columns(table)
        rest = table.drop([c for c in samples.columns if c in table.columns]).insert_column(0, samples["sample_id"])
        metadata = columns_from_frame(rest)
        dataset = cls._create_or_empty(name, path)
        with dataset._core.change("add_samples", {"count": table.height}) as (work, now):
            rows = SampleIndexes(np.arange(table.height))
            if table.height:
                work.write("samples", samples, op="add")
                write_columns(work, now, metadata, lambda ids: rows)
            if vectors is not None and len(vectors):
                write_embeddings(work, now, embedding_model_name, rows, vectors)
        return dataset

    @classmethod
    def _create_or_empty(cls, name: str, path: str | Path | None) -> Self:
        try:
            return cls.create(name, path)
        except DatasetExistsError:
            there = cls.load(name, path)
            if there._core.snapshot().version > 1:
                raise
            return there  # a process died after making it and before filling it


def _take_vectors(table: pl.DataFrame, embeddings: Any) -> tuple[pl.DataFrame, Any]:
    from lightly_widget.ingest import check_embeddings

    if embeddings is None:
        return table, None
    if isinstance(embeddings, str):
        if embeddings not in table.columns:
            raise InvalidValueError(
                f"embeddings must be a column of the frame or an array, got {shown(embeddings)}; columns: "
                f"{listed(table.columns)}"
            )
        return table.drop(embeddings), check_embeddings(table[embeddings], table.height)
    return table, check_embeddings(embeddings, table.height)


def _sample_columns(table: pl.DataFrame) -> pl.DataFrame:
    """The columns that are kept with the samples; all others are metadata."""
    if "sample_id" in table.columns:
        ids = table["sample_id"]
        if ids.dtype.is_integer():
            ids = ids.cast(pl.String)
        if ids.dtype != pl.String:
            raise InvalidTypeError(f"sample_id holds {ids.dtype}; expected strings or integers")
        if ids.null_count() or ids.n_unique() < len(ids):
            twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
            raise InvalidValueError(
                f"sample_id: {ids.null_count():,} missing, {len(twice):,} more than once ({listed(twice.head(5))}); "
                "every row needs its own"
            )
    else:
        ids = new_ids(table.height)
    columns = [ids.alias("sample_id")]
    for name in ("text", "file_name", "file_path_abs"):
        if name in table.columns:
            if table[name].dtype not in {pl.String, pl.Null}:
                raise InvalidTypeError(f"{name} holds {table[name].dtype}; expected texts")
            columns.append(table[name].cast(pl.String))
    return pl.DataFrame([*columns, now_column(table.height)])
