"""What annotations, sample ids and embeddings must be before anything is stored. All problems are reported at once."""

from __future__ import annotations

import warnings
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.checks import check_choice, check_strings
from lightly_widget.errors import InvalidTypeError, InvalidValueError, LightlyWidgetWarning, listed, shown
from lightly_widget.store.tables import ANNOTATION_COLUMNS

ANNOTATION_SCHEMA: Final = ANNOTATION_COLUMNS
"""Columns of an annotations frame beside its key (`sample_id` or `file_path_abs`) and its source.

`annotation_type` is "classification" or "object_detection"; boxes in pixels from the top left corner of the image,
null for classifications; `confidence` in 0…1 or null.
"""

BOX: Final = ("x", "y", "width", "height")
BOX_TOLERANCE: Final = 1.0
_NAMED: Final = 5
LARGEST_EMBEDDING: Final = 1e15

Invalid = Literal["raise", "drop"]


def check_annotations(
    annotations: pl.DataFrame,
    sizes: pl.DataFrame,
    *,
    key: str = "sample_id",
    tolerance: float = BOX_TOLERANCE,
    invalid: Invalid = "raise",
) -> pl.DataFrame:
    """The annotations with the dtypes of `ANNOTATION_SCHEMA`, or one error that counts every problem and names five.

    Refused: boxes that leave their image by more than `tolerance` pixels, sizes that are zero or negative, NaN and
    infinite numbers, confidences outside 0…1, missing class names, boxes on classifications, unknown types and keys.

    Args:
        annotations: columns of `ANNOTATION_SCHEMA` and `key`; others are passed through.
        sizes: `key`, width, height of every image in pixels; null sizes (not images) let no box pass.
        tolerance: in pixels; rounding in label files often puts a box a little outside.
        invalid: "raise", or "drop" to leave out what is refused, with a warning that counts it.

    Raises:
        InvalidValueError: a column is missing, or a row is not valid, or `invalid` is neither word.
        InvalidTypeError: a column cannot be read as its dtype.
    """
    check_choice("invalid", invalid, ("raise", "drop"))
    missing = [name for name in (key, *ANNOTATION_SCHEMA) if name not in annotations.columns]
    if missing:
        raise InvalidValueError(
            f"annotations lack the columns {listed(missing)}; they have {listed(annotations.columns)}"
        )
    wide = _cast(annotations, {name: dtype for name, dtype in ANNOTATION_SCHEMA.items() if dtype == pl.String})
    wide = _cast(wide, dict.fromkeys((*BOX, "confidence"), pl.Float64))
    joined = wide.join(
        sizes.select(key, _image_width=pl.col("width"), _image_height=pl.col("height"), _known=pl.lit(True)).unique(
            key
        ),
        on=key,
        how="left",
        maintain_order="left",
    )
    problems = joined.select(pl.col(key).alias("_key"), "class_name", *BOX, "confidence", problem=_problem(tolerance))
    bad = problems.with_row_index("row").filter(pl.col("problem").is_not_null())
    if len(bad):
        text = _in_words(bad)
        if invalid == "raise":
            raise_all(text, len(bad), f"of {len(wide):,} annotations")
        warnings.warn(
            f"{len(bad):,} of {len(wide):,} annotations were left out: {'; '.join(text)}",
            LightlyWidgetWarning,
            stacklevel=2,
        )
        wide = wide.filter(problems["problem"].is_null())
    return wide.with_columns(pl.col(name).cast(dtype) for name, dtype in ANNOTATION_SCHEMA.items())


def _problem(tolerance: float) -> pl.Expr:
    x, y, width, height = (pl.col(name) for name in BOX)
    box = pl.concat_list(BOX).list
    is_box = pl.col("annotation_type") == "object_detection"
    confidence = pl.col("confidence")
    broken = {
        "belongs to no known image or sample": pl.col("_known").is_null(),
        "is neither a classification nor an object_detection": ~pl.col("annotation_type")
        .is_in(["classification", "object_detection"])
        .fill_null(False),
        "has no class name": pl.col("class_name").is_null() | (pl.col("class_name").str.len_bytes() == 0),
        "has a confidence outside 0…1": ~(confidence.is_null() | confidence.is_between(0, 1)),
        "is a classification with a box": ~is_box & pl.any_horizontal(pl.col(name).is_not_null() for name in BOX),
        "lacks a part of its box": is_box & pl.any_horizontal(pl.col(name).is_null() for name in BOX),
        "has a box that is not finite": is_box & ~box.eval(pl.element().is_finite()).list.all(),
        "has a box without area (width and height must be above 0)": is_box & ((width <= 0) | (height <= 0)),
        "has a box, and its image has no size": is_box
        & (pl.col("_image_width").is_null() | pl.col("_image_height").is_null()),
        "has a box outside its image": is_box
        & (
            (x < -tolerance)
            | (y < -tolerance)
            | (x + width > pl.col("_image_width") + tolerance)
            | (y + height > pl.col("_image_height") + tolerance)
        ),
    }
    return pl.coalesce(pl.when(wrong).then(pl.lit(words)) for words, wrong in broken.items())


