"""The explorer: traits and dispatch. What the requests do is in `handlers.py`, what it is about in `session.py`.

Traits hold the state that people set, read, observe and link; everything large travels as messages. A trait may be set
from Python, from the browser and, where a sample is done, from a background thread.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets as t

from lightly_widget.checks import check_choice, check_path
from lightly_widget.errors import InvalidTypeError, InvalidValueError, MissingDependencyError, shown
from lightly_widget.query import Query, ids_of
from lightly_widget.sampling import SamplingResult
from lightly_widget.widget import pages, traits
from lightly_widget.widget.handlers import Handlers
from lightly_widget.widget.history import Entry
from lightly_widget.widget.info import describe
from lightly_widget.widget.offline import EMBED_LIMIT, fallback
from lightly_widget.widget.outbox import Outbox, words
from lightly_widget.widget.projector import check_projection
from lightly_widget.widget.session import Session
from lightly_widget.wire import to_plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.dataset import BaseDataset, DatasetCore

BUNDLE: Final = Path(__file__).parents[1] / "static" / "widget.js"
HOT_RELOAD: Final = os.environ.get("ANYWIDGET_HMR") == "1"
_NOT_BUILT: Final = """
export default { render({ el }) {
  el.textContent = "The front end of lightly_widget is not built: run 'make bundle'.";
} };
"""


def _front_end() -> str | Path:
    """The module that draws the explorer. As a path, anywidget would watch it and keep each explorer alive for good."""
    if not BUNDLE.exists():
        return _NOT_BUILT
    return BUNDLE if HOT_RELOAD else BUNDLE.read_text(encoding="utf-8")


_NOTHING: Final = object()
_HOST_TRAITS: Final = frozenset({"layout", "tooltip", "tabbable", "_dom_classes", "_view_count"})
PLACEMENTS: Final = ("inline", "side")

_CHECKS: Final[dict[str, Callable[[Any], Any]]] = {
    "n_samples_to_select": traits.check_count,
    "strategies": lambda value: traits.check_strategies(value, complete=True),
    "limits": traits.check_limits,
    "candidates": traits.check_candidates,
    "preselected_tag_name": lambda value: traits.check_optional_text("preselected_tag_name", value),
    "filter": traits.check_filter,
    "color_by": traits.check_color,
    "hovered": lambda value: traits.check_optional_text("hovered", value),
    "viewport": traits.check_viewport,
    "height": traits.check_height,
}
# A card in the panel may lack an option that is still being chosen; sampling says so then.
_BROWSER_CHECKS: Final = _CHECKS | {"strategies": lambda value: traits.check_strategies(value, complete=False)}


def page_of_result(
    core: DatasetCore[Any], query: Query[Any], result: SamplingResult, path: str | Path, options: dict[str, Any]
) -> Path:
    """`SamplingResult.to_html`."""
    explorer = Explorer(core, query, sample=result, strategies=list(result.strategies))
    try:
        return explorer.to_html(path, **options)
    finally:
        explorer.close()


class Checked(t.TraitType[Any, Any]):
    """Any value, None included, goes through the widget's own check; traitlets would let None pass unchecked."""

    allow_none = False

    def validate(self, obj: Any, value: Any) -> Any:
        return value


