"""The values of a metadata key as strategies and limits need them: none missing, and numbers that are finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lightly_widget.errors import InvalidValueError, MissingValuesError, listed, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.strategies.candidates import Candidates


def refuse_missing(candidates: Candidates, key: str, values: pl.Series, subject: str) -> None:
    """MissingValuesError where a candidate has none; `subject` begins the sentence and names the key."""
    if count := values.null_count():
        some = candidates.sample_ids.filter(values.is_null()).head(3)
        raise MissingValuesError(
            f"{subject} is missing for {count:,} of {len(values):,} candidates (first: {listed(some)}); "
            f"leave them out with .match(NOT(SampleField.metadata[{shown(key)}].is_null()))",
            key,
            count,
        )


def finite(candidates: Candidates, values: pl.Series, subject: str) -> NDArray[np.float64]:
    """(n,) numbers or booleans, none missing, as floats. ValueError: NaN or infinity."""
    numbers = values.cast(pl.Float64)
    odd = numbers.is_nan() | numbers.is_infinite()
    if odd.any():
        raise InvalidValueError(
            f"{subject}: {odd.sum():,} of {len(values):,} candidates have a value that is not finite "
            f"(first: {listed(candidates.sample_ids.filter(odd).head(3))}); set them to numbers, or leave them out "
            "with a filter"
        )
    return numbers.to_numpy()