def _in_words(bad: pl.DataFrame) -> list[str]:
    return [
        f"row {row['row']} (of {shown(row['_key'])}, class {shown(row['class_name'])}, box "
        f"{tuple(row[name] for name in BOX)}, confidence {row['confidence']}) {row['problem']}"
        for row in bad.head(_NAMED).to_dicts()
    ]


def raise_all(lines: list[str], n_problems: int, of_what: str) -> None:
    """One error for `n_problems` problems, the first five spelled out."""
    more = f"; and {n_problems - _NAMED:,} more" if n_problems > _NAMED else ""
    raise InvalidValueError(
        f"{n_problems:,} {of_what} cannot be used and nothing was added: {'; '.join(lines[:_NAMED])}{more}. "
        "Correct or remove them first"
    )


def _cast(frame: pl.DataFrame, dtypes: dict[str, Any]) -> pl.DataFrame:
    for name, dtype in dtypes.items():
        have = frame[name].dtype
        fits = have == pl.Null or (have.is_numeric() if dtype.is_numeric() else have in (pl.String, pl.Categorical))
        if not fits and not isinstance(have, pl.Enum):
            wanted = "numbers" if dtype.is_numeric() else "strings"
            raise InvalidTypeError(f"column {shown(name)} must hold {wanted}, got {have}")
    return frame.with_columns(pl.col(name).cast(dtype) for name, dtype in dtypes.items())


def check_sample_ids(sample_ids: object, known: pl.Series, *, argument: str = "sample_ids") -> pl.Series:
    """The ids as a series of strings, in the given order: each known, none twice.

    Raises:
        InvalidTypeError: not a list of strings.
        InvalidValueError: null, repeated or unknown ids, counted and five named.
    """
    ids = pl.Series(argument, check_strings(argument, sample_ids, what="sample ids"), dtype=pl.String)
    twice = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(twice):
        raise InvalidValueError(f"{argument}: {len(twice):,} ids are there more than once: {listed(twice, _NAMED)}")
    unknown = ids.filter(~ids.is_in(known.implode()))
    if len(unknown):
        raise InvalidValueError(
            f"{argument}: {len(unknown):,} of {len(ids):,} are not in the dataset: {listed(unknown, _NAMED)}"
        )
    return ids


def check_embeddings(embeddings: object, n_rows: int, *, argument: str = "embeddings") -> npt.NDArray[np.float32]:
    """The embeddings as a C-contiguous float32 array of shape (n_rows, d), d ≥ 1, all finite.

    A float32 array of that layout is returned as it is, uncopied; memory maps stay on disk.

    Args:
        embeddings: numpy array, torch tensor, polars Series of lists or arrays, numeric frame, or list of lists.
        n_rows: how many rows there must be.

    Raises:
        InvalidTypeError: not numbers.
        InvalidValueError: wrong shape or count, rows of unequal length, missing rows, NaN or infinite numbers (also
            those beyond the range of float32); the message counts the rows and names the first five.
    """
    array = _as_array(embeddings, argument)
    if array.dtype.kind not in "fiu":
        raise InvalidTypeError(f"{argument} must be numbers, got {array.dtype}")
    if array.ndim != 2:
        raise InvalidValueError(
            f"{argument} must have the shape (samples, dimensions), got {array.shape}; for one vector use vector[None]"
        )
    if array.shape[0] != n_rows:
        raise InvalidValueError(
            f"{argument} has {array.shape[0]:,} rows, and there are {n_rows:,} samples: one row for each"
        )
    if array.shape[1] == 0:
        raise InvalidValueError(f"{argument} has 0 dimensions; at least 1 is needed")
    with np.errstate(over="ignore"):  # what overflows becomes infinite, and is named below
        result = np.ascontiguousarray(array, dtype=np.float32)
    bad = _rows_not_finite(result)
    if len(bad):
        raise InvalidValueError(
            f"{argument}: {len(bad):,} of {n_rows:,} rows are not finite (NaN, infinite or beyond float32), "
            f"among them row {listed(bad[:_NAMED].tolist())}. Remove or repair them first"
        )
    _check_scale(result, argument)
    return result


