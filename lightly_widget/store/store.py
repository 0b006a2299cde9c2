"""What lasts: one folder of LanceDB tables per dataset, and the only code that writes to it.

Every table only ever grows. A write appends its rows, marked with the random token of the write, to one or more
tables, and then appends one row to the table `commits`: that append is the moment at which the whole write becomes
visible, in all tables at once. Rows whose token no commit names are left-overs of a write that died; nobody reads
them, and `optimize` removes them. Each commit keeps, for each table, the number of its rows and their checksum.

`head.json` names the newest commit. It tells other processes that there is something new without opening a table, and
tells a damaged `commits` table that has lost its end from one that is whole. It is written after the commit, so it may
be one behind, which is harmless.
"""

from __future__ import annotations

import getpass
import os
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import polars as pl

from lightly_widget.checks import check_choice
from lightly_widget.errors import (
    CorruptDataError,
    DatasetExistsError,
    DatasetNotFoundError,
    DatasetReplacedError,
    ForkedProcessError,
    LightlyWidgetWarning,
    ReadOnlyError,
    StaleError,
)
from lightly_widget.store import commits as log
from lightly_widget.store import disk, head
from lightly_widget.store.checksums import checksum
from lightly_widget.store.commits import Commit, Part
from lightly_widget.store.lance import Tables, is_remote
from lightly_widget.store.locks import WriterLock
from lightly_widget.store.storage_errors import storage_errors

_TOKEN: Final = "commit"
_COMMITS: Final = "commits"
_PARTS_BEFORE_MERGE: Final = 64
_COMMITS_BEFORE_OPTIMIZE: Final = 256
_UNDOABLE_KEPT: Final = 20
_COMMITS_KEPT: Final = 200
_OURS: Final = {".lock", head.NAME, "commits.lance"}
_REMOTE_CHECK_S: Final = 2.0
_FRESH_BYTES: Final = 16 * 2**20
_IN_MEMORY: Final = "in memory"  # in the place of a checksum
TOO_OLD: Final = (
    "the query, view or sampling in use is too old: what it would read was merged or undone since; "
    "start again from the dataset"
)

Durability = Literal["disk", "os"]
"""What a write waits for: that the disk has it, so that a power cut cannot take it back, or that the system has it."""

Rewriter = Callable[[str, Sequence[Part]], "list[tuple[pl.DataFrame, dict[str, Any]]]"]
"""(table, its parts) → the same content as few (rows, operation) pairs."""


Piece = tuple[pl.DataFrame, dict[str, Any]]


@dataclass(frozen=True)
class _Kept:
    """What was to be written to a table of a dataset that cannot be written."""

    part: Part
    rows: pl.DataFrame
    pieces: list[Piece]


class Transaction:
    """What one write will append; nothing is on disk before the `with` block of `Store.transaction` ends well."""

    def __init__(self, action: str, details: Mapping[str, Any], undoable: bool) -> None:
        self.token = secrets.randbits(62)
        self.action = action
        self.details = dict(details)
        self.undoable = undoable
        self.pieces: dict[str, list[tuple[pl.DataFrame, dict[str, Any]]]] = {}

    def write(self, table: str, frame: pl.DataFrame, **op: Any) -> None:
        """Append rows to a table. `op` says in plain data what they mean, for whoever reads the table."""
        self.pieces.setdefault(table, []).append((frame, op))


