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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from lightly_widget.errors import (
    CorruptDataError,
    DatasetExistsError,
    DatasetNotFoundError,
    DatasetReplacedError,
    ForkedProcessError,
    StaleError,
)
from lightly_widget.store import commits as log
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
_OURS: Final = {".lock", ".room", "head.json", "head.json.new", "commits.lance"}
_REMOTE_CHECK_S: Final = 2.0
_FRESH_BYTES: Final = 16 * 2**20

Rewriter = Callable[[str, Sequence[Part]], "list[tuple[pl.DataFrame, dict[str, Any]]]"]
"""(table, its parts) → the same content as few (rows, operation) pairs."""


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

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._tables = Tables(uri)
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
        self.rewriter: Rewriter | None = None

    # -- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, uri: str, details: Mapping[str, Any]) -> Store:
        """Make an empty dataset. `details` is kept in the first commit. Raises `DatasetExistsError`."""
        path = None if is_remote(uri) else Path(uri)
        with storage_errors("create", uri):
            if path is not None:
                path.mkdir(parents=True, exist_ok=True)
                strangers = [p.name for p in path.iterdir() if p.name not in _OURS]
            store = cls(uri)
            with store._lock.hold():
                if store._has_commits() or (path is not None and strangers):
                    raise DatasetExistsError(f"{uri} exists already; load it, or choose another name or path")
                store._tables.make(_COMMITS, log.schema())
                store._append_commit(Commit.new(1, Transaction("create", details, False), _author(), ()))
        return store

    @classmethod
    def open(cls, uri: str) -> Store:
        """Raises `DatasetNotFoundError`, and `CorruptDataError` where the log is damaged."""
        if not is_remote(uri) and not Path(uri).is_dir():
            raise DatasetNotFoundError(f"no dataset in {uri}")
        store = cls(uri)
        if not store._has_commits():
            raise DatasetNotFoundError(f"no dataset in {uri}")
        store.refresh()
        return store

    def _has_commits(self) -> bool:
        head = log.read_head(self.path, warn=False)
        with storage_errors("open", f"the log of {self.uri}", reading=True):
            there = _COMMITS in self._tables.names()
        if there:
            try:
                return self._tables.read(_COMMITS, lambda handle: bool(handle.count_rows() > 0))
            except CorruptDataError as error:
                if head is None and "not found" in str(error.__cause__).lower():
                    return False  # creating it died before its first commit
                raise
        if head is not None:
            raise CorruptDataError(f"{self.uri}: the table of commits is missing though {head.number} were written")
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
            return log.head_sign(self.path)
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
        head = log.read_head(self.path, warn=newest is None)  # before the table, which may grow in between
        if head is None:
            self._tables.reconnect()
        elif newest is not None and head.number <= newest.number:
            if head.token != self._commits[head.number - 1].token:
                raise self._replaced()
            if head.token == newest.token and self._tables.read(_COMMITS, _version) == self._log_version:
                return
        found, version = self._tables.read(_COMMITS, lambda handle: (_commits_from(handle, newest), _version(handle)))
        if (
            head is not None
            and all(c.token != head.token for c in found)
            and (not newest or head.number > newest.number)
        ):
            # LanceDB may have answered from what it remembers of files that were replaced.
            self._tables.reconnect()
            found = self._tables.read(_COMMITS, lambda handle: _commits_from(handle, newest))
        if newest is not None and (not found or found[0].token != newest.token):
            if head is not None and head.token == newest.token:
                raise CorruptDataError(f"{self.uri}: commit {newest.number} is missing from the log of the data")
            raise self._replaced()
        log.check_sequence(self.uri, 1 if newest is None else newest.number, found, head)
        self._take(found if newest is None else found[1:])
        self._log_version = version

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
    def version(self) -> int:
        """The number of the newest commit."""
        return self._commits[-1].number

    def parts(self, table: str) -> tuple[Part, ...]:
        """What the table consists of now, in order; empty when there is no such table."""
        return self._parts.get(table, ())

    def tables(self) -> list[str]:
        """Names of the tables that hold something, oldest first."""
        return list(self._parts)

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, table: str, parts: Sequence[Part]) -> list[pl.DataFrame]:
        """The rows of each part, checked against the checksum kept when they were written.

        Raises:
            CorruptDataError: rows are missing, unreadable or changed.
            StaleError: the parts have been merged by another process; refresh and ask again.
        """
        with self._memory:
            fresh = {p.token: self._fresh.pop((table, p.token)) for p in parts if (table, p.token) in self._fresh}
        missing = [p for p in parts if p.token not in fresh and p.rows]
        stored = self._read_stored(table, missing) if missing else {}
        return [fresh[p.token] if p.token in fresh else stored.get(p.token, pl.DataFrame()) for p in parts]

    def _read_stored(self, table: str, parts: Sequence[Part]) -> dict[int, pl.DataFrame]:
        import pyarrow as pa

        everything = len(parts) == len([p for p in self.parts(table) if p.rows])
        if everything or len(parts) > _COMMITS_BEFORE_OPTIMIZE:
            rows = self._rows(table, parts, lambda handle: handle.to_arrow())
        else:
            wanted = f"{_TOKEN} in ({_joined(parts)})"
            rows = self._rows(table, parts, lambda handle: handle.search().where(wanted).limit(None).to_arrow())
        slices = log.split_by_token(rows, _TOKEN)
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
        rows = self._rows(table, parts, lambda handle: handle.search().select(look).limit(None).to_arrow())
        slices = log.split_by_token(rows, _TOKEN)
        result = []
        for part in parts:
            found = slices.get(part.token)
            if part.rows and (found is None or found.num_rows != part.rows):
                self._check_current(table, [part])
                raise CorruptDataError(f"{self.uri}: {part.rows:,} rows of table {table!r} are missing")
            result.append(pl.Series(column, [] if found is None else found.column(column)))
        return result

    def _rows(self, table: str, parts: Sequence[Part], look: Callable[[Any], Any]) -> Any:
        try:
            return self._tables.read(table, look)
        except CorruptDataError:
            self._check_current(table, parts)
            raise

    def _check_current(self, table: str, parts: Sequence[Part]) -> None:
        """Raise `StaleError` where these parts are not of the newest state, so that their absence is no damage."""
        self._renew()
        current = set(self.parts(table))
        if any(part not in current for part in parts):
            raise StaleError(f"{self.uri}: rows of table {table!r} were merged or undone since; ask the dataset again")

    # -- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(
        self, action: str, details: Mapping[str, Any] | None = None, *, undoable: bool = True
    ) -> Iterator[Transaction]:
        """Hold the writer's lock, with the newest state taken in; commit when the block ends without an error."""
        with self._turn():
            self._renew()
            work = Transaction(action, details or {}, undoable)
            yield work
            if work.pieces:
                self._commit(work)
                if self.version - self._last_optimize() > _COMMITS_BEFORE_OPTIMIZE:
                    self.optimize()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the writer's lock."""
        self._check_process()
        self._tables.check_folder()
        with storage_errors("write to", self.uri), self._lock.hold():
            yield

    def _commit(self, work: Transaction, *, undoes: int | None = None, covers: int | None = None) -> None:
        parts = [self._append_part(table, pieces, work.token) for table, pieces in work.pieces.items()]
        self._finish(work, parts, undoes=undoes, covers=covers)

    def _finish(
        self, work: Transaction, parts: Iterable[Part], *, undoes: int | None = None, covers: int | None = None
    ) -> None:
        commit = Commit.new(self.version + 1, work, _author(), tuple(parts), undoes=undoes, covers=covers)
        self._append_commit(commit)

    def _append_part(self, table: str, pieces: Sequence[tuple[pl.DataFrame, dict[str, Any]]], token: int) -> Part:
        ops, start = [], 0
        for frame, op in pieces:
            ops.append({**op, "start": start, "rows": frame.height})
            start += frame.height
        full = [frame for frame, _ in pieces if frame.height]
        if not full:
            return Part(table, token, 0, "", tuple(ops))
        whole = (pl.concat(full) if len(full) > 1 else full[0]).rechunk()
        rows = whole.to_arrow(compat_level=pl.CompatLevel.oldest())
        part = Part(table, token, whole.height, checksum(rows), tuple(ops))
        self._append_rows(table, rows, token)
        if whole.estimated_size() <= _FRESH_BYTES // 4:
            self._keep_fresh(table, token, whole)
        return part

    def _append_rows(self, table: str, rows: Any, token: int) -> None:
        import numpy as np
        import pyarrow as pa

        marked = rows.add_column(0, _TOKEN, pa.array(np.full(rows.num_rows, token, dtype=np.int64)))
        # Without visible rows, whatever the table holds is of a write that died, or undone.
        self._tables.append(table, marked, anew=not any(part.rows for part in self.parts(table)))

    def _keep_fresh(self, table: str, token: int, frame: pl.DataFrame) -> None:
        with self._memory:
            self._fresh[(table, token)] = frame
            while sum(f.estimated_size() for f in self._fresh.values()) > _FRESH_BYTES or len(self._fresh) > 64:
                self._fresh.pop(next(iter(self._fresh)))

    def _append_commit(self, commit: Commit) -> None:
        version = self._tables.append(_COMMITS, commit.to_arrow())
        with self._memory:
            self._take([commit])
            self._log_version = version
            if self.path is not None:
                log.write_head(self.path, commit)
                self._seen = log.head_sign(self.path)

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
        for table in self._tables.names():
            parts = [p for p in self.parts(table) if p.rows]
            if table == _COMMITS:
                self._tables.compact(table, None)
            elif parts:
                self._tables.compact(table, f"{_TOKEN} not in ({_joined(parts)})")
            elif "_" in table:  # its name holds the token of the write that made it, and never comes again
                self._tables.drop(table)
            else:  # a handle elsewhere that remembers its versions must not meet a new table that counts from 1
                self._tables.compact(table, "true")


def _version(handle: Any) -> int:
    return int(handle.version)


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
