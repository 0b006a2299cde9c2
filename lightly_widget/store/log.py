"""The log of one dataset, as far as this process has read it; whose turn it is to write; going back to what is whole.

`head.json` names the newest commit. It tells other processes that there is something new without opening a table, and
tells a damaged `commits` table that has lost its end from one that is whole. It is written after the commit, so it may
be one behind, which is harmless.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from lightly_widget.errors import (
    CorruptDataError,
    DatasetReplacedError,
    ForkedProcessError,
    ReadOnlyError,
    StaleError,
)
from lightly_widget.store import commits, head
from lightly_widget.store.commits import Commit, Part
from lightly_widget.store.lance import Tables
from lightly_widget.store.locks import WriterLock
from lightly_widget.store.storage_errors import storage_errors

COMMITS: Final = "commits"
TOKEN: Final = "commit"
_REMOTE_CHECK_S: Final = 2.0
TOO_OLD: Final = (
    "the query or sampling in use is too old: what it would read was merged or undone since; "
    "start again from the dataset"
)


class Log:
    """The commits of a dataset, and the parts of tables that they make visible."""

    def __init__(self, uri: str, tables: Tables, *, lasting: bool) -> None:
        self.uri = uri
        self.path = tables.path
        self.memory = threading.RLock()
        """Guards what threads share."""
        self.commits: list[Commit] = []
        self.parts: dict[str, tuple[Part, ...]] = {}
        self._tables = tables
        self._lasting = lasting
        self._lock = WriterLock(self.path / ".lock" if self.path is not None else None)
        self._seen: object = None
        self._version: int | None = None
        self._checked = 0.0
        self._process = os.getpid()
        self._headless = False

    # -- whose turn it is -----------------------------------------------------------------------------------------

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the writer's lock."""
        self._check_process()
        self._tables.check_folder()
        if self._headless and self.path is not None and head.head_sign(self.path) is None:
            raise ReadOnlyError(f"could not write: {self.headless_text()}")
        with storage_errors("write to", self.uri), self._lock.hold():
            yield

    @contextmanager
    def first_turn(self) -> Iterator[None]:
        """Hold the writer's lock of a dataset that may not be there yet."""
        with self._lock.hold():
            yield

    def _check_process(self) -> None:
        """Threads and locks do not survive a fork: what waits for them would wait for good."""
        if os.getpid() != self._process:
            raise ForkedProcessError(
                f"{self.uri} was loaded in process {self._process}, which process {os.getpid()} was forked from; "
                "load the dataset again here, or start processes with the method 'spawn'"
            )

    # -- reading --------------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take in what other processes have written since; True when there was something."""
        self._check_process()
        with self.memory:
            sign = self._sign()
            if sign is not None and sign == self._seen:
                return False
            before = self.commits[-1].token if self.commits else None
            self._read()
            self._seen = sign
            return self.commits[-1].token != before

    def renew(self) -> None:
        """Take in what others have written, whatever the head says."""
        with self.memory:
            self._seen = None
            self.refresh()

    def _sign(self) -> object:
        if self.path is not None:
            return head.head_sign(self.path)
        if self.commits and time.monotonic() - self._checked < _REMOTE_CHECK_S:
            return self._seen
        self._checked = time.monotonic()
        return self._tables.handle(COMMITS).version

    def _read(self) -> None:
        newest = self.commits[-1] if self.commits else None
        named = head.read_head(self.path, warn=newest is None)  # before the table, which may grow in between
        if named is None:
            self._tables.reconnect()
        elif newest is not None and named.number <= newest.number:
            if named.token != self.commits[named.number - 1].token:
                raise self._replaced()
            if named.token == newest.token and self._tables.read(COMMITS, _version) == self._version:
                return
        try:
            found, version = self._tables.read(COMMITS, lambda h: (_commits_from(h, newest), _version(h)))
        except CorruptDataError:
            if newest is not None or not self.mend(COMMITS):
                raise
            self._read()
            return
        ahead = named is not None and (newest is None or named.number > newest.number)
        if named is not None and ahead and all(c.token != named.token for c in found):
            # LanceDB may have answered from what it remembers of files that were replaced.
            self._tables.reconnect()
            found = self._tables.read(COMMITS, lambda handle: _commits_from(handle, newest))
        if newest is not None and (not found or found[0].token != newest.token):
            if named is not None and named.token == newest.token:
                raise CorruptDataError(f"{self.uri}: commit {newest.number} is missing from the log of the data")
            raise self._replaced()
        commits.check_sequence(self.uri, 1 if newest is None else newest.number, found, named)
        self._take(found if newest is None else found[1:])
        self._version = version
        self._note_head(first=newest is None)

    def _replaced(self) -> DatasetReplacedError:
        return DatasetReplacedError(
            f"{self.uri} was deleted and created again, or replaced by another copy, after it was loaded; "
            "nothing was changed. Load the dataset again"
        )

    def _take(self, fresh: Sequence[Commit]) -> None:
        plain = all(c.undoes is None and c.covers is None for c in fresh) and bool(self.commits)
        self.commits = [*self.commits, *fresh]
        self.parts = commits.extend(self.parts, fresh) if plain else commits.visible_parts(self.commits)

    @property
    def number(self) -> int:
        """The number of the newest commit."""
        return self.commits[-1].number

    def parts_at(self, number: int) -> Mapping[str, tuple[Part, ...]]:
        """What the parts that were there after a commit have been merged into since.

        Raises:
            StaleError: they were merged with later ones.
        """
        with self.memory:
            parts = commits.parts_at(self.commits, number)
        if parts is None:
            raise StaleError(TOO_OLD)
        return parts

    def exists(self) -> bool:
        """Whether there is a log with at least one commit. Raises `CorruptDataError` where there must have been."""
        newest = head.read_head(self.path, warn=False)
        with storage_errors("open", f"the log of {self.uri}", reading=True):
            there = COMMITS in self._tables.names()
        if there:
            try:
                return self._tables.read(COMMITS, lambda handle: bool(handle.count_rows() > 0))
            except CorruptDataError:
                if newest is None and self._tables.names() == [COMMITS]:
                    return False  # creating it died before its first commit
                if not self.mend(COMMITS):
                    raise
                return True
        if newest is not None:
            raise CorruptDataError(f"{self.uri}: the table of commits is missing though {newest.number} were written")
        return False

    # -- the head -------------------------------------------------------------------------------------------------

    @property
    def headless(self) -> bool:
        """Whether the head was missing when the log was first read, so that commits may be missing too."""
        return self._headless

    def _note_head(self, *, first: bool) -> None:
        """A log without a head may be an old copy, except where the very first write died before its head."""
        if self.path is None or head.head_sign(self.path) is not None:
            self._headless = False
        elif first:
            self._headless = len(self.commits) > 1 or self._tables.names() != [COMMITS]

    def headless_text(self) -> str:
        """What it means that the head is missing, and the way out."""
        return (
            f"{self.uri}: head.json is missing, so writes after the {self.commits[-1].number - 1:,} found may be "
            "missing too. The dataset is read-only; restore the folder from a complete copy, or load it with "
            "repair=True to go on with what is there"
        )

    def accept_without_head(self) -> None:
        """Take the commits that were found for all there were."""
        self._headless = False
        with self.turn():
            self.renew()
            self.write_missing_head()

    def write_missing_head(self) -> None:
        """Write the head where there is none; only for the holder of the writer's lock, after `renew`."""
        if self.path is not None and self._seen is None:
            head.write_head(self.path, _head_of(self.commits[-1]), lasting=self._lasting)
            self._seen = head.head_sign(self.path)

    # -- writing --------------------------------------------------------------------------------------------------

    def append(self, commit: Commit, then: Callable[[], None] = lambda: None) -> None:
        """Write a commit, which makes its parts visible; only for the holder of the writer's lock.

        `then` is called at the moment at which other threads see it.
        """
        new = None if self.path is None else head.prepare(self.path, _head_of(commit))
        try:
            self._tables.append(COMMITS, commit.to_arrow(), read_in_this_turn=True, also=[] if new is None else [new])
        except BaseException:
            if new is not None:
                new.unlink(missing_ok=True)
            raise
        with self.memory:
            then()
            self._take([commit])
            self._version = self._tables.version(COMMITS)
            if self.path is not None:
                if new is not None:
                    head.put(self.path, new, lasting=self._lasting)
                self._seen = head.head_sign(self.path)

    def mend(self, table: str) -> bool:
        """Undo what a power cut left of a write that no commit names; False where that does not help, or must not be.

        The files of such a write may be there in part, and its version of the table then cannot be read.
        """
        try:
            with self.turn():
                return self._tables.roll_back(table, lambda handle: self._is_whole(table, handle))
        except ReadOnlyError:
            return False

    def _is_whole(self, table: str, handle: Any) -> bool:
        if table == COMMITS:
            named = head.read_head(self.path, warn=False)
            tokens = {commit.token for commit in _commits_from(handle, None)}
            return bool(tokens) if named is None else named.token in tokens
        rows = tokens_of(handle)
        return all(rows.get(part.token, 0) == part.rows for part in self.parts.get(table, ()) if part.rows)


def tokens_of(handle: Any) -> dict[int, int]:
    """How many rows of each token a table holds; it reads from each of the table's files."""
    tokens = handle.search().select([TOKEN]).limit(None).to_arrow().column(TOKEN)
    return {pair["values"]: pair["counts"] for pair in tokens.value_counts().to_pylist()}


def _head_of(commit: Commit) -> head.Head:
    return head.Head(commit.number, commit.token)


def _version(handle: Any) -> int:
    return int(handle.version)


def _commits_from(handle: Any, newest: Commit | None) -> list[Commit]:
    """The commits from the newest known one on, that one included."""
    first = newest.number if newest is not None else 0
    rows = handle.search().where(f"number >= {first}").limit(None).to_arrow().to_pylist()
    return sorted((Commit.from_row(row) for row in rows), key=lambda c: (c.number, c.token))
