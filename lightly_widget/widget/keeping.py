"""How an explorer was left, kept with its dataset, so that `explore(restore=True)` shows it again."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import traitlets as t

from lightly_widget.dataset.history import run_recipe
from lightly_widget.errors import LightlyWidgetError, LightlyWidgetWarning, shown
from lightly_widget.store import is_remote, read_kept, write_kept

if TYPE_CHECKING:
    from lightly_widget.dataset import DatasetCore
    from lightly_widget.sampling import SamplingResult

KEPT: Final = (
    "strategies",
    "limits",
    "candidates",
    "preselected_tag_name",
    "filter",
    "color_by",
    "viewport",
    "height",
    "n_samples_to_select",
)
AFTER: Final = 1.0
"""Seconds from a change until it is written, with all the others that came meanwhile."""


class Keeper:
    """Writes a state, a moment after each change. Of several explorers of one dataset, the last one changed counts."""

    def __init__(self, core: DatasetCore[Any], state: Callable[[], dict[str, Any]], after: float = AFTER) -> None:
        """`state` is a method; its object may go."""
        self._folder = None if is_remote(core.uri) else Path(core.uri)
        self._token = _token(core)
        self._state = weakref.WeakMethod(state)
        self._after = after
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def changed(self) -> None:
        """Something changed."""
        with self._lock:
            if self._timer is None and self._folder is not None:
                self._timer = threading.Timer(self._after, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write what there is now."""
        with self._lock:
            waiting, self._timer = self._timer, None
        if waiting is not None:
            waiting.cancel()
        state = self._state()
        if self._folder is not None and state is not None:
            kept = {"dataset": self._token, **state()}
            # The recipe of a sample from thousands of chosen ids is too long: then all but the sample is kept.
            _ = write_kept(self._folder, kept) or write_kept(self._folder, kept | {"recipe": None})

    def close(self) -> None:
        """Write what has not been written yet."""
        if self._timer is not None:
            self.write()


def kept_state(core: DatasetCore[Any]) -> dict[str, Any] | None:
    """How the last explorer of this dataset was left; None where there was none, or where it was of another dataset."""
    state = None if is_remote(core.uri) else read_kept(Path(core.uri))
    return state if state is not None and state.get("dataset") == _token(core) else None


def kept_sample(core: DatasetCore[Any], state: dict[str, Any]) -> SamplingResult | None:
    """The sample, made again from its recipe."""
    recipe = state.get("recipe")
    if recipe is None:
        return None
    try:
        return run_recipe(core, recipe)
    except LightlyWidgetError as error:
        warn("the sample", error)
        return None


def restore_traits(explorer: t.HasTraits, state: dict[str, Any]) -> None:
    """Set what is kept; what no longer fits the dataset keeps its default, and a warning says so."""
    for name in KEPT:
        value = state.get(name)
        if value is None or (name == "candidates" and value == {"from": "selection"}):
            continue
        try:
            setattr(explorer, name, value)
        except t.TraitError as error:
            warn(shown(name), error)


def warn(what: str, error: Exception) -> None:
    """A part of what was kept does not fit any more."""
    warnings.warn(f"{what} was not restored: {error}", LightlyWidgetWarning, stacklevel=4)


def _token(core: DatasetCore[Any]) -> str:
    return f"{core.store.commits[0].token:x}"
