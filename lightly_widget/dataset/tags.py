"""`dataset.tags`: named lists of samples in pick order."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from lightly_widget.dataset.core import DatasetCore
from lightly_widget.dataset.tag_writes import check_tag_name, taken, union
from lightly_widget.errors import InvalidTypeError, shown
from lightly_widget.query import Pinned, Query
from lightly_widget.store.tables import Rows, tag_rows

S = TypeVar("S")


class Tags(Generic[S]):
    """The tags of a dataset, in the order in which they were created.

    `dataset.tags["night"]` is a query of the tag's samples in pick order; `"night" in dataset.tags`,
    `list(dataset.tags)`, and `len(dataset.tags)` work as with a dict. Tags are created by `query.add_tag`,
    `sample.add_tag`, the samplings, and the set operations below.
    """

    def __init__(self, core: DatasetCore[S]) -> None:
        self._core = core

    def list(self) -> builtins.list[str]:
        """The names of all tags."""
        return builtins.list(self._core.snapshot().tags())

    def counts(self) -> dict[str, int]:
        """The number of samples of each tag."""
        return {name: len(rows) for name, rows in self._core.snapshot().tags().items()}

    def __getitem__(self, name: str) -> Query[S]:
        """The samples of a tag in pick order. Raises `UnknownNameError`, which is a `ValueError` and a `KeyError`."""
        snapshot = self._core.snapshot()
        ids = snapshot.samples["sample_id"].gather(pl.Series(snapshot.tag(name)))
        return Query(self._core, (Pinned(ids),))

    def __contains__(self, name: object) -> bool:
        return name in self.list()

    def __iter__(self) -> Iterator[str]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self._core.snapshot().tags())

    def __repr__(self) -> str:
        return f"<Tags: {self.counts()}>"

    def rename(self, old: str, new: str) -> None:
        """Rename a tag. Raises if there is no tag `old`, or already a tag `new`."""
        new = check_tag_name(new)
        with self._core.change("rename_tag", {"tag": old, "to": new}) as (work, now):
            now.tag(old)
            if new != old:
                if new in now.tags():
                    raise taken(new, "dataset.tags.merge puts two tags together")
                work.write("tags", pl.DataFrame(), op="rename", tag=old, to=new)

    def delete(self, name: str) -> None:
        """Delete a tag; its samples stay in the dataset. Raises `UnknownNameError`."""
        with self._core.change("delete_tag", {"tag": name}) as (work, now):
            now.tag(name)
            work.write("tags", pl.DataFrame(), op="delete", tag=name)

    def merge(self, names: Sequence[str], into: str) -> None:
        """Replace several tags by one with the samples of all, in one write. Pick order: tag by tag, each sample once.

        Raises:
            UnknownNameError: no such tag.
            InvalidValueError: `into` is a tag that exists and is not among `names`.
        """
        into = check_tag_name(into)
        chosen = _names(names)
        with self._core.change("merge_tags", {"tags": chosen, "tag": into}) as (work, now):
            if into not in chosen and into in now.tags():
                raise taken(into, "add it to names to keep its samples")
            rows = union([now.tag(name) for name in chosen])
            for name in chosen:
                if name != into:
                    work.write("tags", pl.DataFrame(), op="delete", tag=name)
            work.write("tags", tag_rows(into, rows), op="set", tag=into)

    def union(self, names: Sequence[str], into: str) -> None:
        """Create a tag of the samples with any of these tags; pick order tag by tag.

        Raises:
            UnknownNameError: no such tag.
            InvalidValueError: a tag `into` already exists. The same holds for `intersection` and `difference`.
        """
        self._combine("union_tags", names, into, union)

    def intersection(self, names: Sequence[str], into: str) -> None:
        """Create a tag of the samples with all of these tags, in the pick order of the first."""
        self._combine("intersect_tags", names, into, _intersection)

    def difference(self, names: Sequence[str], into: str) -> None:
        """Create a tag of the samples with the first tag and none of the others, in its pick order."""
        self._combine("subtract_tags", names, into, _difference)

    def _combine(
        self, action: str, names: Sequence[str], into: str, combined: Callable[[builtins.list[Rows]], Rows]
    ) -> None:
        into = check_tag_name(into)
        chosen = _names(names)
        with self._core.change(action, {"tags": chosen, "tag": into}) as (work, now):
            if into in now.tags():
                raise taken(into)
            rows = combined([now.tag(name) for name in chosen])
            work.write("tags", tag_rows(into, rows), op="set", tag=into)


def _names(names: Any) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise InvalidTypeError(f"names must be a list of tag names, got {shown(names)}")
    return list(dict.fromkeys(check_tag_name(name) for name in names))


def _intersection(tags: Sequence[Rows]) -> Rows:
    rows = tags[0]
    for other in tags[1:]:
        rows = rows[np.isin(rows, other)]
    return rows


def _difference(tags: Sequence[Rows]) -> Rows:
    rows = tags[0]
    for other in tags[1:]:
        rows = rows[~np.isin(rows, other)]
    return rows
