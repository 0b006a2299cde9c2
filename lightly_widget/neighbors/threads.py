"""Our own threads around single-threaded BLAS, watched from the calling thread so that the work can be stopped."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import Progress
from lightly_widget.solver.threads import available_cores, one_blas_thread

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
