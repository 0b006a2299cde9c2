"""What lasts: one folder of LanceDB tables per dataset, and the only code that writes to it.

Every table only ever grows. A write appends its rows, marked with the random token of the write, to one or more
tables, and then appends one row to the table `commits`: that append is the moment at which the whole write becomes
visible, in all tables at once. Rows whose token no commit names are left-overs of a write that died; nobody reads
them, and `optimize` removes them. Each commit keeps, for each table, the number of its rows and their checksum.
"""

from __future__ import annotations

import getpass
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, get_args

import polars as pl

from lightly_widget.checks import check_choice
from lightly_widget.errors import DatasetExistsError, DatasetNotFoundError, LightlyWidgetWarning, ReadOnlyError
from lightly_widget.store import commits, disk, head
from lightly_widget.store.checksums import checksum
from lightly_widget.store.commits import Commit, Part
from lightly_widget.store.lance import Tables, is_remote
from lightly_widget.store.log import COMMITS, TOKEN, Log
from lightly_widget.store.rows import Rows, listed_tokens, with_those_in_memory
from lightly_widget.store.storage_errors import storage_errors
from lightly_widget.store.transaction import Piece, Transaction, joined

_PARTS_BEFORE_MERGE: Final = 64
_ROWS_WORTH_WAITING: Final = 1_000_000
_COMMITS_BEFORE_OPTIMIZE: Final = 256
_UNDOABLE_KEPT: Final = 20
_COMMITS_KEPT: Final = 200
_OURS: Final = {".lock", head.NAME, f"{COMMITS}.lance"}

Durability = Literal["disk", "os"]
"""What a write waits for: that the disk has it, so that a power cut cannot take it back, or that the system has it."""

Rewriter = Callable[[str, Sequence[Part]], list[Piece]]
"""(table, its parts) → the same content as few (rows, operation) pairs."""


