"""One job at a time in a lane, the newest wins, every end is told, and stopping is quick."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lightly_widget.errors import Cancelled, NoThreadError
from lightly_widget.jobs import Job, Jobs

PATIENCE = 20.0


class Told:
    """Remembers how each job ended."""

    def __init__(self) -> None:
        self.failures: list[tuple[int | None, BaseException]] = []
        self.fractions: list[float] = []

    def failed(self, job: Job, error: BaseException) -> None:
        self.failures.append((job.id, error))

    def told(self, job: Job, fraction: float) -> None:
        self.fractions.append(fraction)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def jobs(told: Told) -> Iterator[Jobs]:
    jobs = Jobs(failed=told.failed, told=told.told)
    yield jobs
    jobs.close(PATIENCE)


def until_stopped(started: threading.Event) -> object:
    """Work that goes on until it is stopped, looking at its job all the time."""

    def work(job: Job) -> None:
        started.set()
        while True:
            job.progress(0.5)

    return work


def test_a_job_runs_in_the_background_and_is_waited_for(jobs: Jobs, told: Told) -> None:
    seen: list[str] = []
    jobs.start("lane", 1, lambda job: seen.append(threading.current_thread().name))
    assert jobs.wait(PATIENCE)
    assert seen == ["lightly-widget-lane"]
    assert told.failures == []
    assert jobs.running() == []


def test_the_newest_wins_and_never_runs_beside_the_one_before(jobs: Jobs, told: Told) -> None:
    started, inside, overlaps, ran = threading.Event(), threading.Lock(), [], []

    def first(job: Job) -> None:
        with inside:
            started.set()
            while True:
                job.progress(0.1)

    def later(job: Job) -> None:
        overlaps.append(not inside.acquire(blocking=False))
        inside.release()
        ran.append(job.id)

    jobs.start("lane", 1, first)
    assert started.wait(PATIENCE)
    jobs.start("lane", 2, later)
    jobs.start("lane", 3, later)
    assert jobs.wait(PATIENCE)
    assert ran[-1] == 3
    assert not any(overlaps)
    assert (1, Cancelled) in [(number, type(error)) for number, error in told.failures]


@pytest.mark.parametrize("count", [2, 17])
def test_of_many_requests_every_one_ends_and_the_last_one_runs(jobs: Jobs, told: Told, count: int) -> None:
    done: list[int | None] = []
    for number in range(count):
        jobs.start("lane", number, lambda job: done.append(job.id))
    assert jobs.wait(PATIENCE)
    assert done[-1] == count - 1
    assert sorted([*done, *(number for number, _ in told.failures)]) == list(range(count))


def test_lanes_run_side_by_side(jobs: Jobs) -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE)
    jobs.start("one", 1, lambda job: meeting.wait() and None)
    jobs.start("two", 2, lambda job: meeting.wait() and None)
    assert jobs.wait(PATIENCE)
    assert not meeting.broken


def test_cancel_stops_the_job_with_that_id_and_no_other(jobs: Jobs, told: Told) -> None:
    one, two = threading.Event(), threading.Event()
    jobs.start("one", 1, until_stopped(one))  # type: ignore[arg-type]
    jobs.start("two", 2, until_stopped(two))  # type: ignore[arg-type]
    assert one.wait(PATIENCE)
    assert two.wait(PATIENCE)
    assert jobs.cancel(1)
    assert not jobs.cancel(99)
    assert jobs.running()[-1] == 2
    assert jobs.cancel(2)
    assert jobs.wait(PATIENCE)
    assert sorted(number or 0 for number, _ in told.failures) == [1, 2]
    assert all(isinstance(error, Cancelled) for _, error in told.failures)


def test_an_error_is_told_and_the_lane_goes_on(jobs: Jobs, told: Told) -> None:
    def broken(job: Job) -> None:
        raise ZeroDivisionError("no way")

    jobs.start("lane", 1, broken)
    assert jobs.wait(PATIENCE)
    ran: list[int] = []
    jobs.start("lane", 2, lambda job: ran.append(2))
    assert jobs.wait(PATIENCE)
    assert ran == [2]
    assert [(number, type(error)) for number, error in told.failures] == [(1, ZeroDivisionError)]


def test_progress_is_told_now_and_then_not_always(jobs: Jobs, told: Told) -> None:
    def work(job: Job) -> None:
        for _ in range(100_000):
            job.progress(0.5)

    jobs.start("lane", 1, work)
    assert jobs.wait(PATIENCE)
    assert len(told.fractions) < 100


def test_closing_stops_everything_and_nothing_starts_after(told: Told) -> None:
    jobs = Jobs(failed=told.failed)
    started = threading.Event()
    jobs.start("lane", 1, until_stopped(started))  # type: ignore[arg-type]
    assert started.wait(PATIENCE)
    jobs.close(PATIENCE)
    ran: list[int] = []
    jobs.start("lane", 2, lambda job: ran.append(2))
    assert jobs.wait(PATIENCE)
    assert ran == []
    assert {number for number, _ in told.failures} == {1, 2}


def test_stopping_a_lane_for_something_else_marks_the_job_as_replaced(jobs: Jobs, told: Told) -> None:
    started = threading.Event()
    job = jobs.start("lane", 1, until_stopped(started))  # type: ignore[arg-type]
    assert started.wait(PATIENCE)
    jobs.stop("lane", "because")
    assert jobs.wait(PATIENCE)
    assert job.replaced
    assert str(told.failures[0][1]) == "because"


def test_a_lane_whose_thread_cannot_start_is_usable_again(
    jobs: Jobs, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, ran = threading.Event(), []
    jobs.start("lane", 1, until_stopped(started))  # type: ignore[arg-type]
    assert started.wait(PATIENCE)
    with monkeypatch.context() as patch:

        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(NoThreadError, match="lane: the system gives no further thread"):
            jobs.start("lane", 2, lambda job: ran.append(2))
        assert jobs.running() in ([1], [])
    jobs.start("lane", 3, lambda job: ran.append(3))
    assert jobs.wait(PATIENCE)
    assert ran == [3]
    assert [number for number, _ in told.failures] == [1]
