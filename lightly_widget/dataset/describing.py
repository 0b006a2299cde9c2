"""Metadata and annotations of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.dataset import metadata as md
from lightly_widget.dataset.core import Core, numbers
from lightly_widget.errors import InvalidValueError, Progress, listed, no_progress, shown
from lightly_widget.query.snapshot import Index, Snapshot
from lightly_widget.store.tables import ANNOTATION_SCHEMA

if TYPE_CHECKING:
    from lightly_widget.store import Transaction

S = TypeVar("S")


class Describing(Core[S]):
    """The part of a dataset that deals with metadata and annotations."""

    # -- metadata -----------------------------------------------------------------------------------------------

    @property
    def metadata_keys(self) -> dict[str, str]:
        """The type of each metadata key: integer, float, string, boolean, datetime, date or json."""
        return self.snapshot().metadata_types()

    def update_metadata(self, update: Any) -> None:
        """Set metadata of many samples as one write; values not named stay.

        Args:
            update: `{sample_id: {key: value}}`, or a table (polars, pandas, pyarrow, Parquet path) with the column
                `sample_id` and one column per key. None removes a value. Nested dicts become keys with dots. A key
                keeps its type; whole numbers become floats when a float joins them.

        Raises:
            InvalidTypeError: a value of another type than its key has, or that cannot be kept. Nothing is written.
            InvalidValueError: unknown or repeated samples, numbers that would lose digits. Nothing is written.
        """
        columns = _columns(update)
        count = max((len(new.values) for new in columns.values()), default=0)
        with self._change("update_metadata", {"keys": sorted(columns)[:100], "count": count}) as (work, now):
            write_columns(work, now, columns, now.known_rows)

    def _write_metadata(self, work: Transaction, now: Snapshot, update: Any) -> None:
        write_columns(work, now, _columns(update), now.known_rows)

    def compute_typicality_metadata(
        self,
        metadata_name: str = "typicality",
        embedding_model_name: str | None = None,
        progress: Progress = no_progress,
    ) -> str:
        """Store how typical each embedded sample is (0…1, near its 20 nearest neighbors = high); returns the name."""
        from lightly_widget.sampling.stored_values import compute_typicality_metadata

        return compute_typicality_metadata(self.view(), metadata_name, embedding_model_name, progress)

    def compute_similarity_metadata(
        self,
        query_tag_name: str,
        metadata_name: str | None = None,
        embedding_model_name: str | None = None,
        progress: Progress = no_progress,
    ) -> str:
        """Store how similar each embedded sample is to those of a tag (0…1); returns the metadata's name."""
        from lightly_widget.sampling.stored_values import compute_similarity_metadata

        return compute_similarity_metadata(self.view(), query_tag_name, metadata_name, embedding_model_name, progress)

    # -- annotations --------------------------------------------------------------------------------------------

    @property
    def annotation_sources(self) -> dict[str, str]:
        """The type of each annotation source: classification or object_detection."""
        return self.snapshot().annotation_sources()

    def add_classifications(self, classes: Mapping[Any, Any], annotation_source: str = "ground_truth") -> None:
        """Give samples a class: `{sample_id or path: class}`.

        What the same source said about the same samples before is replaced. None takes the class away.

        Raises:
            UnknownNameError: keys that are neither a sample id nor a path of the dataset, counted and five named.
            InvalidValueError: a sample is named twice, a class is empty, or the source holds boxes.
            InvalidTypeError: not a mapping, or a class that is neither text nor whole number.
        """
        from lightly_widget.ingest import classes_from_mapping

        source = check_source(annotation_source)
        samples = self.snapshot().samples
        frame = classes_from_mapping(samples, classes)
        none = [key for key, value in classes.items() if value is None]
        cleared = classes_from_mapping(samples, dict.fromkeys(none, "x"))["sample_id"] if none else None
        self._add_annotations(frame, source, "add_classifications", cleared)

    def add_classifications_from_column(
        self,
        table: Any,
        column: str,
        *,
        key: str = "sample_id",
        confidence: str | None = None,
        annotation_source: str = "ground_truth",
    ) -> None:
        """Classes from a column of a table, one row a sample; replaces what the same source said of these samples.

        Args:
            table: polars, pandas, pyarrow or the path of a Parquet file.
            column: the column with the classes, texts or whole numbers; null means none.
            key: the column with sample ids or paths.
            confidence: a column of numbers in 0…1; None for none.

        Raises:
            UnknownNameError: no such column, or keys that are not in the dataset.
            InvalidValueError, InvalidTypeError: as `add_classifications`, and confidences outside 0…1.
        """
        from lightly_widget.ingest import classes_from_column

        frame = classes_from_column(self.snapshot().samples, table, column, key=key, confidence=confidence)
        self._add_annotations(frame, check_source(annotation_source), "add_classifications")

    def _add_annotations(self, frame: pl.DataFrame, source: str, action: str, touched: pl.Series | None = None) -> None:
        """Replace what `source` says about the samples in `frame` (keyed by sample_id) and in `touched`."""
        with self._change(action, {"annotation_source": source, "count": frame.height}) as (work, now):
            rows = numbers(now.known_rows(frame["sample_id"]))
            also = now.known_rows(touched) if touched is not None else None
            write_annotations(work, now, frame.with_columns(rows), source, also)

    def delete_annotation_source(self, annotation_source: str) -> None:
        """Remove all annotations of a source. Raises `UnknownNameError`, a `ValueError`."""
        source = check_source(annotation_source)
        with self._change("delete_annotation_source", {"annotation_source": source}) as (work, now):
            rows = now.annotations_of(source)["sample"].unique().to_numpy()
            write_annotations(work, now, pl.DataFrame(schema=ANNOTATION_SCHEMA), source, rows)


