"""One sampling for the browser: the same call as in Python, its picks sent while they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lightly_widget.indexes import PointIndexes
from lightly_widget.sampling.run import stream
from lightly_widget.strategies import parse_strategies
from lightly_widget.wire import requests as ask
from lightly_widget.wire import to_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.jobs import Job
    from lightly_widget.sampling import SamplingResult
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.session import Session

SEND_EVERY: Final = 0.06
"""Seconds: fewer than 20 messages a second, far from the 1,000 at which servers drop them."""


class PickSender:
    """Gathers picks and sends them now and then; the first at once."""

    def __init__(self, outbox: Outbox, request: int | None) -> None:
        self._out = outbox
        self._id = request
        self._points: list[PointIndexes] = []
        self._gains: list[NDArray[np.float64]] = []
        self._sent = 0
        self._next = 0.0

    def add(self, points: PointIndexes, gains: NDArray[np.float64], fraction: float) -> None:
        """Some more picks; none is a sign of life."""
        self._points.append(points)
        self._gains.append(gains)
        if time.monotonic() >= self._next and (self._sent or len(points)):
            self.flush(fraction)

    def flush(self, fraction: float) -> None:
        """Send what was gathered."""
        points, gains = (
            PointIndexes(np.concatenate([_NO_POINTS, *self._points])),
            np.concatenate([_NO_GAINS, *self._gains]),
        )
        self._out.picks("A", points, gains, offset=self._sent, fraction=fraction, id=self._id)
        self._sent += len(points)
        self._points, self._gains = [], []
        self._next = time.monotonic() + SEND_EVERY


_NO_POINTS: Final = np.empty(0, dtype=np.int64)
_NO_GAINS: Final = np.empty(0, dtype=np.float64)


def run_sample(
    session: Session, expression: dict[str, Any] | None, request: ask.Sample, job: Job, outbox: Outbox
) -> tuple[SamplingResult, PointIndexes, PointIndexes]:
    """The result, the points of its new picks, and those of what was in it before.

    Raises what `preview` raises, and `Cancelled`.
    """
    strategies = parse_strategies(request.strategies, "strategies")
    pool = session.candidates(to_plain(request.candidates), expression)
    points = session.points
    steps = stream(
        pool.home,
        request.n_samples_to_select,
        strategies,
        preselected_tag_name=request.preselected_tag_name,
        pinned_ids=points.ids(request.pinned),
        excluded_ids=[*points.ids(request.excluded), *pool.newer_ids],
        limits=request.limits,
        progress=job.progress,
    )
    sender = PickSender(outbox, job.id)
    try:
        while True:
            try:
                block = next(steps)
            except StopIteration as stop:
                result: SamplingResult = stop.value
                break
            job.check()
            sender.add(PointIndexes(pool.points[block.rows]), block.gains, block.fraction)
    finally:
        steps.close()
    job.check()
    sender.flush(1.0)
    return result, PointIndexes(pool.points[result.rows]), PointIndexes(pool.points[result.preselected_rows])
