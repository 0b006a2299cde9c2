"""The present state as the browser shows it: the sample shown, the one it is compared with, the masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lightly_widget.indexes import PointIndexes
from lightly_widget.wire import replies

if TYPE_CHECKING:
    from lightly_widget.widget.history import Entry, History
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.session import Session

NO_POINTS: Final = PointIndexes(np.empty(0, dtype=np.int64))
_NO_GAINS: Final = np.empty(0, dtype=np.float64)


class Present:
    """Says the present state of one session."""

    def __init__(self, session: Session, out: Outbox) -> None:
        self._session = session
        self._out = out

    def masks(self, preselected_tag_name: str | None) -> None:
        """What is filtered, selected and preselected."""
        session = self._session
        self._out.mask("filter", session.filter, len(session))
        self._out.mask("selection", session.selected, len(session))
        self.preselected(preselected_tag_name)

    def preselected(self, tag_name: str | None) -> None:
        """The points of the preselected tag."""
        mask = None if tag_name is None else self._session.points.in_tag(tag_name)
        self._out.mask("preselected", mask, len(self._session))

    def compared(self) -> None:
        """The picks of slot B."""
        points, gains = self._session.compared or (NO_POINTS, _NO_GAINS)
        self._out.picks("B", points, gains)

    def sample(
        self, request: int | None = None, *, done: bool = False, cancelled: bool = False, always: bool = True
    ) -> None:
        """The sample shown, from its first pick on, as the browser needs it after `hello`, undo or a cancelled one.

        Not `always`: nothing is said about there being none.
        """
        entry = self._session.history.current
        points, gains = (NO_POINTS, _NO_GAINS) if entry is None else (entry.points, entry.result.gains)
        self._out.picks("A", points, gains, id=request)
        if entry is not None or always:
            self._out.say(sampled(entry, self._session.history, cancelled=cancelled), request, done=done)


def sampled(entry: Entry | None, history: History, *, cancelled: bool = False) -> replies.Sampled:
    """What a sample came to, or that there is none."""
    result = entry.result if entry is not None else None
    message = "nothing is sampled" if result is None else result.message
    if cancelled:
        message = f"Cancelled; {message if result is None else 'the sample before is shown again'}."
    before = NO_POINTS if entry is None else entry.before
    return replies.Sampled(
        n=0 if result is None else result.n_new,
        before=before.astype(np.uint32),
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