class Store:
    """The tables of one dataset. Safe to use from several threads; writers of one machine take turns."""

    def __init__(self, uri: str, *, durability: Durability = "disk") -> None:
        self.uri = uri
        self._lasting = check_choice("durability", durability, get_args(Durability)) == "disk"
        self._tables = Tables(uri, lasting=self._lasting)
        self.path = self._tables.path
        self._lock = WriterLock(self.path / ".lock" if self.path is not None else None)
        self._memory = threading.RLock()
        self._commits: list[Commit] = []
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._fresh: dict[tuple[str, int], pl.DataFrame] = {}
        self._seen: object = None
        self._log_version: int | None = None
        self._checked = 0.0
        self._process = os.getpid()
        self._headless = False
        self._readable: set[str] = set()
        self._in_memory: dict[str, _Kept] = {}
        self._changes_in_memory = 0
        self.rewriter: Rewriter | None = None

    # -- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, uri: str, details: Mapping[str, Any], *, durability: Durability = "disk") -> Store:
        """Make an empty dataset. `details` is kept in the first commit. Raises `DatasetExistsError`."""
        path = None if is_remote(uri) else Path(uri)
        with storage_errors("create", uri):
            made = [] if path is None else [folder for folder in (path, *path.parents) if not folder.exists()]
            strangers = []
            if path is not None:
                path.mkdir(parents=True, exist_ok=True)
                strangers = [p.name for p in path.iterdir() if p.name not in _OURS and not disk.is_temporary(p.name)]
            store = cls(uri, durability=durability)
            with store._lock.hold():
                if store._has_commits() or strangers:
                    raise DatasetExistsError(f"{uri} exists already; load it, or choose another name or path")
                store._tables.make(_COMMITS, log.schema())
                store._append_commit(Commit.new(1, Transaction("create", details, False), _author(), ()))
            if store._lasting:
                for folder in made:
                    disk.sync_folder(folder.parent)
        return store

    @classmethod
    def open(cls, uri: str, *, durability: Durability = "disk", repair: bool = False) -> Store:
        """Open a dataset.

        Args:
            uri: the folder or address.
            durability: what a write waits for.
            repair: whether to take the writes that are found for all there were, where `head.json` is missing.

        Raises `DatasetNotFoundError`, and `CorruptDataError` where the log is damaged.
        """
        if not is_remote(uri) and not Path(uri).is_dir():
            raise DatasetNotFoundError(f"no dataset in {uri}")
        store = cls(uri, durability=durability)
        if not store._has_commits():
            raise DatasetNotFoundError(f"no dataset in {uri}")
        store.refresh()
        if store._headless:
            store._without_head(repair)
        return store

    def _without_head(self, repair: bool) -> None:
        if not repair:
            warnings.warn(self._headless_text(), LightlyWidgetWarning, stacklevel=5)
            return
        self._headless = False
        with self._turn():
            self._renew()
            self._write_head(self._commits[-1])

    def _headless_text(self) -> str:
        return (
            f"{self.uri}: head.json is missing, so writes after the {self._commits[-1].number - 1:,} found may be "
            "missing too. The dataset is read-only; restore the folder from a complete copy, or load it with "
            "repair=True to go on with what is there"
        )

    def _has_commits(self) -> bool:
        newest = head.read_head(self.path, warn=False)
        with storage_errors("open", f"the log of {self.uri}", reading=True):
            there = _COMMITS in self._tables.names()
        if there:
            try:
                return self._tables.read(_COMMITS, lambda handle: bool(handle.count_rows() > 0))
            except CorruptDataError:
                if newest is None and self._tables.names() == [_COMMITS]:
                    return False  # creating it died before its first commit
                if not self._mend(_COMMITS):
                    raise
                return True
        if newest is not None:
            raise CorruptDataError(f"{self.uri}: the table of commits is missing though {newest.number} were written")
        return False

    # -- the log ------------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take in what other processes have written since; True when there was something."""
        self._check_process()
        with self._memory:
            sign = self._sign()
            if sign is not None and sign == self._seen:
                return False
            before = self._commits[-1].token if self._commits else None
            self._read_log()
            self._seen = sign
            return self._commits[-1].token != before

    def _check_process(self) -> None:
        """Threads and locks do not survive a fork: what waits for them would wait for good."""
        if os.getpid() != self._process:
            raise ForkedProcessError(
                f"{self.uri} was loaded in process {self._process}, which process {os.getpid()} was forked from; "
                "load the dataset again here, or start processes with the method 'spawn'"
            )

    def _sign(self) -> object:
        if self.path is not None:
            return head.head_sign(self.path)
        if self._commits and time.monotonic() - self._checked < _REMOTE_CHECK_S:
            return self._seen
        self._checked = time.monotonic()
        return self._tables.handle(_COMMITS).version

    def _renew(self) -> None:
        """Take in what others have written, whatever the head says."""
        with self._memory:
            self._seen = None
            self.refresh()

    def _read_log(self) -> None:
        newest = self._commits[-1] if self._commits else None
        named = head.read_head(self.path, warn=newest is None)  # before the table, which may grow in between
        if named is None:
            self._tables.reconnect()
        elif newest is not None and named.number <= newest.number:
            if named.token != self._commits[named.number - 1].token:
                raise self._replaced()
            if named.token == newest.token and self._tables.read(_COMMITS, _version) == self._log_version:
                return
        try:
            found, version = self._tables.read(_COMMITS, lambda h: (_commits_from(h, newest), _version(h)))
        except CorruptDataError:
            if newest is not None or not self._mend(_COMMITS):
                raise
            self._read_log()
            return
        ahead = named is not None and (newest is None or named.number > newest.number)
        if named is not None and ahead and all(c.token != named.token for c in found):
            # LanceDB may have answered from what it remembers of files that were replaced.
            self._tables.reconnect()
            found = self._tables.read(_COMMITS, lambda handle: _commits_from(handle, newest))
        if newest is not None and (not found or found[0].token != newest.token):
            if named is not None and named.token == newest.token:
                raise CorruptDataError(f"{self.uri}: commit {newest.number} is missing from the log of the data")
            raise self._replaced()
        log.check_sequence(self.uri, 1 if newest is None else newest.number, found, named)
        self._take(found if newest is None else found[1:])
        self._log_version = version
        self._note_head(first=newest is None)

    def _note_head(self, *, first: bool) -> None:
        """A log without a head may be an old copy, except where the very first write died before its head."""
        if self.path is None or head.head_sign(self.path) is not None:
            self._headless = False
        elif first:
            self._headless = len(self._commits) > 1 or self._tables.names() != [_COMMITS]

    def _replaced(self) -> DatasetReplacedError:
        return DatasetReplacedError(
            f"{self.uri} was deleted and created again, or replaced by another copy, after it was loaded; "
            "nothing was changed. Load the dataset again"
        )

    def _take(self, fresh: Sequence[Commit]) -> None:
        plain = all(c.undoes is None and c.covers is None for c in fresh) and bool(self._commits)
        self._commits = [*self._commits, *fresh]
        self._parts = log.extend(self._parts, fresh) if plain else log.visible_parts(self._commits)

    @property
    def commits(self) -> Sequence[Commit]:
        """All commits, oldest first."""
        return self._commits

    @property
    def number(self) -> int:
        """The number of the newest commit."""
        return self._commits[-1].number

    @property
    def version(self) -> int:
        """Grows with each commit, and with each change that is kept in memory only."""
        return self.number + self._changes_in_memory

    def state(self) -> tuple[int, int, dict[str, tuple[Part, ...]]]:
        """The version, the newest commit's number, and the parts of each table, of one moment."""
        with self._memory:
            kept = {t: (*self._parts.get(t, ()), kept.part) for t, kept in self._in_memory.items()}
            return self.version, self.number, {**self._parts, **kept}

    def parts_at(self, number: int, before: Mapping[str, tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
        """What the parts that were there after a commit, `before`, have been merged into since.

        Raises:
            StaleError: they were merged with later ones.
        """
        with self._memory:
            parts = log.parts_at(self._commits, number)
        if parts is None:
            raise StaleError(TOO_OLD)
        kept = {t: [p for p in mine if _is_in_memory(p)] for t, mine in before.items()}
        return {t: (*parts.get(t, ()), *more) for t, more in kept.items() if t in parts or more}

    def parts(self, table: str) -> tuple[Part, ...]:
        """What the table consists of now, in order; empty when there is no such table."""
        return self.state()[2].get(table, ())

    def tables(self) -> list[str]:
        """Names of the tables that hold something, oldest first."""
        return list(self.state()[2])

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, table: str, parts: Sequence[Part]) -> list[pl.DataFrame]:
        """The rows of each part, checked against the checksum kept when they were written.

        Raises:
            CorruptDataError: rows are missing, unreadable or changed.
            StaleError: the parts have been merged by another process; refresh and ask again.
        """
        with self._memory:
            fresh = {p.token: self._fresh.pop((table, p.token)) for p in parts if (table, p.token) in self._fresh}
            kept = self._in_memory.get(table)
            if kept is not None:
                fresh[kept.part.token] = kept.rows
        missing = [p for p in parts if p.token not in fresh and p.rows]
        stored = self._read_stored(table, missing) if missing else {}
        return [fresh[p.token] if p.token in fresh else stored.get(p.token, pl.DataFrame()) for p in parts]

    def _read_stored(self, table: str, parts: Sequence[Part]) -> dict[int, pl.DataFrame]:
        import pyarrow as pa

        if any(_is_in_memory(part) for part in parts):
            raise StaleError(TOO_OLD)
        everything = len(parts) == len([p for p in self._parts.get(table, ()) if p.rows])
        if everything or len(parts) > _COMMITS_BEFORE_OPTIMIZE:
            slices = self._slices(table, parts, lambda handle: handle.to_arrow())
        else:
            wanted = f"{_TOKEN} in ({_joined(parts)})"
            slices = self._slices(table, parts, lambda handle: handle.search().where(wanted).limit(None).to_arrow())
        result = {}
        for part in parts:
            found = slices.get(part.token)
            if found is None or found.num_rows != part.rows or checksum(found) != part.checksum:
                self._check_current(table, [part])
                raise CorruptDataError(
                    f"{self.uri}: {part.rows:,} rows of table {table!r} are damaged or missing "
                    "(they differ from their checksum); restore the folder from a copy"
                )
            frame = pl.from_arrow(found if isinstance(found, pa.Table) else pa.table(found))
            assert isinstance(frame, pl.DataFrame)
            result[part.token] = frame
        return result

    def read_column(self, table: str, parts: Sequence[Part], column: str) -> list[pl.Series]:
        """One column of each part without its checksum, where reading the other columns would cost too much."""
        look = [_TOKEN, column]
        slices = self._slices(table, parts, lambda handle: handle.search().select(look).limit(None).to_arrow())
        result = []
        for part in parts:
            found = slices.get(part.token)
            if part.rows and (found is None or found.num_rows != part.rows):
                self._check_current(table, [part])
                raise CorruptDataError(f"{self.uri}: {part.rows:,} rows of table {table!r} are missing")
            result.append(pl.Series(column, [] if found is None else found.column(column)))
        return result

    def _slices(self, table: str, parts: Sequence[Part], look: Callable[[Any], Any]) -> dict[int, Any]:
        rows: dict[int, Any] = self._rows(table, parts, lambda handle: log.split_by_token(look(handle), _TOKEN))
        return rows

    def _rows(self, table: str, parts: Sequence[Part], look: Callable[[Any], Any]) -> Any:
        try:
            return self._tables.read(table, look)
        except CorruptDataError:
            self._check_current(table, parts)
            if not self._mend(table):
                raise
            return self._tables.read(table, look)

    def _mend(self, table: str) -> bool:
        """Undo what a power cut left of a write that no commit names; False where that does not help, or must not be.

        The files of such a write may be there in part, and its version of the table then cannot be read.
        """
        try:
            with self._turn():
                return self._tables.roll_back(table, lambda handle: self._is_whole(table, handle))
        except ReadOnlyError:
            return False

    def _is_whole(self, table: str, handle: Any) -> bool:
        if table == _COMMITS:
            named = head.read_head(self.path, warn=False)
            tokens = {commit.token for commit in _commits_from(handle, None)}
            return bool(tokens) if named is None else named.token in tokens
        rows = _tokens_of(handle)
        return all(rows.get(part.token, 0) == part.rows for part in self._parts.get(table, ()) if part.rows)

    def _check_current(self, table: str, parts: Sequence[Part]) -> None:
        """Raise `StaleError` where these parts are not of the newest state, so that their absence is not damage."""
        self._renew()
        current = set(self.parts(table))
        if any(part not in current for part in parts):
            raise StaleError(TOO_OLD)

    # -- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(
        self,
        action: str,
        details: Mapping[str, Any] | None = None,
        *,
        undoable: bool = True,
        recomputable: bool = False,
    ) -> Iterator[Transaction]:
        """Hold the writer's lock, with the newest state taken in; commit when the block ends without an error.

        Where the dataset cannot be written, what is `recomputable` is kept in memory, for this object alone.
        """
        with ExitStack() as stack:
            writable = True
            try:
                stack.enter_context(self._turn())
            except ReadOnlyError:
                if not recomputable:
                    raise
                writable = False
            self._renew()
            if writable and self.path is not None and self._seen is None:
                self._write_head(self._commits[-1])  # the first write died before its head
            work = Transaction(action, details or {}, undoable)
            yield work
            if work.pieces and writable:
                self._commit(work)
                if self.number - self._last_optimize() > _COMMITS_BEFORE_OPTIMIZE:
                    self.optimize()
            elif work.pieces:
                self._keep_in_memory(work)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the writer's lock."""
        self._check_process()
        self._tables.check_folder()
        if self._headless and self.path is not None and head.head_sign(self.path) is None:
            raise ReadOnlyError(f"could not write: {self._headless_text()}")
        with storage_errors("write to", self.uri), self._lock.hold():
            yield

    def _keep_in_memory(self, work: Transaction) -> None:
        with self._memory:
            for table, pieces in work.pieces.items():
                before = self._in_memory.get(table)
                replaced = before is None or any(op.get("op") == "set" for _, op in pieces)
                whole = pieces if replaced or before is None else [*before.pieces, *pieces]
                rows, ops = _joined_pieces(whole)
                self._in_memory[table] = _Kept(Part(table, work.token, rows.height, _IN_MEMORY, ops), rows, whole)
            self._changes_in_memory += 1

    def _commit(self, work: Transaction, *, undoes: int | None = None, covers: int | None = None) -> None:
        for table in self._in_memory.keys() & work.pieces.keys():  # what was kept in memory can be written now
            work.pieces[table] = [*self._in_memory[table].pieces, *work.pieces[table]]
        parts = [self._append_part(table, pieces, work.token) for table, pieces in work.pieces.items()]
        self._finish(work, parts, undoes=undoes, covers=covers)

    def _finish(
        self, work: Transaction, parts: Iterable[Part], *, undoes: int | None = None, covers: int | None = None
    ) -> None:
        commit = Commit.new(self.number + 1, work, _author(), tuple(parts), undoes=undoes, covers=covers)
        self._append_commit(commit)

    def _append_part(self, table: str, pieces: Sequence[tuple[pl.DataFrame, dict[str, Any]]], token: int) -> Part:
        whole, ops = _joined_pieces(pieces)
        if not whole.height:
            return Part(table, token, 0, "", ops)
        rows = whole.to_arrow(compat_level=pl.CompatLevel.oldest())
        part = Part(table, token, whole.height, checksum(rows), ops)
        self._append_rows(table, rows, token)
        if whole.estimated_size() <= _FRESH_BYTES // 4:
            self._keep_fresh(table, token, whole)
        return part

    def _append_rows(self, table: str, rows: Any, token: int) -> None:
        import numpy as np
        import pyarrow as pa

        marked = rows.add_column(0, _TOKEN, pa.array(np.full(rows.num_rows, token, dtype=np.int64)))
        # Without visible rows, whatever the table holds is of a write that died, or undone.
        anew = not any(part.rows for part in self._parts.get(table, ()))
        if not anew:
            self._check_readable(table)
        self._readable.add(table)
        self._tables.append(table, marked, anew=anew)

    def _check_readable(self, table: str) -> None:
        """Read from all files of a table, once: a write on top of a version that a power cut tore would be torn too."""
        if table not in self._readable:
            self._rows(table, self._parts[table], _tokens_of)
            self._readable.add(table)

    def _keep_fresh(self, table: str, token: int, frame: pl.DataFrame) -> None:
        with self._memory:
            self._fresh[(table, token)] = frame
            while sum(f.estimated_size() for f in self._fresh.values()) > _FRESH_BYTES or len(self._fresh) > 64:
                self._fresh.pop(next(iter(self._fresh)))

    def _append_commit(self, commit: Commit) -> None:
        self._tables.append(_COMMITS, commit.to_arrow())
        with self._memory:
            for part in commit.parts:
                self._in_memory.pop(part.table, None)
            self._take([commit])
            self._log_version = self._tables.version(_COMMITS)
            self._write_head(commit)

    def _write_head(self, commit: Commit) -> None:
        if self.path is not None:
            head.write_head(self.path, head.Head(commit.number, commit.token), lasting=self._lasting)
            self._seen = head.head_sign(self.path)

    # -- undo and upkeep ----------------------------------------------------------------------------------------

    def last_undoable(self) -> Commit | None:
        """The newest change that can be undone, or None."""
        undone = {c.undoes for c in self._commits}
        covered = max((c.covers for c in self._commits if c.covers is not None), default=0)
        for commit in reversed(self._commits):
            if commit.number <= covered:
                return None
            if commit.undoable and commit.number not in undone:
                return commit
        return None

    def undo(self, prepare: Callable[[Transaction, Commit], None]) -> Commit | None:
        """Take the newest undoable change back, as a commit of its own; None when there is none."""
        with self._turn():
            self._renew()
            target = self.last_undoable()
            if target is not None:
                work = Transaction("undo", {"number": target.number, "action": target.action}, False)
                prepare(work, target)
                self._commit(work, undoes=target.number)
        return target

    def _last_optimize(self) -> int:
        return max((c.number for c in self._commits if c.covers is not None), default=0)

    def optimize(self) -> None:
        """Merge small writes, drop what is undone, merged or left over by a write that died, and free the space.

        The last 20 changes, as far as they are among the last 200 writes, stay apart so that they can be undone.
        """
        with self._turn():
            self._renew()
            covers = log.covered_by_optimize(self._commits, _UNDOABLE_KEPT, _COMMITS_KEPT)
            work = Transaction("optimize", {}, False)
            parts: list[Part] = []
            for table, before in log.visible_parts(self._commits, up_to=covers).items():
                if self.rewriter is None or len(before) <= 1:
                    parts.extend(before)
                    continue
                if len(before) <= _PARTS_BEFORE_MERGE and sum(p.rows for p in before) > 1_000_000:
                    parts.extend(before)  # not worth copying that much yet
                    continue
                pieces = self.rewriter(table, before)
                if pieces:
                    parts.append(self._append_part(table, pieces, work.token))
            self._finish(work, parts, covers=covers)
            self._clean()

    def _clean(self) -> None:
        if self.path is not None:
            disk.remove_temporary(self.path)
        for table in self._tables.names():
            parts = [p for p in self._parts.get(table, ()) if p.rows]
            if table == _COMMITS:
                self._tables.compact(table, None)
            elif parts:
                self._check_readable(table)
                self._tables.compact(table, f"{_TOKEN} not in ({_joined(parts)})")
            elif self._tables.remove_torn(table):
                continue
            elif "_" in table:  # its name holds the token of the write that made it, and never comes again
                self._tables.drop(table)
            else:  # a handle elsewhere that remembers its versions must not meet a new table that counts from 1
                self._tables.compact(table, "true")