class Store:
    """The tables of one dataset. Safe to use from several threads; writers of one machine take turns."""

    def __init__(self, uri: str, *, durability: Durability = "disk") -> None:
        self.uri = uri
        self._lasting = check_choice("durability", durability, get_args(Durability)) == "disk"
        self._tables = Tables(uri, lasting=self._lasting)
        self._log = Log(uri, self._tables, lasting=self._lasting)
        self._rows = Rows(self._tables, self._log)
        self.path = self._tables.path
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
            with store._log.first_turn():
                if store._log.exists() or strangers:
                    raise DatasetExistsError(f"{uri} exists already; load it, or choose another name or path")
                store._tables.make(COMMITS, commits.schema())
                store._log.append(Commit.new(1, Transaction("create", details, False), _author(), ()))
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
        if not store._log.exists():
            raise DatasetNotFoundError(f"no dataset in {uri}")
        store.refresh()
        if store._log.headless and repair:
            store._log.accept_without_head()
        elif store._log.headless:
            warnings.warn(store._log.headless_text(), LightlyWidgetWarning, stacklevel=4)
        return store

    # -- what is there --------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take in what other processes have written since; True when there was something."""
        return self._log.refresh()

    @property
    def commits(self) -> Sequence[Commit]:
        """All commits, oldest first."""
        return self._log.commits

    @property
    def number(self) -> int:
        """The number of the newest commit."""
        return self._log.number

    @property
    def version(self) -> int:
        """Grows with each commit, and with each change that is kept in memory only."""
        return self._log.number + self._rows.changes_in_memory

    def state(self) -> tuple[int, int, dict[str, tuple[Part, ...]]]:
        """The version, the newest commit's number, and the parts of each table, of one moment."""
        with self._log.memory:
            return self.version, self.number, self._rows.with_kept(self._log.parts)

    def parts_at(self, number: int, before: Mapping[str, tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
        """What the parts that were there after a commit, `before`, have been merged into since.

        Raises:
            StaleError: they were merged with later ones.
        """
        return with_those_in_memory(self._log.parts_at(number), before)

    def parts(self, table: str) -> tuple[Part, ...]:
        """What the table consists of now, in order; empty when there is no such table."""
        return self.state()[2].get(table, ())

    def tables(self) -> list[str]:
        """Names of the tables that hold something, oldest first."""
        return list(self.state()[2])

    def read(self, table: str, parts: Sequence[Part]) -> list[pl.DataFrame]:
        """The rows of each part, checked against the checksum kept when they were written.

        Raises:
            CorruptDataError: rows are missing, unreadable or changed.
            StaleError: the parts have been merged by another process; refresh and ask again.
        """
        return self._rows.read(table, parts)

    def read_column(self, table: str, parts: Sequence[Part], column: str) -> list[pl.Series]:
        """One column of each part without its checksum, where reading the other columns would cost too much."""
        return self._rows.read_column(table, parts, column)

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
                stack.enter_context(self._log.turn())
            except ReadOnlyError:
                if not recomputable:
                    raise
                writable = False
            self._log.renew()
            if writable:
                self._log.write_missing_head()  # the first write died before its head
            work = Transaction(action, details or {}, undoable)
            yield work
            if work.pieces and writable:
                self._commit(work)
                if self.number - self._last_optimize() > _COMMITS_BEFORE_OPTIMIZE:
                    self.optimize()
            elif work.pieces:
                self._rows.keep_in_memory(work)

    def _commit(self, work: Transaction, *, undoes: int | None = None) -> None:
        self._rows.add_kept(work)
        parts = [self._append_part(table, pieces, work.token) for table, pieces in work.pieces.items()]
        self._finish(work, parts, undoes=undoes)

    def _finish(
        self, work: Transaction, parts: Iterable[Part], *, undoes: int | None = None, covers: int | None = None
    ) -> None:
        commit = Commit.new(self.number + 1, work, _author(), tuple(parts), undoes=undoes, covers=covers)
        self._log.append(commit, then=lambda: self._rows.forget(commit.parts))

    def _append_part(self, table: str, pieces: Sequence[Piece], token: int) -> Part:
        whole, ops = joined(pieces)
        if not whole.height:
            return Part(table, token, 0, "", ops)
        rows = whole.to_arrow(compat_level=pl.CompatLevel.oldest())
        part = Part(table, token, whole.height, checksum(rows), ops)
        self._append_rows(table, rows, token)
        self._rows.keep_fresh(table, token, whole)
        return part

    def _append_rows(self, table: str, rows: Any, token: int) -> None:
        import numpy as np
        import pyarrow as pa

        marked = rows.add_column(0, TOKEN, pa.array(np.full(rows.num_rows, token, dtype=np.int64)))
        # Without visible rows, whatever the table holds is of a write that died, or undone.
        replace = not any(part.rows for part in self._log.parts.get(table, ()))
        if not replace:
            self._rows.check_readable(table)
        self._rows.note_written(table)
        self._tables.append(table, marked, replace=replace)

    # -- undo and upkeep ----------------------------------------------------------------------------------------

    def last_undoable(self) -> Commit | None:
        """The newest change that can be undone, or None."""
        undone = {c.undoes for c in self._log.commits}
        covered = max((c.covers for c in self._log.commits if c.covers is not None), default=0)
        for commit in reversed(self._log.commits):
            if commit.number <= covered:
                return None
            if commit.undoable and commit.number not in undone:
                return commit
        return None

    def undo(self, prepare: Callable[[Transaction, Commit], None]) -> Commit | None:
        """Take the newest undoable change back, as a commit of its own; None when there is none."""
        with self._log.turn():
            self._log.renew()
            target = self.last_undoable()
            if target is not None:
                work = Transaction("undo", {"number": target.number, "action": target.action}, False)
                prepare(work, target)
                self._commit(work, undoes=target.number)
        return target

    def _last_optimize(self) -> int:
        return max((c.number for c in self._log.commits if c.covers is not None), default=0)

    def optimize(self) -> None:
        """Merge small writes, drop what is undone, merged or left over by a write that died, and free the space.

        The last 20 changes, as far as they are among the last 200 writes, stay apart so that they can be undone.
        """
        with self._log.turn():
            self._log.renew()
            covers = commits.covered_by_optimize(self._log.commits, _UNDOABLE_KEPT, _COMMITS_KEPT)
            work = Transaction("optimize", {}, False)
            parts: list[Part] = []
            for table, before in commits.visible_parts(self._log.commits, up_to=covers).items():
                if self.rewriter is None or len(before) <= 1:
                    parts.extend(before)
                    continue
                if len(before) <= _PARTS_BEFORE_MERGE and sum(p.rows for p in before) > _ROWS_WORTH_WAITING:
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
            parts = [p for p in self._log.parts.get(table, ()) if p.rows]
            if table == COMMITS:
                self._tables.compact(table, None)
            elif parts:
                self._rows.check_readable(table)
                self._tables.compact(table, f"{TOKEN} not in ({listed_tokens(parts)})")
            elif self._tables.remove_torn(table):
                continue
            elif "_" in table:  # its name holds the token of the write that made it, and never comes again
                self._tables.drop(table)
            else:  # a handle elsewhere that remembers its versions must not meet a new table that counts from 1
                self._tables.compact(table, "true")


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
