"""What each request does: quick things at once, long ones in the background; every one is answered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from polars.exceptions import PanicException

from lightly_widget.errors import InvalidValueError
from lightly_widget.export import written
from lightly_widget.jobs import Job
from lightly_widget.widget.history import Entry
from lightly_widget.widget.labeling import Labeling
from lightly_widget.widget.lanes import Answer, Lanes
from lightly_widget.widget.looks import Looks
from lightly_widget.widget.outbox import Outbox
from lightly_widget.widget.present import Present, sampled
from lightly_widget.widget.projector import Projector
from lightly_widget.widget.selecting import Selecting
from lightly_widget.widget.session import Session
from lightly_widget.widget.stream import run_sample
from lightly_widget.wire import PROTOCOL, SampleSpec, parse_request, replies, request_id, to_plain
from lightly_widget.wire import requests as ask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.sampling import SamplingResult
    from lightly_widget.widget.controls import Controls
    from lightly_widget.wire import Request

SAMPLING: Final = "Sampling"


class Handlers:
    """Answers the requests of one widget."""

    def __init__(self, controls: Controls, session: Session, outbox: Outbox, projection: str) -> None:
        self._controls = controls
        self._session = session
        self._out = outbox
        self.present = Present(session, outbox)
        self._lanes = Lanes(outbox)
        self.jobs = self._lanes.jobs
        self._projector = Projector(session, outbox, self._lanes, projection, stored=controls.refresh_info)
        self._lanes.on_failure(self._projector.failed)
        self._labeling = Labeling(session)
        in_turn = self._lanes.in_turn(lambda request, job: self._relabel(request, job), "Labeling")
        looks = Looks(session, outbox, self._lanes, shown_count=lambda: controls.traits.n_samples_to_select)
        selecting = Selecting(controls, session, outbox, self.present, self.jobs)
        self._answers: dict[type[Request], Answer] = (
            looks.answers()
            | selecting.answers()
            | {
                ask.Hello: self._hello,
                ask.Sample: self._sample,
                ask.Cancel: self._cancel,
                ask.SaveTag: self._save_tag,
                ask.SetFilter: self._filter,
                ask.Label: in_turn,
                ask.UndoLabel: in_turn,
                ask.GetRecipe: self._recipe,
                ask.Export: self._lanes.newest(self._export, "Writing the file"),
                ask.Undo: lambda request: self._step(request, -1),
                ask.Redo: lambda request: self._step(request, 1),
                ask.Compare: self._compare,
                ask.CheckPath: self._check_path,
                ask.SetProjection: lambda request: self._projector.choose(request.name, request.id),
            }
        )

    def answer(self, content: object, buffers: Any) -> None:
        """Answer one message of the browser, whatever it holds."""
        number = request_id(content)
        try:
            request = parse_request(content, buffers or ())
            with self._session.lock:
                self._answers[type(request)](request)
        except (Exception, PanicException) as error:  # noqa: BLE001 - the browser waits for an answer
            self._out.error(error, number)

    # The state as a whole -------------------------------------------------------------------------------------------

    def _hello(self, request: ask.Hello) -> None:
        if request.protocol != PROTOCOL:
            raise InvalidValueError(
                f"this page speaks protocol {request.protocol} and the kernel {PROTOCOL}: reload the page, and restart "
                "the kernel if lightly_widget was updated"
            )
        if request.lost:
            self._controls.send_traits()
        self._projector.show()
        self.present.masks(self._controls.traits.preselected_tag_name)
        self.present.compared()
        self.present.sample(always=False)
        self._out.say(replies.Ready(self.jobs.running()), request.id, done=True)

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
            result, points, before = run_sample(self._session, self._controls.traits.filter, request, job, self._out)
        except BaseException:
            # The picks sent so far belong to no sample: show the one before again, unless a newer one is on its way.
            if not job.replaced:
                with self._session.lock:
                    self.present.sample(cancelled=True)
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
            self._lanes.end_progress(job)
            self._out.say(sampled(self._session.history.current, self._session.history), job.id, done=True)
        self._controls.show_sample()

    def _cancel(self, request: ask.Cancel) -> None:
        self.jobs.cancel(request.target)
        self._ok(request)

    def _save_tag(self, request: ask.SaveTag) -> None:
        """In the background, because another process may hold the lock of the dataset; no save stops another."""
        result, n = self._session.history.shown().result, self._count(request.n_samples_to_select)
        self.jobs.start(f"Saving {request.id}", request.id, lambda job: self._write_tag(request, result, n))

    def _write_tag(self, request: ask.SaveTag, result: SamplingResult, n: int) -> None:
        saved = result.save_as(request.name, n=n, grow=request.grow, replace=request.replace)
        with self._session.lock:
            self._controls.traits.refresh()
            count = len(self._session.points.candidates.tag(request.name))
            self._out.say(replies.Saved(saved.tag_name or request.name, count), request.id, done=True)

    def _count(self, n: int) -> int:
        """The picks shown: never more than there are."""
        return min(n, self._session.history.shown().result.n_new)

    def _recipe(self, request: ask.GetRecipe) -> None:
        code = self._session.history.shown().result.prefix(self._count(request.n_samples_to_select)).to_python()
        code += f"result.save_as({request.tag!r})\n"
        self._out.say(replies.Recipe(code), request.id, done=True)

    def _export(self, request: ask.Export, job: Job) -> None:
        entry = self._session.history.shown()
        ids = entry.result.prefix(self._count(request.n_samples_to_select)).sample_ids
        export = self._session.select(ids).export
        job.check()
        write = {"txt": export.to_txt, "csv": export.to_csv, "parquet": export.to_parquet}[request.format]
        target = written.confined(request.path, self._controls.traits.export_root)
        written.check_replaceable(target)
        path = write(target, overwrite=request.overwrite)
        written.remember(path)
        self._lanes.done(job, replies.Exported(str(path), len(ids)))

    def _check_path(self, request: ask.CheckPath) -> None:
        path, exists, problem = written.find_out_below(request.path, self._controls.traits.export_root)
        self._out.say(replies.Path(path, exists, problem), request.id, done=True)

    def _step(self, request: Request, by: int) -> None:
        history = self._session.history
        if not (history.can_undo if by < 0 else history.can_redo):
            what, where = ("undo", "first") if by < 0 else ("redo", "last")
            raise InvalidValueError(f"there is nothing to {what}; this is the {where} sample")
        self.stop_sampling()
        entry = history.step(by)
        if entry is not None:
            self._controls.show_selection(entry.selected)
        self._controls.show_spec(entry)
        self.present.sample(request.id, done=True)
        self._controls.show_sample()

    def stop_sampling(self) -> None:
        """Stop a sample still being made, which would show itself over the one that is asked for."""
        self.jobs.stop(SAMPLING, "another sample was shown")

    def _compare(self, request: ask.Compare) -> None:
        session = self._session
        if request.op == "clear":
            session.compared = None
        else:
            entry = self._session.history.shown()
            n = self._count(self._controls.traits.n_samples_to_select)
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
                self._controls.show_selection(other.selected)
                self._controls.show_spec(other)
                self.present.sample()
                self._controls.show_sample()
        self.present.compared()
        self._ok(request)

    # Filtering ------------------------------------------------------------------------------------------------------

    def _filter(self, request: ask.SetFilter) -> None:
        self._controls.traits.filter = to_plain(request.filter)
        self._ok(request)

    # Labeling -------------------------------------------------------------------------------------------------------

    def _relabel(self, request: ask.Label | ask.UndoLabel, job: Job) -> None:
        """Labels, counts and the filter follow what was written."""
        done = self._undo_label() if isinstance(request, ask.UndoLabel) else self._label(request)
        self._controls.traits.refresh()
        self._lanes.done(job, done)

    def _label(self, request: ask.Label) -> replies.Labeled:
        points = self._session.points
        if request.points is None:
            selected = self._session.selected
            ids = [] if selected is None else self._session.ids_of(selected).to_list()
        else:
            points.check("points", request.points)
            ids = points.ids(request.points)
        count = self._labeling.label(request.source, request.class_name, ids)
        return replies.Labeled(request.source, request.class_name, count, self._labeling.can_undo)

    def _undo_label(self) -> replies.Labeled:
        before = self._labeling.undo()
        return replies.Labeled(before.source, None, len(before.samples), self._labeling.can_undo)

    def _ok(self, request: Request) -> None:
        self._out.say(replies.Ok(), request.id, done=True)
