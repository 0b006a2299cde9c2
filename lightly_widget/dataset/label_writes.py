"""Writes of annotations inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_name
from lightly_widget.errors import InvalidValueError, listed, shown
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import ANNOTATION_SCHEMA

if TYPE_CHECKING:
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