class Explorer(anywidget.AnyWidget):
    """A plot of the dataset with live sampling, for notebooks. `dataset.explore()` makes one.

    Synced, two-way traits: `n_samples_to_select`, `strategies` (strategies or their dicts), `limits`
    (`AtMost`, `Gap`, `Budget` or their dicts), `candidates`
    (`{"from": "all" | "filter" | "selection"}` or `{"from": "tag", "tag": name}`), `preselected_tag_name`, `filter` (an
    expression), `color_by` (`{"by": "label" | "tag" | "metadata", "key": name}`, or "none", "typicality", "rank"),
    `hovered` (a sample id), `viewport` ([x0, y0, x1, y1] in data coordinates), `height` (pixels). `info` is read-only.

    In Python only: `selection`, a query of what the lasso holds, which may be set with ids, samples or a query; and
    `sample`, the `SamplingResult` shown, cut to `n_samples_to_select`, which may be set too. Observers of both may be
    called from a background thread.
    """

    _esm = _front_end()

    n_samples_to_select = Checked(100).tag(sync=True)
    strategies = Checked().tag(sync=True)
    limits = Checked().tag(sync=True)
    candidates = Checked().tag(sync=True)
    preselected_tag_name = Checked(None).tag(sync=True)
    filter = Checked(None).tag(sync=True)
    color_by = Checked().tag(sync=True)
    hovered = Checked(None).tag(sync=True)
    viewport = Checked(None).tag(sync=True)
    height = Checked(600).tag(sync=True)
    info = t.Dict(read_only=True).tag(sync=True)
    selection = Checked()
    sample = Checked(None)

    def __init__(
        self,
        dataset: BaseDataset[Any] | DatasetCore[Any],
        query: Query[Any] | None = None,
        *,
        placement: str = "inline",
        height: int = 600,
        projection: str = "auto",
        export_root: str | Path = ".",
        **traits_to_set: Any,
    ) -> None:
        """Explore a dataset, or the samples of a query of it as they are now.

        placement: "inline", or "side" for a panel beside the notebook (JupyterLab, needs `sidecar`). projection: "auto"
        (PCA at once, then UMAP up to 200,000 samples), "pca" or "umap"; the panel can choose another at any time.
        export_root: the folder below which the panel may write files; the working directory by default. Further
        keywords set traits, ipywidgets' `layout` among them.
        """
        check_choice("placement", placement, PLACEMENTS)
        self._session = Session(dataset, query)
        self._session_id = uuid.uuid4().hex
        self._out = Outbox(lambda content, buffers: self.send(content, buffers))
        self._projection = check_projection(projection)
        self._handlers = Handlers(self, self._session, self._out, self._projection)
        self._own: Any = _NOTHING
        self._browser_thread: int | None = None
        self._candidates_before = {"from": "all"}
        self._placement = placement
        self.embed_offline = False
        """Whether a saved notebook holds the page of `to_html`, which is alive where HTML with scripts is shown."""
        self.embed_limit = EMBED_LIMIT
        """Characters; a longer page is left out, and the picture of the map stands in for it."""
        self.export_root = Path(check_path("export_root", export_root)).expanduser()
        super().__init__(height=height, **traits_to_set)
        self.on_msg(lambda _widget, content, buffers: self._handlers.answer(content, buffers))
        if placement == "side":
            self.open_side_panel()

    # Life -----------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the connection to the browser (ipywidgets calls this)."""
        super().open()
        # ipykernel 7 sends a comm's messages to the subshell that it last spoke from, which may be the main one, busy
        # with a cell. This widget answers from any thread, so each message goes where the browser sent it.
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, default: default

    def close(self) -> None:
        """Stop the background work and remove the widget from all pages."""
        if hasattr(self, "_handlers"):
            self._handlers.jobs.close()
            self._out.close()
        super().close()

    def open_side_panel(self, anchor: str = "right") -> Any:
        """Show the widget in a JupyterLab panel, where it stays while cells run; returns the `Sidecar`.

        anchor: right, split-right, split-left, split-top, split-bottom, tab-before or tab-after.
        """
        try:
            from sidecar import Sidecar
        except ImportError:
            raise MissingDependencyError(
                "the side panel needs the package sidecar: pip install 'lightly-widget[side]', then reload the page"
            ) from None
        from IPython.display import display

        try:
            panel = Sidecar(title=self._session.dataset.name, anchor=anchor)
        except t.TraitError as error:
            raise InvalidValueError(f"anchor={shown(anchor)}: {str(error).rstrip('.')}") from None
        with panel:
            bundle: Any = super()._repr_mimebundle_()
            display(bundle[0], metadata=bundle[1], raw=True)  # type: ignore[no-untyped-call]
        return panel

    def __repr__(self) -> str:
        counts = [
            (len(self._session), "samples"),
            (len(self.selection), "selected"),
            (len(self.sample or ()), "sampled"),
        ]
        told = ", ".join(f"{number:,} {what}" for number, what in counts if number or what == "samples")
        return f"Explorer of {shown(self._session.dataset.name)}: {told}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if self._placement == "side":
            return {"text/plain": f"{self!r}, shown in the side panel"}, {}
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:  # anywidget's sign that there is nobody to show it to
            return bundle
        outputs, metadata = bundle
        return outputs | fallback(self._shown(), embed=self.embed_offline, limit=self.embed_limit), metadata

    def to_html(
        self,
        path: str | Path,
        *,
        colorings: Sequence[Any] | str | None = None,
        compare: SamplingResult | None = None,
        folder: str | bool | None = None,
        media_bytes: int | None = None,
        title: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write the explorer as one HTML file that stays alive without a kernel and without a network.

        It shows the map as it is shown here (before it is shown: UMAP if that was computed already, else PCA), hover,
        lasso, legend, the sample with its slider, gallery and figures, and the recipe. Anyone who has the file can read
        what it holds: positions, names, colors, pictures or texts.

        colorings: what the points can be colored by there: a list of `color_by` values, or "all" for labels, tags and
            metadata; by default the present one and the labels.
        compare: a result to show as B, beside the sample; by default what is compared now.
        folder: the name of a folder beside the file for the pictures, True for the file's own name with `_files`; by
            default they are in the file.
        media_bytes: how many bytes of pictures, texts and details go in, the sample's first; by default 3 MB, and
            300 MB with a folder. The page says where it was cut.

        Raises:
            InvalidValueError: the file exists and `overwrite` is False, or an unknown coloring.
        """
        return pages.write(
            self._shown(compare),
            path,
            colorings=colorings,
            folder=folder,
            media_bytes=media_bytes,
            title=title,
            overwrite=overwrite,
        )

    def _shown(self, compare: SamplingResult | None = None) -> pages.Shown:
        state = {name: getattr(self, name) for name in (*_CHECKS, "info")} | {"hovered": None}
        session = self._session
        compared: tuple[Entry | None, int]
        if compare is not None:
            compared = self._entry_of(self._check_result("compare", compare)), compare.n_new
        else:
            compared = (None, 0) if session.compared is None else (session.kept, len(session.compared[0]))
        return pages.Shown(state, session, self._projection, compared)

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until no background work runs. False: some still does after `timeout` seconds."""
        return self._handlers.jobs.wait(timeout)

    # Checks ---------------------------------------------------------------------------------------------------------

    @t.default("strategies")
    def _default_strategies(self) -> list[dict[str, Any]]:
        models = self._session.points.view.info().embedding_models
        if not models:
            return traits.check_strategies([{"type": "random"}], complete=True)
        # Of several, the one that the plot shows.
        name = models[0] if len(models) > 1 else None
        return traits.check_strategies([{"type": "diversity", "embedding_model_name": name}], complete=True)

    @t.default("limits")
    def _default_limits(self) -> list[dict[str, Any]]:
        return []

    @t.default("candidates")
    def _default_candidates(self) -> dict[str, str]:
        return {"from": "all"}

    @t.default("color_by")
    def _default_color_by(self) -> dict[str, str]:
        sources = list(self._session.points.view.info().annotation_sources)
        return {"by": "label", "key": sources[0]} if sources else {"by": "none"}

    @t.default("info")
    def _default_info(self) -> dict[str, Any]:
        return describe(self._session, self._session_id)

    @t.default("selection")
    def _default_selection(self) -> Query[Any]:
        return self._session.select([])

    @t.validate(*_CHECKS)
    def _check(self, proposal: Any) -> Any:
        return self._checked(proposal["trait"].name, proposal["value"], _CHECKS)

    def _checked(self, name: str, value: Any, checks: dict[str, Callable[[Any], Any]]) -> Any:
        if self._from_browser:
            checks = _BROWSER_CHECKS
        try:
            checked = checks[name](value)
            if name == "filter":
                self._session.filtered(checked)  # unknown fields show only when it is asked
            elif name == "preselected_tag_name" and checked is not None:
                self._session.points.in_tag(checked)
        except (InvalidTypeError, InvalidValueError) as error:
            raise t.TraitError(words(error)) from error
        return checked

    @t.validate("selection")
    def _check_selection(self, proposal: Any) -> Query[Any]:
        value = proposal["value"]
        if value is self._own:
            return value  # type: ignore[no-any-return]
        try:
            ids = ids_of([] if value is None else value)
            points = self._session.points.of("selection", ids)
        except (InvalidTypeError, InvalidValueError) as error:
            raise t.TraitError(words(error)) from error
        return self._session.select(self._session.points.ids(points))

    @t.validate("sample")
    def _check_sample(self, proposal: Any) -> SamplingResult | None:
        value = proposal["value"]
        if value is None or value is self._own:
            return value
        try:
            return self._check_result("sample", value)
        except (InvalidTypeError, InvalidValueError) as error:
            raise t.TraitError(words(error)) from error

    def _check_result(self, name: str, value: Any) -> SamplingResult:
        if not isinstance(value, SamplingResult):
            raise InvalidTypeError(f"{name} must be a SamplingResult, got {shown(value)}; .preview(…) gives one")
        self._session.points.of(name, value.sample_ids)
        return value

    def _entry_of(self, result: SamplingResult) -> Entry:
        known = self._session.points.known
        return Entry(result, known(result.new_ids), known(result.preselected_ids), None, 0.0, self._session.selected)

    @property
    def _from_browser(self) -> bool:
        return self._browser_thread == threading.get_ident()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take traits from the browser (ipywidgets calls this): the good ones; for the others it gets ours back."""
        with self._session.lock:
            before = self._browser_thread
            self._browser_thread = threading.get_ident()
            try:
                super().set_state(self._acceptable(sync_data))
            finally:
                self._browser_thread = before

    def _acceptable(self, sync_data: dict[str, Any]) -> dict[str, Any]:
        good: dict[str, Any] = {}
        for name, value in sync_data.items():
            if name in _HOST_TRAITS:
                good[name] = value
                continue
            try:
                if name not in _CHECKS:
                    raise InvalidValueError(f"the trait {shown(name)} is not for the browser to set")
                good[name] = self._checked(name, value, _BROWSER_CHECKS)
            except (t.TraitError, InvalidValueError) as error:
                self._out.error(error, None)
                if name in self.keys:
                    self.send_state(name)
        return good

    # Changes --------------------------------------------------------------------------------------------------------

    @t.observe("n_samples_to_select")
    def _count_changed(self, change: Any) -> None:
        self.show_sample()

    @t.observe("filter")
    def _filter_changed(self, change: Any) -> None:
        with self._session.lock:
            self._session.filter = self._session.filtered(self.filter)
            self._out.mask("filter", self._session.filter, len(self._session))

    @t.observe("candidates")
    def _candidates_changed(self, change: Any) -> None:
        if self.candidates["from"] != "selection":
            self._candidates_before = self.candidates

    @t.observe("preselected_tag_name")
    def _preselected_changed(self, change: Any) -> None:
        self._handlers.say_preselected()

    @t.observe("hovered")
    def _hovered_changed(self, change: Any) -> None:
        if not self._from_browser:
            point = -1 if change["new"] is None else int(self._session.points.known([change["new"]])[0])
            self._handlers.say_hovered(point if point >= 0 else None)

    @t.observe("selection")
    def _selection_changed(self, change: Any) -> None:
        if change["new"] is self._own:
            return
        with self._session.lock:
            self._session.selected = self._session.points.mask(self._session.points.known(change["new"].sample_ids))
            self._out.mask("selection", self._session.selected, len(self._session))
            self._leave_empty_selection()

    @t.observe("sample")
    def _sample_changed(self, change: Any) -> None:
        result: SamplingResult | None = change["new"]
        if result is self._own:
            return
        with self._session.lock:
            self._handlers.stop_sampling()
            self._session.history.push(None if result is None else self._entry_of(result))
            if result is not None and result.n_new:
                self.n_samples_to_select = result.n_new
            self._handlers.say_sample()

    # What the actions show ------------------------------------------------------------------------------------------

    def show_selection(self, mask: NDArray[np.bool_] | None) -> None:
        """The points that the lasso holds now: in the plot and in `selection`."""
        session = self._session
        session.selected = mask if mask is not None and mask.any() else None
        self._out.mask("selection", session.selected, len(session))
        self._leave_empty_selection()
        self._set_own("selection", session.select([] if session.selected is None else session.ids_of(session.selected)))

    def _leave_empty_selection(self) -> None:
        """Nothing is left to sample from: the candidates are again what they were before the selection."""
        selected = self._session.selected
        if self.candidates["from"] == "selection" and (selected is None or not selected.any()):
            self.candidates = self._candidates_before

    def show_filter(self, expression: dict[str, Any] | None) -> None:
        """Filter as the panel asks. TraitError: the expression asks for what is not there."""
        self.filter = expression

    def show_sample(self) -> None:
        """Bring `sample` up to the sample shown and the count."""
        with self._session.lock:
            entry = self._session.history.current
            n = self.n_samples_to_select
            value = None if entry is None else entry.result.prefix(min(n, entry.result.n_new))
            if value is not None and self.sample is not None and value.sample_ids == self.sample.sample_ids:
                value = self.sample
            self._set_own("sample", value)

    def _set_own(self, name: str, value: Any) -> None:
        """Set a trait to what is shown already, so that its observer need not show it."""
        with self._session.lock:
            self._own = value
            try:
                setattr(self, name, value)
            finally:
                self._own = _NOTHING

    def show_spec(self, entry: Entry | None) -> None:
        """Set the controls to what a sample was made from."""
        if entry is None:
            return
        with self.hold_sync():
            self.n_samples_to_select = entry.result.n_requested
            if entry.spec is not None:
                self.strategies = list(entry.spec.strategies)
                self.limits = [limit.to_dict() for limit in entry.spec.limits]
                self.candidates = to_plain(entry.spec.candidates)
                self.preselected_tag_name = entry.spec.preselected_tag_name

    def tell_info(self) -> None:
        """Bring `info` up to date: tags, metadata and labels may have come."""
        self.set_trait("info", self._default_info())

    def tell_traits(self) -> None:
        """Send all traits again, after messages were lost on the way to the browser."""
        self.send_state([*_CHECKS, "info"])

    def refresh(self) -> None:
        """Show what changed in the dataset since: tags, metadata, labels. New samples need a new explorer."""
        with self._session.lock:
            self.tell_info()
            self._session.filter = self._session.filtered(self.filter)
            self._out.mask("filter", self._session.filter, len(self._session))
            self._handlers.say_preselected()