def _joined_pieces(pieces: Sequence[Piece]) -> tuple[pl.DataFrame, tuple[dict[str, Any], ...]]:
    """The rows of all pieces, and their operations, each with its place among the rows."""
    ops, start = [], 0
    for frame, op in pieces:
        ops.append({**op, "start": start, "rows": frame.height})
        start += frame.height
    full = [frame for frame, _ in pieces if frame.height]
    return (pl.concat(full).rechunk() if full else pl.DataFrame()), tuple(ops)


def _is_in_memory(part: Part) -> bool:
    return part.checksum == _IN_MEMORY


def _version(handle: Any) -> int:
    return int(handle.version)


def _tokens_of(handle: Any) -> dict[int, int]:
    """How many rows of each token a table holds; it reads from each of the table's files."""
    tokens = handle.search().select([_TOKEN]).limit(None).to_arrow().column(_TOKEN)
    return {pair["values"]: pair["counts"] for pair in tokens.value_counts().to_pylist()}


def _commits_from(handle: Any, newest: Commit | None) -> list[Commit]:
    """The commits from the newest known one on, that one included."""
    first = newest.number if newest is not None else 0
    rows = handle.search().where(f"number >= {first}").limit(None).to_arrow().to_pylist()
    return sorted((Commit.from_row(row) for row in rows), key=lambda c: (c.number, c.token))


def _joined(parts: Sequence[Part]) -> str:
    return ", ".join(str(p.token) for p in parts)


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
