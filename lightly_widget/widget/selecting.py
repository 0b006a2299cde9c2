"""The requests about the selection: what is in it, and what is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lightly_widget.errors import InvalidValueError
from lightly_widget.wire import replies
from lightly_widget.wire import requests as ask

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from lightly_widget.jobs import Jobs
    from lightly_widget.widget.controls import Controls
    from lightly_widget.widget.lanes import Answer
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.present import Present
    from lightly_widget.widget.session import Session
    from lightly_widget.wire import Request

MAX_IDS: Final = 100_000


class Selecting:
    """Selects points, and tags or names those that are selected."""

    def __init__(self, controls: Controls, session: Session, outbox: Outbox, present: Present, jobs: Jobs) -> None:
        self._controls = controls
        self._session = session
        self._out = outbox
        self._present = present
        self._jobs = jobs

    def answers(self) -> dict[type[Request], Answer]:
        """What answers each request."""
        return {
            ask.Select: self._select,
            ask.SelectPoints: self._select_points,
            ask.TagSelection: self._tag,
            ask.GetSelectedIds: self._ids,
        }

    def _select(self, request: ask.Select) -> None:
        session = self._session
        if request.op == "invert":
            shown = np.ones(len(session), dtype=np.bool_) if session.filter is None else session.filter
            self._controls.show_selection(shown if session.selected is None else shown & ~session.selected)
        elif request.polygon is None:
            self._controls.show_selection(None)
        elif session.geometry is None:
            raise InvalidValueError("the points are not laid out yet; try again in a moment")
        else:
            inside = session.geometry.lasso.inside(request.polygon)
            if session.filter is not None:
                inside &= session.filter
            self._controls.show_selection(_combined(session.selected, inside, request.op))
        self._out.say(replies.Ok(), request.id, done=True)

    def _select_points(self, request: ask.SelectPoints) -> None:
        chosen = np.zeros(len(self._session), dtype=np.bool_)
        chosen[self._session.points.check("points", request.points)] = True
        self._controls.show_selection(_combined(self._session.selected, chosen, request.op))
        self._out.say(replies.Ok(), request.id, done=True)

    def _selected(self) -> NDArray[np.bool_]:
        selected = self._session.selected
        if selected is None:
            raise InvalidValueError("nothing is selected; draw around some samples first")
        return selected

    def _tag(self, request: ask.TagSelection) -> None:
        """In the background, because another process may hold the lock of the dataset."""
        ids = self._session.ids_of(self._selected())
        self._jobs.start(f"Tagging {request.id}", request.id, lambda job: self._write_tag(request, ids))

    def _write_tag(self, request: ask.TagSelection, ids: pl.Series) -> None:
        self._session.select(ids).add_tag(request.name)
        with self._session.lock:
            self._controls.traits.refresh()
            self._out.say(replies.Saved(request.name, len(ids)), request.id, done=True)

    def _ids(self, request: ask.GetSelectedIds) -> None:
        selected = self._selected()
        first = np.zeros_like(selected)
        first[np.flatnonzero(selected)[:MAX_IDS]] = True
        ids = self._session.ids_of(first).to_list()
        self._out.say(replies.SelectedIds(ids, int(selected.sum())), request.id, done=True)


def _combined(before: NDArray[np.bool_] | None, chosen: NDArray[np.bool_], op: str) -> NDArray[np.bool_]:
    if before is None or op == "replace":
        return chosen if op != "remove" else np.zeros_like(chosen)
    return before | chosen if op == "add" else before & ~chosen
