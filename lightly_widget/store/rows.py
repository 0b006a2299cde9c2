"""The rows of a dataset's tables: read and checked, just written, or kept in memory where nothing can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lightly_widget.errors import CorruptDataError, StaleError
from lightly_widget.store import commits
from lightly_widget.store.checksums import checksum
from lightly_widget.store.commits import Part
from lightly_widget.store.lance import Tables
from lightly_widget.store.log import TOKEN, TOO_OLD, Log, tokens_of
from lightly_widget.store.transaction import Piece, Transaction, joined

_READ_ALL: Final = 256  # parts: from here on it costs less to read a whole table than to look for each
_FRESH_BYTES: Final = 16 * 2**20
_FRESH_PARTS: Final = 64
_IN_MEMORY: Final = "in memory"  # in the place of a checksum


@dataclass(frozen=True)
class _Kept:
    """What was to be written to a table of a dataset that cannot be written."""

    part: Part
    rows: pl.DataFrame
    pieces: list[Piece]


class Rows:
    """The rows of each part of each table."""

    def __init__(self, tables: Tables, log: Log) -> None:
        self._tables = tables
        self._log = log
        self._fresh: dict[tuple[str, int], pl.DataFrame] = {}
        self._readable: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self.changes_in_memory = 0

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, table: str, parts: Sequence[Part]) -> list[pl.DataFrame]:
        """The rows of each part, checked against the checksum kept when they were written.

        Raises:
            CorruptDataError: rows are missing, unreadable or changed.
            StaleError: the parts have been merged by another process; refresh and ask again.
        """
        with self._log.memory:
            fresh = {p.token: self._fresh.pop((table, p.token)) for p in parts if (table, p.token) in self._fresh}
            kept = self._kept.get(table)
            if kept is not None:
                fresh[kept.part.token] = kept.rows
        missing = [p for p in parts if p.token not in fresh and p.rows]
        stored = self._read_stored(table, missing) if missing else {}
        return [fresh[p.token] if p.token in fresh else stored.get(p.token, pl.DataFrame()) for p in parts]

    def _read_stored(self, table: str, parts: Sequence[Part]) -> dict[int, pl.DataFrame]:
        import pyarrow as pa

        if any(_is_in_memory(part) for part in parts):
            raise StaleError(TOO_OLD)
        everything = len(parts) == len([p for p in self._log.parts.get(table, ()) if p.rows])
        if everything or len(parts) > _READ_ALL:
            slices = self._slices(table, parts, lambda handle: handle.to_arrow())
        else:
            wanted = f"{TOKEN} in ({listed_tokens(parts)})"
            slices = self._slices(table, parts, lambda handle: handle.search().where(wanted).limit(None).to_arrow())
        result = {}
        for part in parts:
            found = slices.get(part.token)
            if found is None or found.num_rows != part.rows or checksum(found) != part.checksum:
                self._check_current(table, [part])
                raise CorruptDataError(
                    f"{self._log.uri}: {part.rows:,} rows of table {table!r} are damaged or missing "
                    "(they differ from their checksum); restore the folder from a copy"
                )
            frame = pl.from_arrow(found if isinstance(found, pa.Table) else pa.table(found))
            assert isinstance(frame, pl.DataFrame)
            result[part.token] = frame
        return result

    def read_column(self, table: str, parts: Sequence[Part], column: str) -> list[pl.Series]:
        """One column of each part without its checksum, where reading the other columns would cost too much."""
        look = [TOKEN, column]
        slices = self._slices(table, parts, lambda handle: handle.search().select(look).limit(None).to_arrow())
        result = []
        for part in parts:
            found = slices.get(part.token)
            if part.rows and (found is None or found.num_rows != part.rows):
                self._check_current(table, [part])
                raise CorruptDataError(f"{self._log.uri}: {part.rows:,} rows of table {table!r} are missing")
            result.append(pl.Series(column, [] if found is None else found.column(column)))
        return result

    def _slices(self, table: str, parts: Sequence[Part], look: Callable[[Any], Any]) -> dict[int, Any]:
        rows: dict[int, Any] = self._look(table, parts, lambda handle: commits.split_by_token(look(handle), TOKEN))
        return rows

    def _look(self, table: str, parts: Sequence[Part], look: Callable[[Any], Any]) -> Any:
        try:
            return self._tables.read(table, look)
        except CorruptDataError:
            self._check_current(table, parts)
            if not self._log.mend(table):
                raise
            return self._tables.read(table, look)

    def _check_current(self, table: str, parts: Sequence[Part]) -> None:
        """Raise `StaleError` where these parts are not of the newest state, so that their absence is not damage."""
        self._log.renew()
        current = {*self._log.parts.get(table, ()), *self.parts_in_memory(table)}
        if any(part not in current for part in parts):
            raise StaleError(TOO_OLD)

    def check_readable(self, table: str) -> None:
        """Read from all files of a table, once: a write on top of a version that a power cut tore would be torn too."""
        if table not in self._readable:
            self._look(table, self._log.parts[table], tokens_of)
            self._readable.add(table)

    # -- just written ---------------------------------------------------------------------------------------------

    def note_written(self, table: str) -> None:
        """The table was made or appended to here, so that it can be read."""
        self._readable.add(table)

    def keep_fresh(self, table: str, token: int, frame: pl.DataFrame) -> None:
        """Remember rows that were just written and are not too many: they are most often read next."""
        if frame.estimated_size() > _FRESH_BYTES // 4:
            return
        with self._log.memory:
            self._fresh[(table, token)] = frame
            while (
                sum(f.estimated_size() for f in self._fresh.values()) > _FRESH_BYTES or len(self._fresh) > _FRESH_PARTS
            ):
                self._fresh.pop(next(iter(self._fresh)))

    # -- in memory only -------------------------------------------------------------------------------------------

    def keep_in_memory(self, work: Transaction) -> None:
        """Keep what cannot be written, for this object alone."""
        with self._log.memory:
            for table, pieces in work.pieces.items():
                before = self._kept.get(table)
                replaced = before is None or any(op.get("op") == "set" for _, op in pieces)
                whole = pieces if replaced or before is None else [*before.pieces, *pieces]
                rows, ops = joined(whole)
                self._kept[table] = _Kept(Part(table, work.token, rows.height, _IN_MEMORY, ops), rows, whole)
            self.changes_in_memory += 1

    def add_kept(self, work: Transaction) -> None:
        """Let a write take along what was kept in memory of its tables."""
        for table in self._kept.keys() & work.pieces.keys():
            work.pieces[table] = [*self._kept[table].pieces, *work.pieces[table]]

    def forget(self, parts: Iterable[Part]) -> None:
        """What was kept in memory of these parts' tables has been written."""
        for part in parts:
            self._kept.pop(part.table, None)

    def parts_in_memory(self, table: str) -> tuple[Part, ...]:
        """The part of a table that is kept in memory, if there is one."""
        kept = self._kept.get(table)
        return () if kept is None else (kept.part,)

    def with_kept(self, parts: Mapping[str, tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
        """The parts of each table, those that are kept in memory included."""
        return {**parts, **{table: (*parts.get(table, ()), kept.part) for table, kept in self._kept.items()}}


def with_those_in_memory(
    parts: Mapping[str, tuple[Part, ...]], before: Mapping[str, tuple[Part, ...]]
) -> dict[str, tuple[Part, ...]]:
    """Parts, and of those that were there before the ones kept in memory."""
    kept = {table: [part for part in mine if _is_in_memory(part)] for table, mine in before.items()}
    return {t: (*parts.get(t, ()), *more) for t, more in kept.items() if t in parts or more}


def _is_in_memory(part: Part) -> bool:
    return part.checksum == _IN_MEMORY


def listed_tokens(parts: Sequence[Part]) -> str:
    """The tokens of parts, for a condition."""
    return ", ".join(str(part.token) for part in parts)
