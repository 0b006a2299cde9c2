"""What a column comes to: its values by frequency, its range, the main class of each sample."""

from __future__ import annotations

import numpy as np
import polars as pl


def by_frequency(values: pl.Series) -> pl.DataFrame:
    """`name`, `count`: the distinct values, the most frequent first, ties by name; missing ones are not counted."""
    counted = values.alias("name").drop_nulls().value_counts(name="count")
    return counted.sort(["count", "name"], descending=[True, False])


def main_classes(annotations: pl.DataFrame, n: int) -> pl.Series:
    """(n,) the most frequent class of each sample, null without one; `row` is the annotation's sample."""
    counted = annotations.group_by("row", "class_name").len()
    best = counted.sort("row", "len", "class_name", descending=[False, True, False]).unique("row", keep="first")
    rows = pl.DataFrame({"row": np.arange(n, dtype=np.uint32)})
    return rows.join(best, on="row", how="left", maintain_order="left")["class_name"]


def number_range(values: pl.Series) -> tuple[float, float] | None:
    """The smallest and the largest finite number, None where there is none."""
    numbers = values.cast(pl.Float64).drop_nulls().drop_nans()
    finite = numbers.filter(numbers.is_finite())
    return (float(finite.min()), float(finite.max())) if len(finite) else None  # type: ignore[arg-type]
