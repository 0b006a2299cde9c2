"""Requests that only look: colors, pictures, neighbors, metrics, names of places. They change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from lightly_widget import coloring
from lightly_widget.indexes import PointIndex, PointIndexes
from lightly_widget.maps import Region
from lightly_widget.query.code import match_code
from lightly_widget.widget import find, metrics, worth
from lightly_widget.widget.pictures import detail, thumbnails
from lightly_widget.widget.present import NO_POINTS
from lightly_widget.widget.regions import clusters_of, regions_of
from lightly_widget.wire import replies, to_plain
from lightly_widget.wire import requests as ask

if TYPE_CHECKING:
    from lightly_widget.errors import Progress
    from lightly_widget.jobs import Job
    from lightly_widget.sampling.metrics import CoverageCurve
    from lightly_widget.widget.history import Entry
    from lightly_widget.widget.lanes import Answer, Lanes
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.points import Points
    from lightly_widget.widget.session import Session
    from lightly_widget.wire import Request

THUMBNAILS_PART: Final = 1_000
"""Of 128 pixels, about 4 MB. A page shows fewer at a time."""


class Looks:
    """Answers what changes nothing; `shown_count` is how many picks the browser shows."""

    def __init__(self, session: Session, out: Outbox, lanes: Lanes, shown_count: Callable[[], int]) -> None:
        self._session = session
        self._out = out
        self._lanes = lanes
        self._shown_count = shown_count
        self._curve: tuple[Entry, CoverageCurve | None] | None = None

    def answers(self) -> dict[type[Request], Answer]:
        """By the kind of request."""
        lanes = self._lanes
        return {
            ask.GetColors: lanes.newest(self._colors, "Working out colors"),
            ask.GetDetail: lanes.aside(self._detail),
            ask.GetThumbnails: lanes.aside(self._thumbnails),
            ask.GetNeighbors: lanes.newest(self._neighbors, "Looking for neighbors"),
            ask.GetCode: self._code,
            ask.GetMetrics: lanes.newest(self._metrics, "Comparing with random"),
            ask.GetWorth: lanes.newest(self._worth, "Measuring what labels are worth"),
            ask.Find: lanes.newest(self._find, "Searching"),
            ask.GetClusters: lanes.newest(self._clusters, "Naming places"),
        }

    def _colors(self, request: ask.GetColors, job: Job) -> None:
        entry = self._session.history.current
        picks = NO_POINTS if entry is None else entry.first(self._shown_count())[0]
        colors = colored(self._session.points, to_plain(request.color_by), picks, job.progress)
        job.check()
        self._lanes.end_progress(job)
        self._out.colors(request.color_by, colors, job.id, len(self._session))

    def _detail(self, request: ask.GetDetail, job: Job) -> None:
        points = self._session.points
        points.check("point", [request.point])
        shown = detail(points, PointIndex(request.point), self._session.media, self._session.pictures)
        self._out.say(shown, request.id, done=True)

    def _thumbnails(self, request: ask.GetThumbnails, job: Job) -> None:
        """In parts, so that the first are seen early and no message is too large."""
        session, points = self._session, self._session.points
        points.check("points", request.points)
        for start in range(0, max(len(request.points), 1), THUMBNAILS_PART):
            job.check()
            part = request.points[start : start + THUMBNAILS_PART]
            last = start + THUMBNAILS_PART >= len(request.points)
            self._out.say(thumbnails(points, part, request.size, session.media, session.pictures), job.id, done=last)

    def _neighbors(self, request: ask.GetNeighbors, job: Job) -> None:
        points = self._session.points
        points.check("point", [request.point])
        found, distances = find.nearest(points, request.point, request.k, request.model, job.progress)
        self._lanes.done(job, replies.Neighbors(request.point, found, distances))

    def _find(self, request: ask.Find, job: Job) -> None:
        found, scores = find.find(self._session, request, job.progress)
        self._lanes.done(job, replies.Found(found, scores))

    def _code(self, request: ask.GetCode) -> None:
        code = match_code(self._session.dataset.kind.class_name, to_plain(request.filter))
        self._out.say(replies.Code(code), request.id, done=True)

    def _metrics(self, request: ask.GetMetrics, job: Job) -> None:
        """The shares at once, the coverage curve when it is computed; kept for the next count of the same sample."""
        entry, n = self._session.history.shown(), request.n_samples_to_select
        known = self._curve[1] if self._curve is not None and self._curve[0] is entry else None
        part = metrics.summarize(entry.result, n, request.source, request.metadata, known)
        if known is None:
            self._out.say(part, job.id)
            known = entry.result.coverage_curve(progress=job.progress)
            self._curve = entry, known
            part = replies.Metrics(part.n, part.pool, part.histogram, metrics.coverage(known, n))
        self._lanes.done(job, part)

    def _worth(self, request: ask.GetWorth, job: Job) -> None:
        with self._session.lock:
            entry, kept = self._session.history.shown(), self._session.kept
            other = None if kept is None or self._session.compared is None else kept.result
            n = min(request.n_samples_to_select, entry.result.n_new)
        if request.labels is None:
            found = worth.worth_of_coverage(entry.result.coverage_curve(progress=job.progress), n)
        else:
            found = worth.worth_of_labels(entry.result.prefix(n), other, request.labels, job.progress)
        job.check()
        self._lanes.done(job, found)

    def _clusters(self, request: ask.GetClusters, job: Job) -> None:
        session = self._session
        found: list[Region] = []
        if session.geometry is not None:
            by = to_plain(request.color_by)
            found = regions_of(session.points, session.media, session.geometry, by, job.progress)
        self._lanes.done(job, clusters_of(found))


def colored(points: Points, color_by: dict[str, str], picks: PointIndexes, progress: Progress) -> coloring.Coloring:
    """The coloring of a checked `ColorBy`; `picks` are the sample in pick order. ValueError: unknown key."""
    key: Any = color_by.get("key")
    match color_by["by"]:
        case "label":
            return coloring.by_label(points.main_classes(key))
        case "tag":
            return coloring.by_member(key, points.in_tag(key))
        case "metadata":
            return coloring.by_value(points.metadata(key))
        case "typicality":
            return coloring.by_number(points.typicality(progress))
        case "rank":
            return coloring.by_rank(len(points), picks)
        case _:
            return coloring.Coloring("none")
