"""What each request does: quick things at once, long ones in the background; every one is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from polars.exceptions import PanicException

from lightly_widget.errors import InvalidValueError
from lightly_widget.export import written
from lightly_widget.indexes import PointIndex, PointIndexes
from lightly_widget.jobs import Job, Jobs
from lightly_widget.maps import Region
from lightly_widget.query.code import match_code
from lightly_widget.widget import find, metrics, worth
from lightly_widget.widget.coloring import coloring
from lightly_widget.widget.history import Entry, History
from lightly_widget.widget.labeling import Labeling
from lightly_widget.widget.outbox import Outbox
from lightly_widget.widget.pictures import detail, thumbnails
from lightly_widget.widget.projector import Projector
from lightly_widget.widget.regions import regions_of
from lightly_widget.widget.session import Session
from lightly_widget.widget.stream import run_sample
from lightly_widget.wire import PROTOCOL, SampleSpec, parse_request, replies, request_id, to_plain
from lightly_widget.wire import requests as ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.sampling import SamplingResult
    from lightly_widget.sampling.metrics import CoverageCurve
    from lightly_widget.widget.shown import Shown
    from lightly_widget.wire import Request

SAMPLING: Final = "Sampling"
THUMBNAILS_PART: Final = 1_000
"""Of 128 pixels, about 4 MB. A page shows fewer at a time."""


class Handlers:
    """Answers the requests of one widget."""

    def __init__(self, widget: Shown, session: Session, outbox: Outbox, projection: str) -> None:
        self._widget = widget
        self._session = session
        self._out = outbox
        self.jobs = Jobs(failed=self._job_failed, told=self._job_told)
        self._projector = Projector(session, outbox, self.jobs, projection, stored=lambda: widget.tell_info())
        self._curve: tuple[Entry, CoverageCurve | None] | None = None
        self._labeling = Labeling(session)
        self._last_label: Job | None = None
        self._answers: dict[type[Request], Callable[[Any], None]] = {
            ask.Hello: self._hello,
            ask.GetColors: self._in_background(self._colors, "Working out colors"),
            ask.Sample: self._sample,
            ask.Cancel: self._cancel,
            ask.SaveTag: self._save_tag,
            ask.Select: self._select,
            ask.SelectPoints: self._select_points,
            ask.GetDetail: self._aside(self._detail),
            ask.GetThumbnails: self._aside(self._thumbnails),
            ask.GetNeighbors: self._in_background(self._neighbors, "Looking for neighbors"),
            ask.SetFilter: self._filter,
            ask.GetCode: self._code,
            ask.GetMetrics: self._in_background(self._metrics, "Comparing with random"),
            ask.GetWorth: self._in_background(self._worth, "Measuring what labels are worth"),
            ask.Label: self._in_turn(self._label),
            ask.UndoLabel: self._in_turn(self._undo_label),
            ask.GetRecipe: self._recipe,
            ask.Export: self._in_background(self._export, "Writing the file"),
            ask.Undo: lambda request: self._step(request, -1),
            ask.Redo: lambda request: self._step(request, 1),
            ask.Compare: self._compare,
            ask.Find: self._in_background(self._find, "Searching"),
            ask.CheckPath: self._check_path,
            ask.SetProjection: lambda request: self._projector.choose(request.name, request.id),
            ask.GetClusters: self._in_background(self._clusters, "Naming places"),
        }

    def answer(self, content: object, buffers: Any) -> None:
        """Answer one message of the browser, whatever it holds."""
        number = request_id(content)
        try:
            request = parse_request(content, buffers or ())
            with self._session.lock:
                self._answers[type(request)](request)
        except (Exception, PanicException) as error:  # noqa: BLE001 - the browser waits for an answer
            self._out.error(error, number)

    # Background work ------------------------------------------------------------------------------------------------

    def _in_background(self, work: Callable[[Any, Job], None], task: str) -> Callable[[Any], None]:
        """A lane of its own for a kind of request: a summary must not stop a sample."""

        def start(request: Request) -> None:
            self.jobs.start(task, request.id, lambda job: work(request, job))

        return start

    def _aside(self, work: Callable[[Any, Job], None]) -> Callable[[Any], None]:
        """Off the main thread, each request by itself: files are read, and a disk or host may not answer."""

        def start(request: Request) -> None:
            self.jobs.start(f"Looking at {request.id}", request.id, lambda job: work(request, job))

        return start

    def _in_turn(self, work: Callable[[Any, Job], None]) -> Callable[[Any], None]:
        """Off the main thread, one after the other: another process may hold the lock of the dataset."""

        def start(request: Request) -> None:
            before = self._last_label

            def after_the_last(job: Job) -> None:
                while before is not None and not before.finished.wait(0.1):
                    job.check()
                work(request, job)

            self._last_label = self.jobs.start(f"Labeling {request.id}", request.id, after_the_last)

        return start

    def _job_failed(self, job: Job, error: BaseException) -> None:
        self._end_progress(job)
        self._projector.failed(job, error)
        self._out.error(error, job.id)

    def _job_told(self, job: Job, fraction: float) -> None:
        self._out.say(replies.Progress(job.lane, job.words, fraction), job.id)

    def _done(self, job: Job, reply: replies.Reply) -> None:
        """The answer of a background job, and the end of its progress line."""
        self._end_progress(job)
        self._out.say(reply, job.id, done=True)

    def _end_progress(self, job: Job) -> None:
        if job.has_told:
            self._out.say(replies.Progress(job.lane, "", 1.0), job.id)

    # The state as a whole -------------------------------------------------------------------------------------------

    def _hello(self, request: ask.Hello) -> None:
        if request.protocol != PROTOCOL:
            raise InvalidValueError(
                f"this page speaks protocol {request.protocol} and the kernel {PROTOCOL}: reload the page, and restart "
                "the kernel if lightly_widget was updated"
            )
        if request.lost:
            self._widget.tell_traits()
        session = self._session
        self._projector.show()
        self._out.mask("filter", session.filter, len(session))
        self._out.mask("selection", session.selected, len(session))
        self.say_preselected()
        self.say_compared()
        self.say_sample(always=False)
        self._out.say(replies.Ready(self.jobs.running()), request.id, done=True)

    def say_sample(
        self, request: int | None = None, *, done: bool = False, cancelled: bool = False, always: bool = True
    ) -> None:
        """The sample shown, from its first pick on, as the browser needs it after `hello`, undo or a cancelled one.

        Not `always`: nothing is said about there being none.
        """
        entry = self._session.history.current
        if entry is None:
            self._out.picks("A", _NONE, _NO_GAINS, id=request)
        else:
            self._out.picks("A", entry.points, entry.result.gains, id=request)
        if entry is not None or always:
            self._out.say(self._sampled(entry, cancelled=cancelled), request, done=done)

    def _sampled(self, entry: Entry | None, *, cancelled: bool = False) -> replies.Sampled:
        return sampled(entry, self._session.history, cancelled=cancelled)

    def say_compared(self) -> None:
        """The picks of slot B."""
        points, gains = self._session.compared or (_NONE, _NO_GAINS)
        self._out.picks("B", points, gains)

    def say_preselected(self) -> None:
        """The points of the preselected tag."""
        name = self._widget.preselected_tag_name
        mask = None if name is None else self._session.points.in_tag(name)
        self._out.mask("preselected", mask, len(self._session))

    def say_hovered(self, point: int | None) -> None:
        """The point of the sample that `hovered` names."""
        self._out.say(replies.Hovered(point))

    # Sampling -------------------------------------------------------------------------------------------------------

    def _sample(self, request: ask.Sample) -> None:
        points = self._session.points
        points.check("pinned", request.pinned)
        points.check("excluded", request.excluded)
        selected = self._session.selected
        self.jobs.start(SAMPLING, request.id, lambda job: self._run_sample(request, job, selected))

    def _run_sample(self, request: ask.Sample, job: Job, selected: NDArray[np.bool_] | None) -> None:
        started = time.monotonic()
        try:
            result, points, before = run_sample(self._session, self._widget.filter, request, job, self._out)
        except BaseException:
            # The picks sent so far belong to no sample: show the one before again, unless a newer one is on its way.
            if not job.replaced:
                with self._session.lock:
                    self.say_sample(cancelled=True)
            raise
        spec = SampleSpec(
            request.strategies,
            request.candidates,
            request.preselected_tag_name,
            request.pinned,
            request.excluded,
            request.limits,
        )
        with self._session.lock:
            seconds = time.monotonic() - started
            self._session.history.push(Entry(result, points, before, spec, seconds, selected))
            self._end_progress(job)
            self._out.say(self._sampled(self._session.history.current), job.id, done=True)
        self._widget.show_sample()

    def _cancel(self, request: ask.Cancel) -> None:
        self.jobs.cancel(request.target)
        self._ok(request)

    def _entry(self) -> Entry:
        entry = self._session.history.current
        if entry is None:
            raise InvalidValueError("nothing is sampled yet; press Sample first")
        return entry

    def _save_tag(self, request: ask.SaveTag) -> None:
        """In the background, because another process may hold the lock of the dataset; no save stops another."""
        result, n = self._entry().result, self._count(request.n_samples_to_select)
        self.jobs.start(f"Saving {request.id}", request.id, lambda job: self._write_tag(request, result, n))

    def _write_tag(self, request: ask.SaveTag, result: SamplingResult, n: int) -> None:
        saved = result.save_as(request.name, n=n, grow=request.grow)
        with self._session.lock:
            self._widget.tell_info()
            if request.name == self._widget.preselected_tag_name:
                self.say_preselected()
            count = len(self._session.points.view.tag(request.name))
            self._out.say(replies.Saved(saved.tag_name or request.name, count), request.id, done=True)

    def _count(self, n: int) -> int:
        """The picks shown: never more than there are."""
        return min(n, self._entry().result.n_new)

    def _recipe(self, request: ask.GetRecipe) -> None:
        code = self._entry().result.prefix(self._count(request.n_samples_to_select)).to_python()
        code += f"result.save_as({request.tag!r})\n"
        self._out.say(replies.Recipe(code), request.id, done=True)

    def _export(self, request: ask.Export, job: Job) -> None:
        entry = self._entry()
        ids = entry.result.prefix(self._count(request.n_samples_to_select)).sample_ids
        export = self._session.select(ids).export
        job.check()
        write = {"txt": export.to_txt, "csv": export.to_csv, "parquet": export.to_parquet}[request.format]
        target = written.confined(request.path, self._widget.export_root)
        written.check_replaceable(target)
        path = write(target, overwrite=request.overwrite)
        written.remember(path)
        self._done(job, replies.Exported(str(path), len(ids)))

    def _check_path(self, request: ask.CheckPath) -> None:
        path, exists, problem = written.find_out_below(request.path, self._widget.export_root)
        self._out.say(replies.Path(path, exists, problem), request.id, done=True)

    def _step(self, request: Request, by: int) -> None:
        history = self._session.history
        if not (history.can_undo if by < 0 else history.can_redo):
            what, where = ("undo", "first") if by < 0 else ("redo", "last")
            raise InvalidValueError(f"there is nothing to {what}; this is the {where} sample")
        self.stop_sampling()
        entry = history.step(by)
        if entry is not None:
            self._widget.show_selection(entry.selected)
        self._widget.show_spec(entry)
        self.say_sample(request.id, done=True)
        self._widget.show_sample()

    def stop_sampling(self) -> None:
        """Stop a sample still being made, which would show itself over the one that is asked for."""
        self.jobs.stop(SAMPLING, "another sample was shown")

    def _compare(self, request: ask.Compare) -> None:
        session = self._session
        if request.op == "clear":
            session.compared = None
        else:
            entry = self._entry()
            n = self._count(self._widget.n_samples_to_select)
            if request.op == "keep":
                session.compared = entry.first(n)
                session.kept = entry
            else:
                if session.compared is None or session.kept is None:
                    raise InvalidValueError("there is no sample to swap with; keep one as B first")
                self.stop_sampling()
                other = session.kept
                session.compared, session.kept = entry.first(n), entry
                session.history.push(other)
                self._widget.show_selection(other.selected)
                self._widget.show_spec(other)
                self.say_sample()
                self._widget.show_sample()
        self.say_compared()
        self._ok(request)

    # Selecting and looking ------------------------------------------------------------------------------------------

    def _select(self, request: ask.Select) -> None:
        session = self._session
        if request.polygon is None:
            self._widget.show_selection(None)
        elif session.geometry is None:
            raise InvalidValueError("the points are not laid out yet; try again in a moment")
        else:
            inside = session.geometry.lasso.inside(request.polygon)
            if session.filter is not None:
                inside &= session.filter
            self._widget.show_selection(_combined(session.selected, inside, request.op))
        self._ok(request)

    def _select_points(self, request: ask.SelectPoints) -> None:
        chosen = np.zeros(len(self._session), dtype=np.bool_)
        chosen[self._session.points.check("points", request.points)] = True
        self._widget.show_selection(_combined(self._session.selected, chosen, request.op))
        self._ok(request)

    def _filter(self, request: ask.SetFilter) -> None:
        self._widget.show_filter(to_plain(request.filter))
        self._ok(request)

    def _code(self, request: ask.GetCode) -> None:
        code = match_code(self._session.dataset.kind.class_name, to_plain(request.filter))
        self._out.say(replies.Code(code), request.id, done=True)

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
        self._done(job, replies.Neighbors(request.point, found, distances))

    def _find(self, request: ask.Find, job: Job) -> None:
        found, scores = find.find(self._session, request, job.progress)
        self._done(job, replies.Found(found, scores))

    def _colors(self, request: ask.GetColors, job: Job) -> None:
        entry = self._session.history.current
        picks = _NONE if entry is None else entry.first(self._widget.n_samples_to_select)[0]
        values = coloring(self._session.points, to_plain(request.color_by), picks, job.progress)
        job.check()
        self._end_progress(job)
        self._out.colors(request.color_by, values, job.id, len(self._session))

    def _metrics(self, request: ask.GetMetrics, job: Job) -> None:
        """The shares at once, the coverage curve when it is computed; kept for the next count of the same sample."""
        entry, n = self._entry(), request.n_samples_to_select
        known = self._curve[1] if self._curve is not None and self._curve[0] is entry else None
        part = metrics.summarize(entry.result, n, request.source, request.metadata, known)
        if known is None:
            self._out.say(part, job.id)
            known = metrics.curve_of(entry.result, job.progress)
            self._curve = entry, known
            part = replies.Metrics(part.n, part.pool, part.histogram, metrics.coverage(known, n))
        self._done(job, part)

    def _worth(self, request: ask.GetWorth, job: Job) -> None:
        with self._session.lock:
            entry, kept = self._entry(), self._session.kept if self._session.compared is not None else None
            n = self._count(request.n_samples_to_select)
        if request.labels is None:
            found = worth.worth_of_coverage(metrics.curve_of(entry.result, job.progress), n)
        else:
            other = None if kept is None else kept.result
            found = worth.worth_of_labels(entry.result.prefix(n), other, request.labels, job.progress)
        job.check()
        self._done(job, found)

    def _label(self, request: ask.Label, job: Job) -> None:
        points = self._session.points
        if request.points is None:
            selected = self._session.selected
            ids = [] if selected is None else self._session.ids_of(selected).to_list()
        else:
            points.check("points", request.points)
            ids = points.ids(request.points)
        count = self._labeling.label(request.source, request.class_name, ids)
        self._labeled(job, replies.Labeled(request.source, request.class_name, count, self._labeling.can_undo))

    def _undo_label(self, request: ask.UndoLabel, job: Job) -> None:
        before = self._labeling.undo()
        self._labeled(job, replies.Labeled(before.source, None, len(before.samples), self._labeling.can_undo))

    def _labeled(self, job: Job, reply: replies.Labeled) -> None:
        """Labels, counts and the filter follow what was written."""
        self._widget.refresh()
        self._done(job, reply)

    def _clusters(self, request: ask.GetClusters, job: Job) -> None:
        geometry = self._session.geometry
        found: list[Region] = []
        if geometry is not None:
            found = regions_of(
                self._session.points, self._session.media, geometry, to_plain(request.color_by), job.progress
            )
        self._done(job, replies.Clusters([replies.PlaceLabel(r.text, r.x, r.y, r.count) for r in found]))

    def _ok(self, request: Request) -> None:
        self._out.say(replies.Ok(), request.id, done=True)


def sampled(entry: Entry | None, history: History, *, cancelled: bool = False) -> replies.Sampled:
    """What a sample came to, or that there is none."""
    result = entry.result if entry is not None else None
    message = "nothing is sampled" if result is None else result.message
    if cancelled:
        message = f"Cancelled; {message if result is None else 'the sample before is shown again'}."
    return replies.Sampled(
        n=0 if result is None else result.n_new,
        before=_rows(entry.before if entry is not None else _NONE),
        requested=0 if result is None else result.n_requested,
        n_candidates=0 if result is None else result.n_candidates,
        stop_reason="" if result is None else str(result.stop_reason),
        message=message,
        seconds=0.0 if entry is None else entry.seconds,
        warnings=() if result is None else result.warnings,
        cancelled=cancelled,
        can_undo=history.can_undo,
        can_redo=history.can_redo,
        spec=None if entry is None else entry.spec,
    )


_NONE: Final = PointIndexes(np.empty(0, dtype=np.int64))
_NO_GAINS: Final = np.empty(0, dtype=np.float64)


def _rows(points: PointIndexes) -> NDArray[np.uint32]:
    return points.astype(np.uint32)


def _combined(before: NDArray[np.bool_] | None, chosen: NDArray[np.bool_], op: str) -> NDArray[np.bool_]:
    if before is None or op == "replace":
        return chosen if op != "remove" else np.zeros_like(chosen)
    return before | chosen if op == "add" else before & ~chosen
