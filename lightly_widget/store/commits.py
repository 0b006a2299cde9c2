"""The log of a dataset: what a commit is, how it is stored, and which parts of which tables are visible after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from lightly_widget.errors import CorruptDataError, shown
from lightly_widget.store.checksums import checksum_text
from lightly_widget.store.head import Head

_TableName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]{1,200}\Z")]
_Parts = list[tuple[_TableName, int, int, str, list[dict[str, Any]]]]


class Work(Protocol):
    """What `Commit.new` needs of a transaction."""

    token: int
    action: str
    details: dict[str, Any]
    undoable: bool


@dataclass(frozen=True)
class Part:
    """The rows that one commit appended to one table, and in plain data what they mean."""

    table: str
    token: int
    rows: int
    checksum: str
    ops: tuple[dict[str, Any], ...] = field(hash=False)


@dataclass(frozen=True)
class Commit:
    """One change of a dataset: visible as a whole or not at all.

    `undoes` is the number of the commit that this one takes back; `covers`, in a commit of `optimize`, says that its
    own parts stand for all parts of commits up to that number.
    """

    number: int
    token: int
    time: datetime
    author: str
    action: str
    undoable: bool
    undoes: int | None
    covers: int | None
    details_json: str
    parts_json: str

    @cached_property
    def details(self) -> dict[str, Any]:
        """What was done, for the history."""
        found: dict[str, Any] = self._parsed(self.details_json, dict[str, Any])
        return found

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What was appended. Parsed when asked for: a long history holds many that no longer count."""
        return tuple(
            Part(table, token, rows, checksum, tuple(ops))
            for table, token, rows, checksum, ops in self._parsed(self.parts_json, _Parts)
        )

    def _parsed(self, text: str, kind: Any) -> Any:
        """What a log that somebody sent may hold: its names become file names, its tokens conditions."""
        try:
            return msgspec.convert(json.loads(text), kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise CorruptDataError(f"commit {self.number} holds what no commit holds ({shown(str(error))})") from None

    @classmethod
    def new(
        cls,
        number: int,
        work: Work,
        author: str,
        parts: Sequence[Part],
        *,
        undoes: int | None = None,
        covers: int | None = None,
    ) -> Commit:
        listed = [[p.table, p.token, p.rows, p.checksum, list(p.ops)] for p in parts]
        texts = json.dumps(work.details), json.dumps(listed)
        now = datetime.now(UTC)
        return cls(number, work.token, now, author, work.action, work.undoable, undoes, covers, *texts)

    def to_arrow(self) -> Any:
        import pyarrow as pa

        row = self._row()
        return pa.Table.from_pylist([{**row, "checksum": _row_checksum(row)}], schema=schema())

    def _row(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "token": self.token,
            "time": self.time,
            "author": self.author,
            "action": self.action,
            "undoable": self.undoable,
            "undoes": self.undoes,
            "covers": self.covers,
            "details": self.details_json,
            "parts": self.parts_json,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Commit:
        fields = {name: value for name, value in row.items() if name != "checksum"}
        if row["checksum"] != _row_checksum(fields):
            raise CorruptDataError(
                f"commit {fields['number']} differs from its checksum: the log of the data is damaged"
            )
        texts = {"details_json": fields.pop("details"), "parts_json": fields.pop("parts")}
        return cls(**fields, **texts)


def schema() -> Any:
    """The Arrow schema of the table of commits."""
    import pyarrow as pa

    return pa.schema(
        [
            ("number", pa.int64()),
            ("token", pa.int64()),
            ("time", pa.timestamp("us", "UTC")),
            ("author", pa.large_string()),
            ("action", pa.large_string()),
            ("undoable", pa.bool_()),
            ("undoes", pa.int64()),
            ("covers", pa.int64()),
            ("details", pa.large_string()),
            ("parts", pa.large_string()),
            ("checksum", pa.large_string()),
        ]
    )


def _row_checksum(row: Mapping[str, Any]) -> str:
    return checksum_text(json.dumps({**row, "time": row["time"].timestamp()}, sort_keys=True))


# -- what is visible -------------------------------------------------------------------------------------------------

Parts = dict[str, tuple[Part, ...]]


def visible_parts(commits: Sequence[Commit], *, up_to: int | None = None) -> Parts:
    """The parts of each table after the given commits, or only those up to a number."""
    undone = {c.undoes for c in commits if c.undoes is not None}
    base = next((c for c in reversed(commits) if c.covers is not None), None)
    start = base.covers if base is not None and base.covers is not None else 0
    chosen = [c for c in commits if c.number > start and c.number not in undone and c.covers is None]
    if up_to is not None:
        chosen = [c for c in chosen if c.number <= up_to]
    return extend(extend({}, [base]) if base is not None else {}, chosen)


def extend(parts: Parts, commits: Sequence[Commit]) -> Parts:
    """`parts` with those of more commits, none of which undoes or merges."""
    lists: dict[str, list[Part]] = {}
    for commit in commits:
        for part in commit.parts:
            lists.setdefault(part.table, []).append(part)
    return {**parts, **{table: (*parts.get(table, ()), *more) for table, more in lists.items()}}


def parts_at(commits: Sequence[Commit], number: int) -> Parts | None:
    """The parts that hold what was visible after commit `number`; None where it was merged with later ones."""
    then = [c for c in commits if c.number <= number]
    base = next((c for c in reversed(commits) if c.covers is not None), None)
    if base is None or base.covers is None or base.number <= number:
        return visible_parts(then)
    undone_between = (c.undoes for c in commits if c.undoes is not None and number < c.number <= base.number)
    if base.covers > number or any(undone <= base.covers for undone in undone_between):
        return None
    undone = {c.undoes for c in then}
    chosen = [c for c in then if c.number > base.covers and c.number not in undone and c.covers is None]
    return extend(extend({}, [base]), chosen)


def covered_by_optimize(commits: Sequence[Commit], kept: int, window: int) -> int:
    """The number up to which `optimize` may merge.

    The newest `kept` undoable changes stay apart, as far as they are among the newest `window` commits.
    """
    undone = {c.undoes for c in commits}
    open_to_undo = [c.number for c in commits if c.undoable and c.number not in undone]
    before = max((c.covers for c in commits if c.covers is not None), default=0)
    last = open_to_undo[-kept] - 1 if len(open_to_undo) >= kept else commits[0].number
    return max(last, before, commits[-1].number - window)


def split_by_token(rows: Any, column: str) -> dict[int, Any]:
    """The rows of each token, in stored order, without the token's column."""
    import numpy as np

    tokens = rows.column(column).to_numpy()
    bare = rows.drop_columns([column])
    if len(tokens) == 0:
        return {}
    starts = np.concatenate([[0], np.flatnonzero(np.diff(tokens)) + 1])
    ends = np.append(starts[1:], len(tokens))
    if len({int(t) for t in tokens[starts]}) == len(starts):
        return {int(tokens[a]): bare.slice(a, b - a) for a, b in zip(starts, ends, strict=True)}
    order = np.argsort(tokens, kind="stable")  # a table whose pieces were moved about: gather each token's rows
    moved = bare.take(order)
    values, first, counts = np.unique(tokens[order], return_index=True, return_counts=True)
    return {int(t): moved.slice(int(a), int(n)) for t, a, n in zip(values, first, counts, strict=True)}


# -- damage ---------------------------------------------------------------------------------------------------------


def check_sequence(uri: str, first: int, commits: Sequence[Commit], head: Head | None) -> None:
    """Raise `CorruptDataError` where commits from number `first` on are missing, repeated, or not those of the head."""
    numbers = [c.number for c in commits]
    if numbers != list(range(first, first + len(numbers))):
        raise CorruptDataError(f"{uri}: the log of the data has gaps or repetitions after commit {first - 1}")
    newest = first + len(numbers) - 1
    if head is None or head.number < first:
        return
    if head.number > newest:
        raise CorruptDataError(f"{uri}: the last {head.number - newest} writes are missing from the log of the data")
    if commits[head.number - first].token != head.token:
        raise CorruptDataError(f"{uri}: head.json and the log of the data do not belong together")