def _check_scale(array: npt.NDArray[np.float32], argument: str) -> None:
    """Squares of differences have to fit in float32: beyond these limits they are all infinite, or all 0."""
    if not array.size:
        return
    largest = max(float(array.max()), -float(array.min()))
    if largest > LARGEST_EMBEDDING or 0 < largest < 1 / LARGEST_EMBEDDING:
        raise InvalidValueError(
            f"{argument} must be numbers of a size between {1 / LARGEST_EMBEDDING:g} and {LARGEST_EMBEDDING:g}, the "
            f"largest is {largest:g}; divide them by it, which changes no choice"
        )


def _as_array(embeddings: object, argument: str) -> npt.NDArray[Any]:
    if isinstance(embeddings, pl.Series):
        return _from_series(embeddings, argument)
    if isinstance(embeddings, pl.DataFrame):
        if embeddings.width == 1:
            return _from_series(embeddings.to_series(), argument)
        _refuse_nulls(embeddings.select(pl.any_horizontal(pl.all().is_null())).to_series(), argument)
        return embeddings.to_numpy()
    if hasattr(embeddings, "detach") and hasattr(embeddings, "cpu"):
        tensor = embeddings.detach().cpu()
        embeddings = tensor.float() if "bfloat16" in str(getattr(tensor, "dtype", "")) else tensor
    if isinstance(embeddings, np.ma.MaskedArray):
        _refuse_nulls(pl.Series(np.ma.getmaskarray(embeddings).any(axis=tuple(range(1, embeddings.ndim)))), argument)
    _refuse_deeper_lists(embeddings, argument)
    try:
        array = np.asanyarray(embeddings)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValueError(f"{argument} is not an array of numbers with rows of equal length: {error}") from error
    if array.dtype == object and array.ndim == 2:
        try:
            return array.astype(np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidTypeError(f"{argument} holds something that is not a number: {error}") from error
    return array


def _refuse_deeper_lists(embeddings: object, argument: str) -> None:
    """Of a list that holds itself, numpy tries to make 64 dimensions."""
    rows = embeddings if isinstance(embeddings, list | tuple) else ()
    if any(isinstance(item, list | tuple) for row in rows if isinstance(row, list | tuple) for item in row):
        raise InvalidValueError(f"{argument} must have the shape (samples, dimensions), got rows that hold lists")


def _from_series(series: pl.Series, argument: str) -> npt.NDArray[Any]:
    inner = getattr(series.dtype, "inner", None)
    if inner is None or not inner.is_numeric():
        raise InvalidTypeError(f"{argument} as a column must hold lists or arrays of numbers, got {series.dtype}")
    _refuse_nulls(series.is_null(), argument)
    if isinstance(series.dtype, pl.Array) and len(series.dtype.shape) > 1:
        raise InvalidValueError(f"{argument} must have one vector a row, got {series.dtype}")
    rows = series.arr.to_list() if isinstance(series.dtype, pl.Array) else series
    lengths = rows.list.len().unique(maintain_order=True)
    if len(lengths) > 1:
        raise InvalidValueError(f"{argument}: the rows have different lengths: {listed(lengths, _NAMED)}")
    flat = rows.explode(empty_as_null=False)
    if flat.null_count():
        raise InvalidValueError(f"{argument}: {flat.null_count():,} numbers are missing (null)")
    return flat.to_numpy().reshape(len(rows), -1 if flat.len() else 0)


def _refuse_nulls(missing: pl.Series, argument: str) -> None:
    rows = missing.arg_true()
    if len(rows):
        raise InvalidValueError(
            f"{argument}: {len(rows):,} rows are missing (null), among them row {listed(rows[:_NAMED])}"
        )


def _rows_not_finite(array: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """In blocks, so that a memory map is read once and nothing of its size is made."""
    step = max(1, 4_000_000 // array.shape[1])
    found = [
        start + np.flatnonzero(~np.isfinite(array[start : start + step]).all(axis=1))
        for start in range(0, len(array), step)
    ]
    return np.concatenate(found) if found else np.empty(0, np.intp)
