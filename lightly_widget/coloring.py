"""What points are colored by: a category's code or a number for each of them, and what the legend says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from lightly_widget.query.summaries import by_frequency

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def by_member(name: str, members: NDArray[np.bool_]) -> Coloring:
    """One category for those that are in it, none for the others."""
    codes = np.where(members, 0, NO_VALUE).astype(np.uint8)
    return Coloring("category", codes, ((name, int(members.sum())),))


def by_rank(n: int, picks: NDArray[np.integer[Any]]) -> Coloring:
    """1 for the first pick, 2 for the next …; none for the other points."""
    values = np.full(n, np.nan, dtype=np.float32)
    values[picks] = np.arange(1, len(picks) + 1)
    return by_number(values)


def by_value(values: pl.Series) -> Coloring:
    """Numbers and times as numbers, times in milliseconds since 1970; anything else as categories."""
    if values.dtype.is_numeric():
        return by_number(values.cast(pl.Float32).fill_null(np.nan).to_numpy())
    if values.dtype.is_temporal():
        times = values.cast(pl.Datetime("us")).dt.timestamp("ms")
        return by_number(times.cast(pl.Float64).fill_null(np.nan).to_numpy())
    if values.dtype == pl.Boolean:
        values = values.replace_strict([True, False], ["yes", "no"], return_dtype=pl.String)
    return by_category(values.cast(pl.String))


def by_number(values: NDArray[Any]) -> Coloring:
    """A number for each point; what is not finite has no value."""
    numbers = values.astype(np.float32)
    finite = numbers[np.isfinite(numbers)]
    missing = len(numbers) - len(finite)
    numbers = np.where(np.isfinite(numbers), numbers, np.float32(np.nan))
    note = f"{missing:,} of {len(numbers):,} have no value" if missing > 0 else None
    domain = (float(finite.min()), float(finite.max())) if len(finite) else None
    return Coloring("number", numbers, domain=domain, note=note)


def by_label(classes: pl.Series) -> Coloring:
    """The classes of a source; how many points have none is noted."""
    found, missing = by_category(classes), classes.null_count()
    if not missing or found.note is not None:
        return found
    return replace(found, note=f"{missing:,} of {len(classes):,} are unlabeled")


def by_category(values: pl.Series) -> Coloring:
    """The most frequent strings first (ties by name); beyond 254, the rest are one category."""
    counted = by_frequency(values)
    names, counts = counted["name"].to_list(), counted["count"].to_list()
    codes = np.minimum(np.arange(len(names)), OTHER).astype(np.uint8)
    coded = values.replace_strict(names, codes, default=NO_VALUE, return_dtype=pl.UInt8) if names else None
    result = np.full(len(values), NO_VALUE, dtype=np.uint8) if coded is None else coded.to_numpy()
    categories = [*zip(names[:OTHER], counts[:OTHER], strict=True)]
    if len(names) <= OTHER:
        return Coloring("category", result, tuple(categories))
    rest = len(names) - OTHER
    categories.append((f"other ({rest:,} more)", sum(counts[OTHER:])))
    note = f"{len(names):,} different values: the {OTHER} most frequent have colors, the others share one"
    return Coloring("category", result, tuple(categories), note=note)
