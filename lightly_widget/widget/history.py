"""The samples of a widget, for undo and redo, and the one kept to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightly_widget.errors import InvalidValueError
from lightly_widget.indexes import PointIndexes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.sampling import SamplingResult
    from lightly_widget.wire import SampleSpec

MAX_KEPT: Final = 30


@dataclass(frozen=True, eq=False)
class Entry:
    """One sample: the result, its points in the explorer, and what it was made from (None: made in Python)."""

    result: SamplingResult
    points: PointIndexes
    """Of the new picks."""
    before: PointIndexes
    """Of the preselected and pinned samples that are in the sample."""
    spec: SampleSpec | None
    seconds: float
    selected: NDArray[np.bool_] | None
    """The selection when it was made."""

    def first(self, n: int) -> tuple[PointIndexes, NDArray[np.float64]]:
        """The first `n` new picks and their gains."""
        return PointIndexes(self.points[:n]), self.result.gains[:n]


class History:
    """Samples in the order they were made, and which of them is shown; none at first."""

    def __init__(self) -> None:
        self._entries: list[Entry | None] = [None]
        self._at = 0

    @property
    def current(self) -> Entry | None:
        """The sample shown."""
        return self._entries[self._at]

    def shown(self) -> Entry:
        """The sample shown. ValueError: there is none."""
        if self.current is None:
            raise InvalidValueError("nothing is sampled yet; press Sample first")
        return self.current

    @property
    def can_undo(self) -> bool:
        """Whether there is a state before."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a state after."""
        return self._at + 1 < len(self._entries)

    def push(self, entry: Entry | None) -> None:
        """Show a new sample; what was undone is forgotten, and so is what is more than 30 samples ago."""
        del self._entries[self._at + 1 :]
        self._entries.append(entry)
        del self._entries[: max(0, len(self._entries) - MAX_KEPT)]
        self._at = len(self._entries) - 1

    def step(self, by: int) -> Entry | None:
        """Go back (-1) or forth (1); the caller asked `can_undo` or `can_redo` first."""
        self._at += by
        return self.current
