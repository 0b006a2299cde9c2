"""Writes of tags inside a transaction, for all who tag samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lightly_widget.checks import check_name
from lightly_widget.errors import InvalidValueError, shown
from lightly_widget.indexes import SampleIndexes
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import Rows, tag_rows

if TYPE_CHECKING:
    from lightly_widget.store import Transaction


def check_tag_name(name: object) -> str:
    """The name, if a tag can have it."""
    return check_name("tag_name", name)


def add_to_tag(work: Transaction, now: Snapshot, name: str, rows: SampleIndexes) -> None:
    """Add the tag to samples that lack it, after those that have it. Creates the tag, without samples too."""
    wanted = union([rows.astype(np.uint32)])
    has = now.tags().get(name)
    fresh: Rows = wanted if has is None else wanted[~np.isin(wanted, has)]
    if len(fresh) or has is None:
        work.write("tags", tag_rows(name, fresh, 0 if has is None else len(has)), op="add", tag=name)


def remove_from_tag(work: Transaction, now: Snapshot, name: str, rows: SampleIndexes) -> None:
    """Remove the tag from those of the samples that have it."""
    gone = np.intersect1d(rows.astype(np.uint32), now.tag(name))
    if len(gone):
        work.write("tags", tag_rows(name, gone), op="remove", tag=name)


def write_tag(
    work: Transaction, now: Snapshot, name: str, sample_ids: pl.Series, *, grow: bool = False, replace: bool = False
) -> None:
    """Write a tag of these samples in pick order.

    With `grow`, a tag that exists keeps its samples, and new ones follow them; with `replace` it loses them. Otherwise
    InvalidValueError; also where a sample is given twice.
    """
    if not grow and not replace and name in now.tags():
        raise taken(name)
    rows: Rows = now.known_rows(sample_ids).astype(np.uint32)
    if len(np.unique(rows)) < len(rows):
        raise InvalidValueError(f"a sample is given more than once for the tag {shown(name)}")
    if grow and name in now.tags():  # read inside the transaction, so that nothing added meanwhile is lost
        rows = union([now.tag(name), rows])
        work.details["count"] = len(rows)
    work.write("tags", tag_rows(name, rows), op="set", tag=name)


def tag_paths(work: Transaction, now: Snapshot, tags: Mapping[str, list[str]], rows_by_path: Mapping[str, int]) -> None:
    """Add each tag to those of its paths that are in `rows_by_path` and lack it."""
    for name, paths in tags.items():
        rows = np.array([rows_by_path[p] for p in paths if p in rows_by_path], dtype=np.uint32)
        has = now.tags().get(name, np.empty(0, np.uint32))
        fresh = rows[~np.isin(rows, has)]
        if len(fresh):
            work.write("tags", tag_rows(name, fresh, len(has)), op="add", tag=name)


def taken(name: str, way_out: str = "choose another name, or delete the tag with dataset.tags.delete") -> Exception:
    """The error for a tag name that is in use."""
    return InvalidValueError(f"a tag named {shown(name)} already exists; {way_out}")


def union(tags: Sequence[Rows]) -> Rows:
    """Samples of any tag, tag by tag, each once."""
    joined = np.concatenate(tags)
    _, first = np.unique(joined, return_index=True)
    return joined[np.sort(first)]