def write_annotations(
    work: Transaction, now: Snapshot, frame: pl.DataFrame, source: str, touched: npt.NDArray[Any] | None = None
) -> None:
    """Append annotations keyed by `sample`; samples in `touched` without a row lose what `source` said of them."""
    types = set(frame["annotation_type"].unique())
    before = now.annotation_sources().get(source)
    if before is not None and types - {before}:
        raise InvalidValueError(
            f"the annotation source {shown(source)} holds {before} annotations, not {listed(types - {before})}; "
            "use another source name"
        )
    parts = [
        frame.with_columns(pl.lit(source).alias("annotation_source")).select(
            pl.col(name).cast(dtype) for name, dtype in ANNOTATION_SCHEMA.items()
        )
    ]
    if touched is not None:
        bare = np.setdiff1d(touched, frame["sample"].to_numpy())
        empty = pl.DataFrame({"sample": numbers(bare)}).with_columns(
            pl.lit(source if name == "annotation_source" else None, dtype).alias(name)
            for name, dtype in ANNOTATION_SCHEMA.items()
            if name != "sample"
        )
        parts.append(empty.select(list(ANNOTATION_SCHEMA)))
    whole = pl.concat(parts)
    if whole.height:
        work.write("annotations", whole, op="replace", source=source)


def check_source(name: object) -> str:
    """The name, if an annotation source can have it."""
    from lightly_widget.dataset.tagging import check_tag_name

    return check_tag_name(name)


def _columns(update: Any) -> dict[str, md.Values]:
    if isinstance(update, Mapping) and all(isinstance(value, Mapping) for value in update.values()):
        return md.columns_from_mapping(update)
    from lightly_widget.ingest import frame_from_any

    return md.columns_from_frame(frame_from_any(update, argument="update"))


def write_columns(
    work: Transaction, now: Snapshot, columns: dict[str, md.Values], rows_of: Callable[[pl.Series], Index]
) -> None:
    """Append typed values; `rows_of` gives the samples' numbers, also of samples that the same write adds."""
    tables, kinds = now.metadata_tables(), now.metadata_types()
    for number, (key, new) in enumerate(columns.items()):
        rows = _rows_once(rows_of, key, new.sample_ids)
        table, old_kind = tables.get(key), kinds.get(key)
        fresh_table = f"metadata_{work.token:x}_{number}"
        if table is None or old_kind is None:
            if new.kind != "none":  # else nothing was known before, and nothing is now
                frame = pl.DataFrame({"sample": rows, "value": new.values}).filter(new.values.is_not_null())
                work.write(fresh_table, frame, op="update", key=key, type=new.kind)
            continue
        kind = old_kind
        if new.kind != "none":
            kind = md.joint_kind(key, old_kind, new.kind, now.metadata(key), new.values)
        if kind != old_kind:
            old = now.metadata(key).cast(md.DTYPES[kind])
            moved = pl.DataFrame({"sample": numbers(np.arange(len(old))), "value": old})
            work.write(table, pl.DataFrame(), op="clear", key=key, type=old_kind)
            table = fresh_table
            work.write(table, moved.filter(old.is_not_null()), op="update", key=key, type=kind)
        frame = pl.DataFrame({"sample": rows, "value": new.values.cast(md.DTYPES[kind])})
        work.write(table, frame, op="update", key=key, type=kind)


def _rows_once(rows_of: Callable[[pl.Series], Index], key: str, sample_ids: pl.Series) -> pl.Series:
    if sample_ids.null_count():
        raise InvalidValueError(f"metadata {shown(key)}: {sample_ids.null_count():,} rows have no sample_id")
    rows = rows_of(sample_ids)
    if len(np.unique(rows)) < len(rows):
        raise InvalidValueError(
            f"metadata {shown(key)}: {len(rows):,} rows for {sample_ids.n_unique():,} samples; give one row each"
        )
    return numbers(rows)
