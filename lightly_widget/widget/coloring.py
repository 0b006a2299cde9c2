"""What the points are colored by: one value per point, as category codes or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from lightly_widget.errors import Progress, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.indexes import PointIndexes
    from lightly_widget.widget.points import Points

NO_VALUE: Final = 255
OTHER: Final = 254


@dataclass(frozen=True, eq=False)
class Coloring:
    """`category`: values are (n,) u8 codes, 255 = none; `number`: (n,) f32, NaN = none; `none`: no values."""

    scale: Literal["category", "number", "none"]
    values: NDArray[np.uint8] | NDArray[np.float32] | None = None
    categories: tuple[tuple[str, int], ...] = ()
    """Name and count by code."""
    domain: tuple[float, float] | None = None
    note: str | None = None


def coloring(
    points: Points, color_by: dict[str, str], picks: PointIndexes, progress: Progress = no_progress
) -> Coloring:
    """The coloring of a checked `ColorBy`; `picks` are the sample in pick order. ValueError: unknown key."""
    match color_by["by"]:
        case "label":
            return _categories(points.main_classes(color_by["key"]))
        case "tag":
            return _tag(points, color_by["key"])
        case "metadata":
            return _metadata(points.metadata(color_by["key"]))
        case "typicality":
            return _numbers(points.typicality(progress))
        case "rank":
            values = np.full(len(points), np.nan, dtype=np.float32)
            values[picks] = np.arange(1, len(picks) + 1)
            return _numbers(values)
        case _:
            return Coloring("none")


def _tag(points: Points, name: str) -> Coloring:
    tagged = points.in_tag(name)
    codes = np.where(tagged, 0, NO_VALUE).astype(np.uint8)
    return Coloring("category", codes, ((name, int(tagged.sum())),))


def _metadata(values: pl.Series) -> Coloring:
    if values.dtype.is_numeric():
        return _numbers(values.cast(pl.Float32).fill_null(np.nan).to_numpy())
    if values.dtype.is_temporal():
        return _numbers(values.cast(pl.Datetime("us")).dt.timestamp("ms").cast(pl.Float64).fill_null(np.nan).to_numpy())
    if values.dtype == pl.Boolean:
        values = values.replace_strict([True, False], ["yes", "no"], return_dtype=pl.String)
    return _categories(values.cast(pl.String))


def _numbers(values: NDArray[Any]) -> Coloring:
    numbers = values.astype(np.float32)
    finite = numbers[np.isfinite(numbers)]
    missing = len(numbers) - len(finite)
    numbers = np.where(np.isfinite(numbers), numbers, np.float32(np.nan))
    note = f"{missing:,} of {len(numbers):,} have no value" if missing > 0 else None
    domain = (float(finite.min()), float(finite.max())) if len(finite) else None
    return Coloring("number", numbers, domain=domain, note=note)


def _categories(values: pl.Series) -> Coloring:
    """The most frequent first (ties by name); beyond 254, the rest are one category."""
    counted = (
        values.alias("name").drop_nulls().value_counts(name="count").sort(["count", "name"], descending=[True, False])
    )
    names, counts = counted["name"].to_list(), counted["count"].to_list()
    codes = np.minimum(np.arange(len(names)), OTHER).astype(np.uint8)
    coded = values.replace_strict(names, codes, default=NO_VALUE, return_dtype=pl.UInt8) if names else None
    result = np.full(len(values), NO_VALUE, dtype=np.uint8) if coded is None else coded.to_numpy()
    shown_ones = [*zip(names[:OTHER], counts[:OTHER], strict=True)]
    if len(names) <= OTHER:
        return Coloring("category", result, tuple(shown_ones))
    rest = len(names) - OTHER
    shown_ones.append((f"other ({rest:,} more)", sum(counts[OTHER:])))
    note = f"{len(names):,} different values: the {OTHER} most frequent have colors, the others share one"
    return Coloring("category", result, tuple(shown_ones), note=note)
