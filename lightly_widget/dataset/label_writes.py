"""Writes of annotations inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_name
from lightly_widget.errors import InvalidValueError, listed, shown
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import ANNOTATION_SCHEMA

if TYPE_CHECKING:
    from lightly_widget.dataset.core import DatasetCore
    from lightly_widget.store import Transaction


def check_source(name: object) -> str:
    """The name, if an annotation source can have it."""
    return check_name("annotation_source", name)


def write_annotations(
    work: Transaction, now: Snapshot, frame: pl.DataFrame, source: str, touched: npt.NDArray[Any] | None = None
) -> None:
    """Append annotations keyed by `sample`; samples in `touched` without a row lose their annotations of `source`."""
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
        empty = pl.DataFrame({"sample": pl.Series(bare.astype(np.uint32))}).with_columns(
            pl.lit(source if name == "annotation_source" else None, dtype).alias(name)
            for name, dtype in ANNOTATION_SCHEMA.items()
            if name != "sample"
        )
        parts.append(empty.select(list(ANNOTATION_SCHEMA)))
    whole = pl.concat(parts)
    if whole.height:
        work.write("annotations", whole, op="replace", source=source)


@dataclass(frozen=True, eq=False)
class Before:
    """What some samples were labeled with in a source before they were labeled again."""

    source: str
    samples: npt.NDArray[Any]
    annotations: pl.DataFrame


def set_class(core: DatasetCore[Any], source: str, class_name: str | None, sample_ids: list[str]) -> Before:
    """Classify samples, or take their class away (None), as one change; returns what they had.

    Raises:
        InvalidValueError: the source holds boxes, or the class is empty or too long.
    """
    check_source(source)
    if class_name is not None:
        check_name("class_name", class_name)
    details = {"annotation_source": source, "count": len(sample_ids)}
    with core.change("add_classifications", details) as (work, now):
        samples = now.known_rows(pl.Series("sample_id", sample_ids, dtype=pl.String))
        known = source in now.annotation_sources()
        held = now.annotations_of(source) if known else pl.DataFrame(schema=ANNOTATION_SCHEMA)
        before = held.filter(pl.col("sample").is_in(samples.astype(np.uint32).tolist()))
        frame = _classified(samples if class_name is not None else samples[:0], class_name)
        if known and now.annotation_sources()[source] != "classification":
            raise InvalidValueError(f"the annotation source {shown(source)} holds boxes; label in another source")
        write_annotations(work, now, frame, source, samples)
    return Before(source, samples, before)


def restore_classes(core: DatasetCore[Any], before: Before) -> None:
    """Take labels back, as one change."""
    details = {"annotation_source": before.source, "count": len(before.samples)}
    with core.change("add_classifications", details) as (work, now):
        write_annotations(work, now, before.annotations, before.source, before.samples)


def _classified(samples: npt.NDArray[Any], class_name: str | None) -> pl.DataFrame:
    empty = pl.DataFrame({"sample": pl.Series(samples.astype(np.uint32))})
    return empty.with_columns(
        pl.lit({"annotation_type": "classification", "class_name": class_name}.get(name), dtype).alias(name)
        for name, dtype in ANNOTATION_SCHEMA.items()
        if name != "sample"
    )
