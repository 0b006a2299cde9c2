"""The package's one policy on threads: our own, over blocks of work, each calling single-threaded BLAS.

BLAS's own threads wait for each other at the end of every product, which costs most when the machine is busy or when a
container may use fewer cores than the machine has; and gathering and selecting, which BLAS does not do, would run on
one core. Cores are counted as the process may use them: affinity and cgroup quota.

Long work runs through `in_threads`, whose workers live as long as the call, so that it holds up nobody else; pieces of
at most some milliseconds share one pool through `in_steps`, `at_once` and `aside`. No result depends on the number of
threads: each task computes its own part, and parts are put together in the order of the tasks.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_THREADS: Final = 16  # each holds a block of a few megabytes
PATIENCE: Final = 0.05  # seconds between signs of life
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")


# --- how many cores ---------------------------------------------------------------------------------------------------


def available_cores() -> int:
    """Cores that this process may use, at least 1: those of its affinity, and no more than its cgroup's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _own_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def n_threads() -> int:
    """Threads that work side by side."""
    return min(available_cores(), MOST_THREADS)


@cache
def _own_quota() -> float | None:
    return cpu_quota(_CGROUPS, _OWN_CGROUPS)


def cpu_quota(root: Path, membership: Path) -> float | None:
    """The fewest cores that any cgroup above this process grants, or None without a limit; cgroup v1 and v2.

    `root` is where cgroups are mounted; `membership` has lines `id:controllers:path`, as /proc/self/cgroup.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux, or a system without /proc
        return None
    quotas: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            quotas += _limits(root, path, _quota_v2)
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):  # v1 mounts under the joined names, and links the single ones
                quotas += _limits(root / mount, path, _quota_v1)
    return min(quotas, default=None)


def _limits(mount: Path, path: str, read: Callable[[Path], float | None]) -> list[float]:
    """The limits of the group and of all above it. In a container, the path is the host's and the mount its own."""
    group = mount / path.strip("/")
    folders = [group, *(parent for parent in group.parents if parent.is_relative_to(mount))]
    return [quota for folder in folders if (quota := read(folder)) is not None]


def _quota_v2(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    return None if len(words) != 2 or words[0] == "max" else int(words[0]) / int(words[1])


def _quota_v1(folder: Path) -> float | None:
    quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
    return None if not quota or not period or int(quota[0]) <= 0 else int(quota[0]) / int(period[0])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # the group has no limit of this kind
        return []


# --- short pieces of work ---------------------------------------------------------------------------------------------


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads(), "lightly_widget_pool")


if hasattr(os, "register_at_fork"):  # a forked child has the pool's object and none of its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def in_steps(work: Callable[[Task], None], tasks: Sequence[Task]) -> Generator[None, None, None]:
    """Run `work` on every task, on all cores; yield now and then. Closing or raising drops the tasks not begun."""
    if len(tasks) < 2 or n_threads() < 2:
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


def at_once(work: Callable[[Task], None], tasks: Sequence[Task]) -> None:
    """The same, without stops on the way."""
    for _ in in_steps(work, tasks):
        pass


def aside(work: Callable[[], Result]) -> Generator[None, None, Result]:
    """Run one piece that cannot be divided on another thread, yielding meanwhile."""
    future = _pool().submit(work)
    while not future.done():
        wait([future], PATIENCE)
        yield
    return future.result()


# --- long work --------------------------------------------------------------------------------------------------------


def in_threads(
    tasks: Iterable[Task],
    work: Callable[[Task, NDArray[np.float32], Callable[[], bool]], None],
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

    n_workers = min(n_threads(), len(queue))
    if n_workers == 0:
        progress(1.0)
        return
    with one_blas_thread(), ThreadPoolExecutor(n_workers, "lightly_widget_worker") as pool:
        try:
            running = {pool.submit(worker) for _ in range(n_workers)}
            while running:
                over, running = wait(running, PATIENCE, FIRST_EXCEPTION)
                for future in over:
                    future.result()
                progress(min(finished / len(queue), 1.0))
        finally:
            stop.set()


# --- BLAS -------------------------------------------------------------------------------------------------------------

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
