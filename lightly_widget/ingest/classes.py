"""One class for each sample: from folder names, from a column, or from a dict."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import polars as pl

from lightly_widget.checks import check_integer
from lightly_widget.errors import InvalidTypeError, InvalidValueError, UnknownNameError, did_you_mean, listed, shown
from lightly_widget.ingest.checks import ANNOTATION_SCHEMA, check_annotations
from lightly_widget.ingest.frames import frame_from_any
from lightly_widget.ingest.locations import absolute, is_url, name_problem

_NAMED = 5


def classes_from_folders(samples: pl.DataFrame, *, level: int = 1) -> pl.DataFrame:
    """The name of the folder that each file is in becomes its class.

    Args:
        samples: sample_id and file_path_abs.
        level: 1 is the folder that holds the file, 2 the one above it, and so on.

    Returns:
        An annotations frame keyed by sample_id, one row for each sample.

    Raises:
        InvalidValueError: a path has fewer folders than `level`; nothing is returned then.
    """
    check_integer("level", level, least=1)
    if "file_path_abs" not in samples.columns:
        raise InvalidValueError(
            f"level={level}: these samples are not files in folders; use add_classifications_from_column"
        )
    parts = [_folders(path) for path in samples["file_path_abs"]]
    short = [path for path, names in zip(samples["file_path_abs"], parts, strict=True) if len(names) < level]
    if short:
        raise InvalidValueError(f"{len(short):,} paths have no folder at level {level}: {listed(short, _NAMED)}")
    return _frame(samples["sample_id"].to_list(), [names[-level] for names in parts])


def classes_from_mapping(samples: pl.DataFrame, classes: Mapping[object, object]) -> pl.DataFrame:
    """`{path or sample_id: class}` → an annotations frame keyed by sample_id, in the order of the mapping.

    A class is a string or an integer; None and NaN mean that the sample has none and are left out.

    Args:
        samples: sample_id, and file_path_abs where samples are files.
        classes: paths may be relative to the working directory, and may be `pathlib.Path`s.

    Raises:
        UnknownNameError: keys that are neither a sample id nor a path of the dataset, counted and five named.
        InvalidValueError: a sample is named twice (by id and by path), or a class is empty.
        InvalidTypeError: `classes` is not a mapping, or a class is neither a string nor an integer.
    """
    if not isinstance(classes, Mapping):
        raise InvalidTypeError(f"classes must be a dict of path or sample id to class, got {type(classes).__name__}")
    ids = _resolve(samples, list(classes))
    return _classified(ids, list(classes.values()))


def classes_from_column(
    samples: pl.DataFrame, table: object, column: str, *, key: str = "sample_id", confidence: str | None = None
) -> pl.DataFrame:
    """One column of a table holds the classes, another says whose they are.

    Args:
        samples: sample_id, and file_path_abs where samples are files.
        table: anything `frame_from_any` reads.
        column: the column with the classes; null means none.
        key: the column with sample ids or paths.
        confidence: a column with numbers in 0…1, or None.

    Raises:
        UnknownNameError: no such column, or keys that are not in the dataset.
        InvalidValueError: confidences outside 0…1.
        InvalidValueError, InvalidTypeError: as `classes_from_mapping` and `frame_from_any`.
    """
    frame = frame_from_any(table, argument="table")
    for name in (key, column, *([confidence] if confidence is not None else [])):
        if name not in frame.columns:
            raise UnknownNameError(did_you_mean("column", name, frame.columns))
    ids = _resolve(samples, frame[key].to_list())
    confidences = None if confidence is None else frame[confidence]
    return _classified(ids, frame[column].to_list(), confidences)


def _folders(path: str) -> tuple[str, ...]:
    # Not PurePath: it takes ten times as long, and there may be a million.
    inside = path.split("://", 1)[1] if is_url(path) else path.replace(os.sep, "/")
    return tuple(part for part in inside.split("/")[:-1] if part)


def _resolve(samples: pl.DataFrame, keys: list[object]) -> list[str]:
    ids = set(samples["sample_id"])
    by_path = (
        dict(zip(samples["file_path_abs"], samples["sample_id"], strict=True)) if "file_path_abs" in samples else {}
    )
    found = [key if isinstance(key, str) and key in ids else _by_path(by_path, key) for key in keys]
    unknown = [key for key, sample_id in zip(keys, found, strict=True) if sample_id is None]
    if unknown:
        raise UnknownNameError(
            f"{len(unknown):,} of {len(keys):,} are neither a sample id nor a path of the dataset: "
            f"{listed(unknown, _NAMED)}"
        )
    names = pl.Series(found, dtype=pl.String)
    twice = names.filter(names.is_duplicated()).unique(maintain_order=True)
    if len(twice):
        raise InvalidValueError(f"{len(twice):,} samples are given a class more than once: {listed(twice, _NAMED)}")
    return names.to_list()


def _by_path(by_path: Mapping[str, str], key: object) -> str | None:
    if not isinstance(key, str | os.PathLike):
        return None
    try:
        return by_path.get(absolute(key))
    except (InvalidTypeError, InvalidValueError):
        return None  # an impossible path is an unknown key, and reported as one


def _classified(ids: list[str], classes: list[object], confidences: pl.Series | None = None) -> pl.DataFrame:
    texts = [class_text(value) for value in classes]
    empty = [sample_id for sample_id, text in zip(ids, texts, strict=True) if text == ""]
    if empty:
        raise InvalidValueError(
            f"{len(empty):,} samples have an empty class: {listed(empty, _NAMED)}; use None for none"
        )
    frame = _frame(ids, texts)
    if confidences is not None:
        if not confidences.dtype.is_numeric():
            raise InvalidTypeError(f"column {shown(confidences.name)} must hold numbers, got {confidences.dtype}")
        frame = frame.with_columns(confidence=confidences.cast(pl.Float32))
    frame = frame.filter(pl.col("class_name").is_not_null())
    return check_annotations(frame, frame.select("sample_id", "width", "height"))


def class_text(value: object) -> str | None:
    """A class as text; None for None and NaN.

    Raises:
        InvalidTypeError: not a string, an integer or a boolean.
        InvalidValueError: a string with a NUL, or that is not valid UTF-8.
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, str) and value and name_problem(value):
        raise InvalidValueError(f"the class {shown(value)} {name_problem(value)}")
    if isinstance(value, str | bool | int | np.integer | np.bool_):
        return str(value)
    raise InvalidTypeError(f"a class must be a string or an integer, got {shown(value)} ({type(value).__name__})")


def _frame(ids: list[str], classes: list[str] | list[str | None]) -> pl.DataFrame:
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in ANNOTATION_SCHEMA.items() if dtype != pl.String]
    frame = pl.DataFrame(
        {"sample_id": ids, "class_name": classes}, schema={"sample_id": pl.String, "class_name": pl.String}
    )
    return frame.with_columns(pl.lit("classification").alias("annotation_type"), *nothing).select(
        "sample_id", *ANNOTATION_SCHEMA
    )
