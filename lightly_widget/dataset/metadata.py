"""`dataset.metadata`: values by key, one type per key."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lightly_widget.dataset import metadata_values as md
from lightly_widget.dataset.core import DatasetCore
from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.indexes import SampleIndexes
from lightly_widget.query.snapshot import Snapshot

if TYPE_CHECKING:
    from lightly_widget.store import Transaction


class Metadata:
    """The metadata of a dataset's samples.

    `dataset.metadata["key"]` is a polars Series with one value per sample, null where a sample has none;
    `"key" in dataset.metadata` and `list(dataset.metadata)` work as with a dict.
    """

    def __init__(self, core: DatasetCore[Any]) -> None:
        self._core = core

    def list(self) -> builtins.list[str]:
        """The metadata keys."""
        return builtins.list(self._core.snapshot().metadata_types())

    def types(self) -> dict[str, str]:
        """The type of each key: integer, float, string, boolean, datetime, date or json."""
        return self._core.snapshot().metadata_types()

    def __getitem__(self, key: str) -> pl.Series:
        """The values of a key, in the order in which the samples were added. Raises `UnknownNameError`."""
        return self._core.snapshot().metadata(key).alias(key)

    def __contains__(self, key: object) -> bool:
        return key in self.list()

    def __iter__(self) -> Iterator[str]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __repr__(self) -> str:
        return f"<Metadata: {self.types()}>"

    def update(self, update: Any) -> None:
        """Set metadata of many samples in one write; other values stay.

        Args:
            update: `{sample_id: {key: value}}`, or a table (polars, pandas, pyarrow, Parquet path) with the column
                `sample_id` and one column per key. None removes a value. Nested dicts become keys with dots. A key
                keeps its type; integers become floats when a float joins them.

        Raises:
            InvalidTypeError: a value of another type than its key has, or that cannot be stored. Nothing is written.
            InvalidValueError: unknown or repeated samples, numbers that would lose digits. Nothing is written.
        """
        columns = _columns(update)
        count = max((len(new.values) for new in columns.values()), default=0)
        with self._core.change("update_metadata", {"keys": sorted(columns)[:100], "count": count}) as (work, now):
            write_columns(work, now, columns, now.known_rows)


def _columns(update: Any) -> dict[str, md.Values]:
    if isinstance(update, Mapping) and all(isinstance(value, Mapping) for value in update.values()):
        return md.columns_from_mapping(update)
    from lightly_widget.ingest import frame_from_any

    return md.columns_from_frame(frame_from_any(update, argument="update"))


def write_columns(
    work: Transaction, now: Snapshot, columns: dict[str, md.Values], rows_of: Callable[[pl.Series], SampleIndexes]
) -> None:
    """Append typed values; `rows_of` gives the samples' numbers, also of samples that the same write adds."""
    tables, kinds = now.metadata_tables(), now.metadata_types()
    for number, (key, new) in enumerate(columns.items()):
        rows = _rows_once(rows_of, key, new.sample_ids)
        table, old_kind = tables.get(key), kinds.get(key)
        fresh_table = f"metadata_{work.token:x}_{number}"
        if table is None or old_kind is None:
            if new.kind != "none":  # else nothing was known before, and nothing is now
                frame = pl.DataFrame({"sample": rows, "value": new.values}).filter(new.values.is_not_null())
                work.write(fresh_table, frame, op="update", key=key, type=new.kind)
            continue
        kind = old_kind
        if new.kind != "none":
            kind = md.joint_kind(key, old_kind, new.kind, now.metadata(key), new.values)
        if kind != old_kind:
            old = now.metadata(key).cast(md.DTYPES[kind])
            moved = pl.DataFrame({"sample": pl.Series("sample", np.arange(len(old), dtype=np.uint32)), "value": old})
            work.write(table, pl.DataFrame(), op="clear", key=key, type=old_kind)
            table = fresh_table
            work.write(table, moved.filter(old.is_not_null()), op="update", key=key, type=kind)
        frame = pl.DataFrame({"sample": rows, "value": new.values.cast(md.DTYPES[kind])})
        work.write(table, frame, op="update", key=key, type=kind)


def _rows_once(rows_of: Callable[[pl.Series], SampleIndexes], key: str, sample_ids: pl.Series) -> pl.Series:
    if sample_ids.null_count():
        raise InvalidValueError(f"metadata {shown(key)}: {sample_ids.null_count():,} rows have no sample_id")
    rows = rows_of(sample_ids)
    if len(np.unique(rows)) < len(rows):
        raise InvalidValueError(
            f"metadata {shown(key)}: {len(rows):,} rows for {sample_ids.n_unique():,} samples; give one row each"
        )
    return pl.Series("sample", rows.astype(np.uint32))
