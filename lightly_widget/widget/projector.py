"""Where the points lie: the projections on offer, and the one being computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lightly_widget.checks import check_choice
from lightly_widget.errors import Cancelled, InvalidValueError, did_you_mean
from lightly_widget.jobs import Job
from lightly_widget.maps import METHODS, projection_names, split_name, umap_seconds
from lightly_widget.wire import replies

if TYPE_CHECKING:
    from lightly_widget.widget.lanes import Lanes
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.session import Session

LAYING_OUT: Final = "Laying out the points"
UMAP_UP_TO: Final = 200_000
"""Samples up to which UMAP follows PCA by itself."""
UMAP_FROM: Final = 16


def projection_notes(session: Session) -> dict[str, str]:
    """By name, how long a projection that is not there yet will take, for people."""
    notes = {}
    for name in projection_names(session.points.candidates.info().embedding_models):
        if split_name(name)[0] == "umap" and len(session) >= UMAP_FROM and not is_stored(session, name):
            notes[name] = f"about {duration(umap_seconds(len(session.dataset)))}"
    return notes


def duration(seconds: float) -> str:
    """A rough time, as people say it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{round(seconds / 60)} min"


def is_stored(session: Session, name: str) -> bool:
    """Whether the positions need not be computed. Looks at no vectors."""
    method, model = split_name(name)
    snapshot = session.dataset.snapshot()
    model = session.points.model(model)
    table = snapshot.derived_table("projection", model=model, method=method, seed=0)
    return table is not None and snapshot.last_op(table)["n"] == len(snapshot.embedded_samples(model))


def check_projection(value: str) -> str:
    """auto (PCA, then UMAP up to 200,000 samples), pca or umap."""
    return check_choice("projection", value, ("auto", *METHODS))


@dataclass(eq=False)
class _Run:
    """Projections being computed, of which the last is the one that is wanted."""

    target: str
    job: Job | None = None
    also: list[int] = field(default_factory=list)
    """Requests for the same, made meanwhile."""


class Projector:
    """Computes one projection at a time and says where the points are. The session's lock guards it."""

    def __init__(
        self, session: Session, out: Outbox, lanes: Lanes, wanted: str, stored: Callable[[], None] = lambda: None
    ) -> None:
        """`wanted`: "auto" or a method, see `check_projection`; `stored` is called when UMAP has been computed."""
        self._session = session
        self._out = out
        self._lanes = lanes
        self._wanted = wanted
        self._stored = stored
        self._run: _Run | None = None

    def show(self) -> None:
        """Say where the points are, or work it out first."""
        with self._session.lock:
            if self._session.geometry is not None:
                self._say(animate=False)
            elif self._run is None:
                self._start([self._wanted] if self._wanted in METHODS else ["pca", *self._then()], None)

    def choose(self, name: str, number: int) -> None:
        """Show another projection; the request `number` is answered when it is there."""
        names = projection_names(self._session.points.candidates.info().embedding_models)
        if name not in names:
            raise InvalidValueError(did_you_mean("projection", name, names))
        with self._session.lock:
            geometry = self._session.geometry
            if self._run is not None and self._run.target == name:
                self._run.also.append(number)
            elif geometry is None or geometry.projection != name:
                self._start([name], number)
            else:
                self._end(Cancelled("the projection shown was kept"))
                self._lanes.jobs.stop(LAYING_OUT, "the projection shown was kept")
                self._out.say(replies.Ok(), number, done=True)

    def failed(self, job: Job, error: BaseException) -> None:
        """A job of `Jobs` failed, or was cancelled, possibly before it began: the others who wait for it hear so."""
        with self._session.lock:
            if self._run is not None and self._run.job is job:
                self._end(error)

    def _then(self) -> list[str]:
        """UMAP follows by itself where it is quick, or there already."""
        n = len(self._session)
        if n < UMAP_FROM or not self._session.points.candidates.info().embedding_models:
            return []
        return ["umap"] if n <= UMAP_UP_TO or is_stored(self._session, "umap") else []

    def _start(self, names: list[str], number: int | None) -> None:
        self._end(Cancelled("another projection was chosen"))
        run = _Run(names[-1])
        run.job = self._lanes.jobs.start(LAYING_OUT, number, lambda job: self._work(run, names, job))
        self._run = run  # the job cannot have come to its end yet: the lock is held

    def _work(self, run: _Run, names: list[str], job: Job) -> None:
        for name in names:
            method = split_name(name)[0]
            job.words = f"Computing {method.upper()}" if method in METHODS else LAYING_OUT
            computed = method == "umap" and not is_stored(self._session, name)
            geometry = self._session.place(name, job.progress)
            with self._session.lock:
                job.check()
                animate = self._session.geometry is not None
                self._session.geometry = geometry
                self._say(animate=animate)
                if computed:
                    self._stored()
        self._lanes.end_progress(job)
        with self._session.lock:
            if job.id is not None:
                self._out.say(replies.Ok(), job.id, done=True)
            if self._run is run:
                self._end(None)

    def _end(self, error: BaseException | None) -> None:
        """Nobody waits for the present run any more. The job itself answers the request that it was started for."""
        run, self._run = self._run, None
        for number in run.also if run is not None else ():
            if error is None:
                self._out.say(replies.Ok(), number, done=True)
            else:
                self._out.error(error, number)

    def _say(self, *, animate: bool) -> None:
        geometry = self._session.geometry
        if geometry is not None:
            self._out.positions(geometry.projection, geometry.x, geometry.y, animate=animate)
