"""Lists and tables out: text, CSV, Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.errors import InvalidValueError, listed, shown
from lightly_widget.export.files import atomic_file
from lightly_widget.ingest.checks import check_embeddings
from lightly_widget.ingest.locations import PathLike, absolute


def write_txt(samples: pl.DataFrame, path: PathLike, *, overwrite: bool) -> Path:
    """See `Export.to_txt`."""
    if "file_path_abs" not in samples.columns or samples["file_path_abs"].null_count():
        raise InvalidValueError("some samples have no file path; to_csv writes every sample")
    paths = samples["file_path_abs"].to_list()
    broken = [name for name in paths if name.splitlines() != [name]]
    if broken:
        raise InvalidValueError(f"{len(broken):,} paths hold a line break: {listed(broken, 5)}; to_csv can write them")
    return _write(
        path, overwrite, lambda file: file.write_text("".join(f"{name}\n" for name in paths), "utf-8", newline="\n")
    )


def write_csv(samples: pl.DataFrame, path: PathLike, *, overwrite: bool) -> Path:
    """See `Export.to_csv`."""
    flat = samples.with_columns(_as_json(samples[name]) for name in samples.columns if samples[name].dtype.is_nested())
    return _write(path, overwrite, lambda file: flat.write_csv(file, quote_style="non_numeric"))


def write_parquet(
    samples: pl.DataFrame, embeddings: Mapping[str, npt.NDArray[np.float32]], path: PathLike, *, overwrite: bool
) -> Path:
    """See `Export.to_parquet`."""
    columns = []
    for name, array in embeddings.items():
        if name in samples.columns:
            raise InvalidValueError(f"there is a column {shown(name)} already, besides the embeddings of that name")
        vectors = check_embeddings(array, len(samples), argument=name)
        columns.append(pl.Series(name, vectors, dtype=pl.Array(pl.Float32, vectors.shape[1])))
    frame = samples.with_columns(columns)
    return _write(path, overwrite, lambda file: frame.write_parquet(file))


def _write(path: PathLike, overwrite: bool, write: Callable[[Path], object]) -> Path:
    with atomic_file(path, overwrite=overwrite) as scratch:
        write(scratch)
    return Path(absolute(path))


def _as_json(series: pl.Series) -> pl.Series:
    texts = [
        None if value is None else json.dumps(value, ensure_ascii=False, default=_plain) for value in series.to_list()
    ]
    return pl.Series(series.name, texts, dtype=pl.String)


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
