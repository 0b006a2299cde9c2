"""Labels given in the explorer: one class per sample in a source of one's own, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightly_widget.dataset.label_writes import restore_classes, set_class
from lightly_widget.errors import InvalidValueError

if TYPE_CHECKING:
    from lightly_widget.dataset.label_writes import Before
    from lightly_widget.widget.session import Session

MAX_KEPT: Final = 100


class Labeling:
    """What was labeled in one explorer, for undo. Not thread-safe: one call at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._done: list[Before] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a label to take back."""
        return bool(self._done)

    def label(self, source: str, class_name: str | None, sample_ids: list[str]) -> int:
        """Give these samples a class, or take it away; returns how many they are."""
        if not sample_ids:
            raise InvalidValueError("no samples to label, got an empty selection; select some in the plot")
        self._done.append(set_class(self._session.dataset, source, class_name, sample_ids))
        del self._done[:-MAX_KEPT]
        return len(sample_ids)

    def undo(self) -> Before:
        """Give the samples labeled last the labels that they had."""
        if not self._done:
            raise InvalidValueError("there is nothing to undo; no label was given here, got 0")
        before = self._done[-1]
        restore_classes(self._session.dataset, before)
        self._done.pop()
        return before
