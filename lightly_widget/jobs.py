"""Background work of one widget: in each lane one job at a time, the newest wins, and each can be stopped.

A lane is a kind of work (a sample, a projection, a summary). Work of different lanes runs side by side, because a new
sample must not wait for UMAP; within a lane a new job stops the one before, waits until it has stopped, then starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from lightly_widget.errors import Cancelled, NoThreadError

SAY_EVERY: Final = 0.2
"""Seconds between two progress messages of one job, at least."""
ALIVE_EVERY: Final = 2.0
"""Seconds after which a job is reported again though its fraction has not moved."""
MOVED: Final = 0.005


class Job:
    """One piece of work. Call `check` or `progress` at least every 0.2 s; both raise once the job is to stop.

    `words` say what it is about; the work may change them as it goes on.
    """

    def __init__(self, lane: str, number: int | None, told: Callable[[Job, float], None]) -> None:
        self.lane = lane
        self.words = lane
        self.id = number
        self.finished = threading.Event()
        self.replaced = False
        self._stop = threading.Event()
        self._reason = ""
        self._told = told
        self._said_at = time.monotonic()
        self._said = 0.0
        self.has_told = False

    @property
    def cancelled(self) -> bool:
        """Whether it is to stop."""
        return self._stop.is_set()

    def cancel(self, reason: str, *, replaced: bool = False) -> None:
        """Tell the job to stop; the first reason is the one that counts. `replaced`: another takes its place."""
        self.replaced = self.replaced or replaced
        if not self._stop.is_set():
            self._reason = reason
            self._stop.set()

    def check(self) -> None:
        """Raise `Cancelled` once the job is to stop."""
        if self._stop.is_set():
            raise Cancelled(self._reason)

    def progress(self, fraction: float) -> None:
        """Raise `Cancelled` once the job is to stop; else report the fraction, at most five times a second."""
        self.check()
        now = time.monotonic()
        moved = abs(fraction - self._said) >= MOVED
        if now - self._said_at >= (SAY_EVERY if moved else ALIVE_EVERY):
            self._said_at, self._said, self.has_told = now, fraction, True
            self._told(self, fraction)


class Jobs:
    """The lanes of one widget. Threads are daemons: they never keep a kernel from ending."""

    def __init__(
        self, failed: Callable[[Job, BaseException], None], told: Callable[[Job, float], None] = lambda job, at: None
    ) -> None:
        """`failed` gets every job's exception, `Cancelled` included, and `told` its progress, in the job's thread."""
        self._failed = failed
        self._told = told
        self._newest: dict[str, Job] = {}
        self._running: set[Job] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(self, lane: str, number: int | None, work: Callable[[Job], None]) -> Job:
        """Run `work(job)` in the background, after the job before it in this lane has stopped."""
        job = Job(lane, number, self._told)
        with self._lock:
            before = self._newest.get(lane)
            if self._closed:
                job.cancel("the widget was closed")
            if before is not None:
                before.cancel("replaced by a newer request", replaced=True)
            self._newest[lane] = job
            self._running.add(job)
        name = f"lightly-widget-{lane}"
        try:
            threading.Thread(target=self._run, args=(job, before, work), name=name, daemon=True).start()
        except RuntimeError as error:
            self._take_back(job, before)
            raise NoThreadError(
                f"{lane}: the system gives no further thread ({error}); try again in a moment"
            ) from error
        return job

    def _take_back(self, job: Job, before: Job | None) -> None:
        """As if the job had never been started; the one before it still stops."""
        with self._lock:
            self._running.discard(job)
            if self._newest.get(job.lane) is job:
                del self._newest[job.lane]
                if before in self._running:
                    self._newest[job.lane] = before
        job.finished.set()

    def cancel(self, number: int) -> bool:
        """Tell the job with this id to stop. False: there is no such job, or it is done."""
        with self._lock:
            found = [job for job in self._running if job.id == number]
        for job in found:
            job.cancel("cancelled")
        return bool(found)

    def stop(self, lane: str, reason: str) -> None:
        """Tell the newest job of a lane to stop, because something else takes its place."""
        with self._lock:
            job = self._newest.get(lane)
        if job is not None:
            job.cancel(reason, replaced=True)

    def running(self) -> list[int]:
        """Ids of the jobs not yet finished."""
        with self._lock:
            return sorted(job.id for job in self._running if job.id is not None)

    def close(self, timeout: float = 1.0) -> None:
        """Tell all jobs to stop and wait up to `timeout` seconds for them."""
        with self._lock:
            self._closed = True
            jobs = list(self._running)
        for job in jobs:
            job.cancel("the widget was closed")
        end = time.monotonic() + timeout
        for job in jobs:
            if threading.current_thread().name != f"lightly-widget-{job.lane}":
                job.finished.wait(max(0.0, end - time.monotonic()))

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until no job runs. False: some still do after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            with self._lock:
                jobs = list(self._running)
            if not jobs:
                return True
            if not all(job.finished.wait(max(0.0, end - time.monotonic())) for job in jobs):
                return False

    def _run(self, job: Job, before: Job | None, work: Callable[[Job], None]) -> None:
        try:
            if before is not None:
                before.finished.wait()
            job.check()
            work(job)
        except BaseException as error:  # noqa: BLE001 - nobody is above this thread: every end must be told
            self._failed(job, error)
        finally:
            with self._lock:
                self._running.discard(job)
                if self._newest.get(job.lane) is job:
                    del self._newest[job.lane]
            job.finished.set()
