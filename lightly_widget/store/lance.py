"""The LanceDB tables of one dataset: reads that hold still while another process merges, writes that are whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from lightly_widget.errors import CorruptDataError, DatasetNotFoundError, DiskFullError, StorageError
from lightly_widget.store import disk
from lightly_widget.store.storage_errors import storage_errors

T = TypeVar("T")

_TRIES: Final = 50
_VERSIONS_OF_A_WRITE: Final = 8  # at most; merging makes the most
_SYNCERS: Final = 8  # as many files and folders as a small write makes


def is_remote(uri: str) -> bool:
    """Whether the address is an object store's (`s3://…`) or in memory rather than a folder."""
    return "://" in uri and not uri.startswith("file://")


class Tables:
    """Tables by name, each opened once."""

    def __init__(self, uri: str, *, lasting: bool = True) -> None:
        """`lasting`: whether what is written is forced to the disk."""
        self.uri = uri
        self._syncers = ThreadPoolExecutor(_SYNCERS, "lightly-widget-sync") if lasting and not is_remote(uri) else None
        self.path = None if is_remote(uri) else Path(uri)
        self._handles: dict[str, Any] = {}
        self.reconnect()
        if self.path is not None:
            disk.check_links(self.path)

    def reconnect(self) -> None:
        """Forget what LanceDB remembers of the files."""
        import lancedb

        self.check_folder()  # which LanceDB would make
        with storage_errors("open", self.uri):
            self._db = lancedb.connect(self.uri)
        self._handles = {}

    def names(self) -> list[str]:
        """The tables that there are, whether or not a commit names their rows."""
        names: list[str] = []
        page = None
        while True:
            answer = self._db.list_tables(page_token=page, limit=1000)
            names.extend(answer.tables)
            page = answer.page_token
            if not page:
                return names

    # -- reading ------------------------------------------------------------------------------------------------

    def read(self, table: str, look: Callable[[Any], T]) -> T:
        """`look(handle)` at the newest version of a table.

        Merging deletes files that a reader may be about to open. A failed read is therefore repeated for as long as the
        table's files change; damaged data fail in the same way twice while no file changes.
        """
        before: set[str] | None = None
        for attempt in range(_TRIES):
            try:
                with storage_errors("read", f"table {table!r} of {self.uri}", reading=True):
                    return look(self.handle(table))
            except StorageError:
                self.check_folder()
                now = self._files(table)
                if attempt and now == before:
                    raise
                before = now
                self.reconnect()
        raise StorageError(f"table {table!r} of {self.uri} changed during each of {_TRIES} reads; try again")

    def _files(self, table: str) -> set[str] | None:
        return None if self.path is None else disk.files_of(self.path / f"{table}.lance")

    def check_folder(self) -> None:
        """Raise `DatasetNotFoundError` where the dataset's folder is gone."""
        if self.path is not None and not self.path.is_dir():
            raise DatasetNotFoundError(
                f"{self.uri} was deleted or renamed after it was loaded; load the dataset from where it is now"
            )

    def handle(self, table: str) -> Any:
        """The table at its newest version."""
        if table not in self._handles:
            self._check_newest(table)
            self._handles[table] = self._db.open_table(table)
        handle = self._handles[table]
        handle.checkout_latest()
        return handle

    def _check_newest(self, table: str) -> None:
        """LanceDB takes a manifest of zeros, as a power cut leaves them, for a table without columns or rows."""
        newest = [] if self.path is None else disk.manifests(self.path / f"{table}.lance")[:1]
        if not all(map(disk.ends_well, newest)):
            raise CorruptDataError(f"table {table!r} of {self.uri}: the stored data are damaged ({newest[0].name})")

    def version(self, table: str) -> int:
        """The version that was read or written last."""
        return int(self._handles[table].version)

    # -- writing ------------------------------------------------------------------------------------------------

    def make(self, table: str, schema: Any) -> None:
        """An empty table, in the place of one that may be there."""
        with self._writing(table, 0):
            self._make(table, schema)

    def _make(self, table: str, schema: Any) -> Any:
        self.remove_torn(table)
        mode = "overwrite" if table in self.names() else "create"
        self._handles[table] = self._db.create_table(table, schema=schema, mode=mode)
        return self._handles[table]

    def remove_torn(self, table: str) -> bool:
        """Remove a table that no commit names and that a power cut tore while it was made."""
        if self.path is None or table not in self.names() or self._opens(table):
            return False
        shutil.rmtree(self.path / f"{table}.lance")
        self.reconnect()
        return True

    def _opens(self, table: str) -> bool:
        try:
            self.handle(table)
        except Exception:  # noqa: BLE001 - whatever LanceDB raises, no commit names a row of this table
            return False
        return True

    def append(
        self,
        table: str,
        rows: Any,
        *,
        replace: bool = False,
        read_in_this_turn: bool = False,
        also: Collection[Path] = (),
    ) -> None:
        """Append Arrow rows.

        Args:
            table: its name.
            rows: a `pyarrow.Table`.
            replace: replace whatever is there.
            read_in_this_turn: the table was read since the writer's lock is held, so nobody has written to it since.
            also: other new files, forced to the disk at the same time.
        """
        with self._writing(table, rows.nbytes, also):
            if replace:
                handle = self._make(table, rows.schema)
            elif read_in_this_turn and table in self._handles:
                handle = self._handles[table]
            else:
                handle = self.handle(table)
            handle.add(rows, write_parallelism=1)

    def roll_back(self, table: str, is_whole: Callable[[Any], bool]) -> bool:
        """Go back to the newest version that is whole, where a power cut tore the ones after it.

        Returns whether there is one; nothing is changed if not. Only for the holder of the writer's lock.
        """
        if self.path is None:
            return False
        set_aside: list[Path] = []
        for manifest in disk.manifests(self.path / f"{table}.lance")[:_VERSIONS_OF_A_WRITE]:
            set_aside.append(manifest.rename(manifest.with_suffix(".torn")))
            self.reconnect()
            try:
                whole = is_whole(self.handle(table))
            except Exception:  # noqa: BLE001 - LanceDB raises anything on damage; the version before may be whole
                continue
            if whole:
                for path in set_aside:
                    path.unlink()
                return True
        for path in set_aside:
            path.rename(path.with_suffix(".manifest"))
        self.reconnect()
        return False

    def drop(self, table: str) -> None:
        """Remove a table and its files."""
        self._db.drop_table(table)
        self._handles.pop(table, None)

    def compact(self, table: str, unwanted: str | None) -> None:
        """Delete the rows that match `unwanted`, merge small files, and free the space."""
        size = 0 if self.path is None else disk.size_of(self.path / f"{table}.lance")
        with self._writing(table, size):
            if self.path is not None:
                disk.remove_torn_manifests(self.path / f"{table}.lance")
            handle = self.handle(table)
            if unwanted is not None:
                handle.delete(unwanted)
            handle.optimize()
        # Only now, with the new files seen to be whole, the old ones may go. The writer's lock is held, so no file
        # that looks unfinished belongs to anyone.
        handle.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=self.path is not None)

    @contextmanager
    def _writing(self, table: str, size: int, also: Collection[Path] = ()) -> Iterator[None]:
        if self.path is None:
            yield
            return
        disk.reserve(self.path, size)
        try:
            with disk.whole_files(self.path / f"{table}.lance", self._syncers, also):
                yield
        except DiskFullError:
            self._handles.pop(table, None)  # it knows a version that is gone
            raise
