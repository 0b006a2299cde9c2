"""Our own threads around single-threaded BLAS, watched from the calling thread so that the work can be stopped."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import Progress

_HEARTBEAT: Final = 0.1  # seconds between two calls of progress


def in_threads(
    tasks: Iterable[Any],
    work: Callable[[Any, NDArray[np.float32], Callable[[], bool]], None],
    scratch: int,
    progress: Progress,
) -> None:
    """Run `work(task, buffer, stopped)` for every task, on all cores, each worker with `scratch` float32 of its own.

    Progress is called from the calling thread. When it raises, or a task does, the workers stop at their next look
    at `stopped` and the error goes on to the caller.
    """
    queue = list(tasks)
    following = itertools.count()
    stop = threading.Event()
    done = itertools.count()
    finished = 0

    def worker() -> None:
        nonlocal finished
        buffer = np.empty(scratch, dtype=np.float32)
        while not stop.is_set() and (i := next(following)) < len(queue):
            work(queue[i], buffer, stop.is_set)
            finished = next(done) + 1

    n_workers = min(available_cores(), len(queue))
    if n_workers == 0:
        progress(1.0)
        return
    with one_blas_thread(), ThreadPoolExecutor(n_workers, "lightly_widget") as pool:
        try:
            running = {pool.submit(worker) for _ in range(n_workers)}
            while running:
                over, running = wait(running, _HEARTBEAT, FIRST_EXCEPTION)
                for future in over:
                    future.result()
                progress(min(finished / len(queue), 1.0))
        finally:
            stop.set()


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_blas_lock = threading.Lock()
_blas_users = 0
_blas_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """BLAS on one thread while our own threads run, so that selecting runs in parallel as well as multiplying.

    Counted, because the limit is the process's: of two overlapping users the last one out restores it.
    """
    global _blas_users, _blas_limit
    from threadpoolctl import threadpool_limits

    with _blas_lock:
        if _blas_users == 0:
            _blas_limit = threadpool_limits(1, user_api="blas")
        _blas_users += 1
    try:
        yield
    finally:
        with _blas_lock:
            _blas_users -= 1
            if _blas_users == 0:
                _blas_limit.restore_original_limits()
                _blas_limit = None
