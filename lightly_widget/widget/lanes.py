"""Requests that take time: each kind in a lane of its own, with a progress line that ends and an answer in any case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightly_widget.jobs import Job, Jobs
from lightly_widget.wire import replies

if TYPE_CHECKING:
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.wire import Request

Work = Callable[[Any, Job], None]
Answer = Callable[[Any], None]


class Lanes:
    """The background work of one widget."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._hears: Callable[[Job, BaseException], None] | None = None
        self.jobs = Jobs(failed=self._failed, told=self._told)

    def on_failure(self, hears: Callable[[Job, BaseException], None]) -> None:
        """Tell somebody else of failed and cancelled jobs, before the browser hears of them."""
        self._hears = hears

    def newest(self, work: Work, task: str) -> Answer:
        """A lane for a kind of request, where the newest replaces the one before: metrics must not stop a sample."""

        def start(request: Request) -> None:
            self.jobs.start(task, request.id, lambda job: work(request, job))

        return start

    def aside(self, work: Work) -> Answer:
        """Off the main thread, each request by itself: files are read, and a disk or host may not answer."""

        def start(request: Request) -> None:
            self.jobs.start(f"Looking at {request.id}", request.id, lambda job: work(request, job))

        return start

    def in_turn(self, work: Work, task: str) -> Answer:
        """Off the main thread, one after the other: another process may hold the lock of the dataset."""
        begun: list[Job] = []  # all that are not over: a job that is cancelled while it waits ends before its turn

        def start(request: Request) -> None:
            before = [job for job in begun if not job.finished.is_set()]

            def after_those(job: Job) -> None:
                for earlier in before:
                    while not earlier.finished.wait(0.1):
                        job.check()
                work(request, job)

            begun[:] = [*before, self.jobs.start(f"{task} {request.id}", request.id, after_those)]

        return start

    def done(self, job: Job, reply: replies.Reply) -> None:
        """The answer of a job, and the end of its progress line."""
        self.end_progress(job)
        self._out.say(reply, job.id, done=True)

    def end_progress(self, job: Job) -> None:
        """Remove the progress line, if there is one."""
        if job.has_told:
            self._out.say(replies.Progress(job.lane, "", 1.0), job.id)

    def _failed(self, job: Job, error: BaseException) -> None:
        self.end_progress(job)
        if self._hears is not None:
            self._hears(job, error)
        self._out.error(error, job.id)

    def _told(self, job: Job, fraction: float) -> None:
        self._out.say(replies.Progress(job.lane, job.words, fraction), job.id)
