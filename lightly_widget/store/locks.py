"""One writer at a time: a lock file that the operating system frees when its holder dies."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightly_widget.errors import StorageError

_FIRST_WAIT_S = 0.001
_LONGEST_WAIT_S = 0.05


class WriterLock:
    """Exclusive among threads and processes of one machine; re-entrant within a thread.

    Args:
        path: the lock file, created on first use and never deleted; None locks among this object's threads only
            (object stores have no file locks).
        timeout_s: seconds to wait for another writer before `StorageError`.
    """

    def __init__(self, path: Path | None, timeout_s: float = 60.0) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._thread_lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._thread_lock:
            if self._path is None or self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                self._wait(descriptor)
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0
            finally:
                os.close(descriptor)  # which frees the lock

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + self._timeout_s
        pause = _FIRST_WAIT_S
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StorageError(
                    f"another process has been writing to {self._path} for {self._timeout_s:.0f} s; "
                    "close it or wait until it is done, then try again"
                )
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT_S)


def _try_lock(descriptor: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
