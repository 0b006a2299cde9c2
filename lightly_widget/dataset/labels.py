"""`dataset.labels`: annotations by source, each a class or a box with a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.label_writes import check_source, write_annotations
from lightly_widget.store.tables import ANNOTATION_SCHEMA


class Labels:
    """The annotations of a dataset: classifications and boxes, kept by source (ground truth, a model, an annotator).

    `query.annotations()` reads them as a frame; `ImageDataset.add_annotations_from_coco` and its siblings add boxes.
    """

    def __init__(self, core: DatasetCore[Any]) -> None:
        self._core = core

    def sources(self) -> dict[str, str]:
        """The type of each annotation source: classification or object_detection."""
        return self._core.snapshot().annotation_sources()

    def counts(self, annotation_source: str | None = None) -> dict[str, int]:
        """The number of annotations of each class, the most frequent first. Raises `UnknownNameError`.

        Args:
            annotation_source: whose annotations are counted; None for all.
        """
        classes = self._core.snapshot().annotations_of(annotation_source)["class_name"]
        counted = classes.value_counts(name="count").sort(["count", "class_name"], descending=[True, False])
        return dict(counted.iter_rows())

    def __repr__(self) -> str:
        return f"<Labels: {self.sources()}>"

    def add_classifications(self, classes: Mapping[Any, Any], annotation_source: str = "ground_truth") -> None:
        """Classify samples: `{sample_id or path: class}`.

        Replaces the earlier classes of these samples from the same source. None removes a class.

        Raises:
            UnknownNameError: keys that are neither a sample id nor a path of the dataset, counted and five named.
            InvalidValueError: a sample is named twice, a class is empty, or the source holds boxes.
            InvalidTypeError: not a mapping, or a class that is neither a string nor an integer.
        """
        from lightly_widget.ingest import classes_from_mapping

        source = check_source(annotation_source)
        samples = self._core.snapshot().samples
        frame = classes_from_mapping(samples, classes)
        none = [key for key, value in classes.items() if value is None]
        cleared = classes_from_mapping(samples, dict.fromkeys(none, "x"))["sample_id"] if none else None
        self._add(frame, source, cleared)

    def add_classifications_from_column(
        self,
        table: Any,
        column: str,
        *,
        key: str = "sample_id",
        confidence: str | None = None,
        annotation_source: str = "ground_truth",
    ) -> None:
        """Classify samples by a column of a table with one row per sample.

        Replaces the earlier classes of these samples from the same source.

        Args:
            table: polars, pandas, pyarrow or the path of a Parquet file.
            column: the column with the classes, strings or integers; null for no class.
            key: the column with sample ids or paths.
            confidence: a column of numbers in 0…1; None for no confidences.
            annotation_source: the name under which the classes are kept.

        Raises:
            UnknownNameError: no such column, or keys that are not in the dataset.
            InvalidValueError, InvalidTypeError: as `add_classifications`, and confidences outside 0…1.
        """
        from lightly_widget.ingest import classes_from_column

        frame = classes_from_column(self._core.snapshot().samples, table, column, key=key, confidence=confidence)
        self._add(frame, check_source(annotation_source))

    def add_classifications_from_folders(self, *, level: int = 1, annotation_source: str = "ground_truth") -> None:
        """Classify images by the name of the folder that they are in (`level` 1), or of the one above it (2) …

        Raises:
            InvalidValueError: a path has fewer folders, the samples are not files, or the source holds boxes. Nothing
                is written.
        """
        from lightly_widget.ingest import classes_from_folders

        frame = classes_from_folders(self._core.snapshot().samples, level=level)
        self._add(frame, check_source(annotation_source))

    def delete(self, annotation_source: str) -> None:
        """Delete all annotations of a source. Raises `UnknownNameError`, a `ValueError`."""
        source = check_source(annotation_source)
        with self._core.change("delete_annotation_source", {"annotation_source": source}) as (work, now):
            rows = now.annotations_of(source)["sample"].unique().to_numpy()
            write_annotations(work, now, pl.DataFrame(schema=ANNOTATION_SCHEMA), source, rows)

    def _add(self, frame: pl.DataFrame, source: str, touched: pl.Series | None = None) -> None:
        """Replace the annotations of `source` on the samples in `frame` (keyed by sample_id) and in `touched`."""
        details = {"annotation_source": source, "count": frame.height}
        with self._core.change("add_classifications", details) as (work, now):
            rows = pl.Series("sample", now.known_rows(frame["sample_id"]).astype(np.uint32))
            also = now.known_rows(touched) if touched is not None else None
            write_annotations(work, now, frame.with_columns(rows), source, also)
