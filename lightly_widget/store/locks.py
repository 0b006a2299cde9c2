"""One writer at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lightly_widget.errors import StorageError

_POLL_S: Final = 0.005


class WriterLock:
    """Exclusive among threads and processes of one machine; re-entrant within a thread.

    `filelock` does the work on the file: the operating system frees its lock when the holder dies, and links are not
    followed. It does not do two things. Object stores have no files to lock, so their writers take turns among the
    threads of this object only. And it would let threads poll for the file, where they can wait for each other.

    Args:
        path: the lock file, created on first use and never deleted; None for an object store.
        timeout_s: seconds to wait for another process before `StorageError`.
    """

    def __init__(self, path: Path | None, timeout_s: float = 60.0) -> None:
        from filelock import FileLock

        self._path = path
        self._timeout_s = timeout_s
        self._threads = threading.RLock()
        # No soft locks: one that a dead process left behind would have to be removed by hand.
        self._file = None if path is None else FileLock(path, timeout_s, poll_interval=_POLL_S, fallback_to_soft=False)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the turn, and keep it for the block."""
        if not self._threads.acquire(timeout=self._timeout_s):
            raise StorageError(
                f"another thread has been writing for {self._timeout_s:.0f} s; try again when it is done"
            )
        try:
            if self._file is None:
                yield
                return
            self._acquire()
            try:
                yield
            finally:
                self._file.release()
        finally:
            self._threads.release()

    def _acquire(self) -> None:
        from filelock import Timeout

        assert self._file is not None
        try:
            self._file.acquire()
        except Timeout:
            raise StorageError(
                f"another process has been writing to {self._path} for {self._timeout_s:.0f} s; "
                "close it or wait until it is done, then try again"
            ) from None
