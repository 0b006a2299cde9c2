"""Tags of a dataset: lists in pick order, changed by single writes, with a history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from lightly_widget.dataset.core import Core
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.query import Pinned, Query
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import Rows, tag_rows

if TYPE_CHECKING:
    from lightly_widget.sampling import SamplingResult
    from lightly_widget.store import Transaction

S = TypeVar("S")

LONGEST_NAME: Final = 255


class Tagging(Core[S]):
    """The part of a dataset that deals with tags."""

    @property
    def tags(self) -> list[str]:
        """The names of all tags, in the order in which they were made."""
        return list(self.snapshot().tags())

    def tag_counts(self) -> dict[str, int]:
        """How many samples each tag has."""
        return {name: len(rows) for name, rows in self.snapshot().tags().items()}

    def tag(self, name: str) -> Query[S]:
        """The samples of a tag in pick order. Raises `UnknownNameError`, a `ValueError`."""
        snapshot = self.snapshot()
        ids = snapshot.samples["sample_id"].gather(pl.Series(snapshot.tag(name)))
        return Query(self, (Pinned(ids),))

    def change_tag(self, name: str, sample_ids: pl.Series, *, add: bool) -> None:
        """Give the tag to these samples, or take it from them, as one write. A tag is made when it is first given."""
        name = check_tag_name(name)
        with self._change("add_tag" if add else "remove_tag", {"tag": name, "count": len(sample_ids)}) as (work, now):
            rows = now.known_rows(sample_ids)
            if add:
                _, first = np.unique(rows, return_index=True)
                wanted: Rows = rows[np.sort(first)].astype(np.uint32)
                has = now.tags().get(name)
                fresh: Rows = wanted if has is None else wanted[~np.isin(wanted, has)]
                if len(fresh) or has is None:
                    work.write("tags", tag_rows(name, fresh, 0 if has is None else len(has)), op="add", tag=name)
            else:
                gone = np.intersect1d(rows.astype(np.uint32), now.tag(name))
                if len(gone):
                    work.write("tags", tag_rows(name, gone), op="remove", tag=name)

    def write_tag(
        self,
        name: str,
        sample_ids: pl.Series,
        *,
        recipe: Mapping[str, Any] | None = None,
        replace: bool = False,
        grow: bool = False,
        metadata: pl.DataFrame | None = None,
    ) -> None:
        """Make a tag of these samples in pick order, as one write.

        Args:
            recipe: how the samples were chosen; kept in the history.
            replace: whether a tag of that name may be there already, and is replaced.
            grow: whether a tag of that name may be there already, and keeps its samples; new ones follow them.
            metadata: a frame of `sample_id` and values to set in the same write.

        Raises:
            InvalidValueError: the tag is there and neither `replace` nor `grow` is set, ids are unknown or repeated, or
                the name is empty, longer than 255 characters or holds a NUL.
        """
        name = check_tag_name(name)
        details = {"tag": name, "count": len(sample_ids), "recipe": dict(recipe) if recipe is not None else None}
        with self._change("write_tag", details) as (work, now):
            if not (replace or grow) and name in now.tags():
                raise _taken(name)
            rows = now.known_rows(sample_ids).astype(np.uint32)
            if len(np.unique(rows)) < len(rows):
                raise InvalidValueError(f"a sample is given more than once for the tag {shown(name)}")
            if grow and name in now.tags():  # read inside the transaction, so that nothing added meanwhile is lost
                rows = _union([now.tag(name), rows])
                work.details["count"] = len(rows)
            work.write("tags", tag_rows(name, rows), op="set", tag=name)
            if metadata is not None:
                self._write_metadata(work, now, metadata)

    def _write_metadata(self, work: Transaction, now: Snapshot, update: Any) -> None:
        raise NotImplementedError

    def rename_tag(self, old: str, new: str) -> None:
        """Give a tag another name. Raises where there is no such tag, or one of the new name."""
        new = check_tag_name(new)
        with self._change("rename_tag", {"tag": old, "to": new}) as (work, now):
            now.tag(old)
            if new != old:
                if new in now.tags():
                    raise _taken(new, "merge_tags puts two together")
                work.write("tags", pl.DataFrame(), op="rename", tag=old, to=new)

    def delete_tag(self, name: str) -> None:
        """Remove a tag from all samples and from the list; the samples stay. Raises `UnknownNameError`."""
        with self._change("delete_tag", {"tag": name}) as (work, now):
            now.tag(name)
            work.write("tags", pl.DataFrame(), op="delete", tag=name)

    def merge_tags(self, names: Sequence[str], into: str) -> None:
        """Put several tags together in one and delete them: one write. Pick order: tag by tag, each sample once.

        Raises:
            UnknownNameError: no such tag.
            InvalidValueError: `into` is another tag that is there. The same for the three methods below.
        """
        into = check_tag_name(into)
        chosen = _names(names)
        with self._change("merge_tags", {"tags": chosen, "tag": into}) as (work, now):
            if into not in chosen and into in now.tags():
                raise _taken(into, "name it among those to merge to keep its samples")
            rows = _union([now.tag(name) for name in chosen])
            for name in chosen:
                if name != into:
                    work.write("tags", pl.DataFrame(), op="delete", tag=name)
            work.write("tags", tag_rows(into, rows), op="set", tag=into)

    def union_tags(self, names: Sequence[str], into: str) -> None:
        """A new tag of the samples that are in any of these tags; pick order tag by tag."""
        self._combine("union_tags", names, into, _union)

    def intersect_tags(self, names: Sequence[str], into: str) -> None:
        """A new tag of the samples that are in all of these tags, in the pick order of the first."""
        self._combine("intersect_tags", names, into, _intersection)

    def subtract_tags(self, names: Sequence[str], into: str) -> None:
        """A new tag of the samples of the first tag that are in none of the others, in its pick order."""
        self._combine("subtract_tags", names, into, _difference)

    def _combine(self, action: str, names: Sequence[str], into: str, how: Any) -> None:
        into = check_tag_name(into)
        chosen = _names(names)
        with self._change(action, {"tags": chosen, "tag": into}) as (work, now):
            if into in now.tags():
                raise _taken(into)
            work.write("tags", tag_rows(into, how([now.tag(name) for name in chosen])), op="set", tag=into)

    # -- history ------------------------------------------------------------------------------------------------

    def history(self) -> pl.DataFrame:
        """All changes, oldest first: number, time (UTC), author, action, tag, count, recipe (JSON), undone."""
        self._store.refresh()
        commits = [c for c in self._store.commits if c.undoable or c.undoes is not None]
        undone = {c.undoes for c in self._store.commits if c.undoes is not None}
        rows = [
            {
                "number": c.number,
                "time": c.time,
                "author": c.author,
                "action": c.action,
                "tag": c.details.get("tag"),
                "count": c.details.get("count"),
                "recipe": None if c.details.get("recipe") is None else json.dumps(c.details["recipe"]),
                "undone": c.number in undone,
            }
            for c in commits
        ]
        return pl.DataFrame(rows, schema=_HISTORY)

    def run(self, recipe: Mapping[str, Any] | str) -> SamplingResult:
        """Repeat a sampling from its recipe: `result.recipe`, or one of `history()`. Writes no tag; `save_as` does.

        Raises:
            InvalidTypeError, InvalidValueError: not a recipe, or it names tags, models or keys that are gone.
        """
        if isinstance(recipe, str):
            try:
                recipe = json.loads(recipe)
            except ValueError as error:
                raise InvalidValueError(f"recipe={shown(recipe)} is not the JSON of a recipe") from error
        if not isinstance(recipe, Mapping) or "query" not in recipe:
            raise InvalidTypeError(f"recipe={shown(recipe)} is no recipe; take result.recipe or one of history()")
        query: Query[S] = Query.from_dict(self, recipe["query"])
        return query.sampling().run(recipe)


_HISTORY: Final[dict[str, Any]] = {
    "number": pl.Int64,
    "time": pl.Datetime("us", "UTC"),
    "author": pl.String,
    "action": pl.String,
    "tag": pl.String,
    "count": pl.Int64,
    "recipe": pl.String,
    "undone": pl.Boolean,
}


def check_tag_name(name: object) -> str:
    """The name, if a tag can have it."""
    if not isinstance(name, str):
        raise InvalidTypeError(f"a tag's name is a text, not {shown(name)}")
    if not name.strip() or len(name) > LONGEST_NAME or "\0" in name:
        raise InvalidValueError(
            f"a tag's name has 1 to {LONGEST_NAME} characters, not only blanks and no NUL; this is {shown(name)}"
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(f"a tag's name is valid Unicode; this is {shown(name)}") from None
    return name


def _names(names: object) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise InvalidTypeError(f"expected a list of tag names, not {shown(names)}")
    return list(dict.fromkeys(check_tag_name(name) for name in names))


def _taken(name: str, way_out: str = "choose another name, or delete_tag it first") -> InvalidValueError:
    return InvalidValueError(f"there is a tag {shown(name)} already; {way_out}")


def _union(tags: list[Rows]) -> Rows:
    joined = np.concatenate(tags)
    _, first = np.unique(joined, return_index=True)
    return joined[np.sort(first)]


def _intersection(tags: list[Rows]) -> Rows:
    rows = tags[0]
    for other in tags[1:]:
        rows = rows[np.isin(rows, other)]
    return rows


def _difference(tags: list[Rows]) -> Rows:
    rows = tags[0]
    for other in tags[1:]:
        rows = rows[~np.isin(rows, other)]
    return rows
