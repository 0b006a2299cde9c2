"""The traits of an explorer as its handlers see them: what they read, and how answers change what is set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from lightly_widget.widget.info import describe
from lightly_widget.widget.traits import CHECKS
from lightly_widget.wire import to_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.widget.history import Entry
    from lightly_widget.widget.outbox import Outbox
    from lightly_widget.widget.session import Session

_NOTHING: Final = object()


class Traits(Protocol):
    """The traits of an explorer."""

    n_samples_to_select: Any
    strategies: Any
    limits: Any
    candidates: Any
    preselected_tag_name: Any
    filter: Any
    selection: Any
    sample: Any
    export_root: Path

    def hold_sync(self) -> Any: ...
    def refresh(self) -> None: ...
    def set_trait(self, name: str, value: Any) -> None: ...
    def send_state(self, key: Any = ...) -> None: ...


class Controls:
    """Sets the traits of one explorer to what is shown."""

    def __init__(self, traits: Traits, session: Session, out: Outbox) -> None:
        self.traits = traits
        self._session = session
        self._out = out
        self._own: Any = _NOTHING
        self.candidates_before = {"from": "all"}
        """What the candidates were before they were the selection."""

    def is_own(self, value: Any) -> bool:
        """Whether a trait is being set to what is shown already, so that its observer need not show it."""
        return value is self._own

    def _set_own(self, name: str, value: Any) -> None:
        with self._session.lock:
            self._own = value
            try:
                setattr(self.traits, name, value)
            finally:
                self._own = _NOTHING

    def show_selection(self, mask: NDArray[np.bool_] | None) -> None:
        """The points that the lasso holds now: in the plot and in `selection`."""
        session = self._session
        session.selected = mask if mask is not None and mask.any() else None
        self._out.mask("selection", session.selected, len(session))
        self.leave_empty_selection()
        self._set_own("selection", session.select([] if session.selected is None else session.ids_of(session.selected)))

    def leave_empty_selection(self) -> None:
        """Nothing is left to sample from: the candidates are again what they were before the selection."""
        if self.traits.candidates["from"] == "selection" and self._session.selected is None:
            self.traits.candidates = self.candidates_before

    def show_sample(self) -> None:
        """Bring `sample` up to the sample shown and the count."""
        with self._session.lock:
            entry = self._session.history.current
            n = self.traits.n_samples_to_select
            value = None if entry is None else entry.result.prefix(min(n, entry.result.n_new))
            before = self.traits.sample
            if value is not None and before is not None and value.sample_ids == before.sample_ids:
                value = before
            self._set_own("sample", value)

    def refresh_info(self) -> None:
        """Bring `info` up to date: tags, metadata and labels may have come."""
        self.traits.set_trait("info", describe(self._session))

    def send_traits(self) -> None:
        """Send all traits again, after messages were lost on the way to the browser."""
        self.traits.send_state([*CHECKS, "info"])

    def show_spec(self, entry: Entry | None) -> None:
        """Set the controls to what a sample was made from."""
        if entry is None:
            return
        traits = self.traits
        with traits.hold_sync():
            traits.n_samples_to_select = entry.result.n_requested
            if entry.spec is not None:
                traits.strategies = list(entry.spec.strategies)
                traits.limits = [limit.to_dict() for limit in entry.spec.limits]
                traits.candidates = to_plain(entry.spec.candidates)
                traits.preselected_tag_name = entry.spec.preselected_tag_name
