"""Our own threads around single-threaded BLAS, so that gathering and selecting run in parallel as well as multiplying.

BLAS's own threads wait for each other at the end of every product, which costs most just when the machine is busy.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_THREADS = 16  # each holds a block of a few megabytes
PATIENCE = 0.05  # seconds between signs of life


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(available_cores(), MOST_THREADS), "lightly_widget_solver")


def in_steps(work: Callable[[Task], None], tasks: Sequence[Task]) -> Generator[None, None, None]:
    """Run `work` on every task, on all cores; yield now and then. Closing or raising drops the tasks not begun."""
    if len(tasks) < 2 or available_cores() < 2:
        for task in tasks:
            work(task)
            yield
        return
    futures = [_pool().submit(work, task) for task in tasks]
    try:
        for future in futures:
            while not future.done():
                wait([future], PATIENCE)
                yield
            future.result()
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


def aside(work: Callable[[], Result]) -> Generator[None, None, Result]:
    """Run one piece that cannot be divided on another thread, yielding meanwhile."""
    future = _pool().submit(work)
    while not future.done():
        wait([future], PATIENCE)
        yield
    return future.result()


def at_once(work: Callable[[Task], None], tasks: Sequence[Task]) -> None:
    """The same for short work."""
    for _ in in_steps(work, tasks):
        pass


_blas_lock = threading.Lock()
_blas_users = 0
_blas_libraries: Any = None
_blas_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS on one thread while our own threads run.

    Counted, because the limit is the process's: of two overlapping users the last one out restores it.
    """
    global _blas_users, _blas_libraries, _blas_limit
    from threadpoolctl import ThreadpoolController

    with _blas_lock:
        if _blas_users == 0:
            _blas_libraries = ThreadpoolController()
            _obey_any_thread()
            _blas_limit = _blas_libraries.limit(limits=1, user_api="blas")
        _blas_users += 1
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users -= 1
            if _blas_users == 0:
                _obey_any_thread()
                _blas_limit.restore_original_limits()
                _obey_any_thread()
                _blas_libraries = _blas_limit = None


def _obey_any_thread() -> None:
    """threadpoolctl 3.7 and later silently ignore all threads but the first that set a limit, for as long as it lives.

    We set it from whichever thread samples first and take it back from the one that ends last.
    """
    for library in _blas_libraries.lib_controllers:
        clear = getattr(library, "clear_controlling_thread", None)
        if clear is not None:
            clear(force=True)
