"""The explorer: traits and dispatch. What the requests do is in `handlers.py`, what it is about in `session.py`.

Traits hold the state that people set, read, observe and link; everything large travels as messages. A trait may be set
from Python, from the browser and, where a sample is done, from a background thread.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets as t

from lightly_widget.checks import check_bool, check_choice, check_path, check_string
from lightly_widget.errors import InvalidTypeError, InvalidValueError, shown
from lightly_widget.query import Query, ids_of
from lightly_widget.sampling import SamplingResult
from lightly_widget.widget import pages, traits
from lightly_widget.widget.controls import Controls
from lightly_widget.widget.front_end import front_end, show_beside
from lightly_widget.widget.handlers import Handlers
from lightly_widget.widget.history import Entry
from lightly_widget.widget.info import describe
from lightly_widget.widget.keeping import KEPT, Keeper, kept_sample, kept_state, restore_traits
from lightly_widget.widget.offline import EMBED_LIMIT, fallback, still
from lightly_widget.widget.outbox import Outbox, words
from lightly_widget.widget.projector import check_projection
from lightly_widget.widget.session import Session
from lightly_widget.wire.replies import Hovered

if TYPE_CHECKING:
    from lightly_widget.dataset import BaseDataset, DatasetCore

_HOST_TRAITS: Final = frozenset({"layout", "tooltip", "tabbable", "_dom_classes", "_view_count"})
PLACEMENTS: Final = ("inline", "side")


def page_of_result(
    core: DatasetCore[Any], query: Query[Any], result: SamplingResult, path: str | Path, options: dict[str, Any]
) -> Path:
    """`SamplingResult.to_html`."""
    explorer = Explorer(core, query, sample=result, strategies=list(result.strategies))
    try:
        return explorer.to_html(path, **options)
    finally:
        explorer.close()


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

    _esm = front_end()

    n_samples_to_select = traits.Checked(100).tag(sync=True)
    strategies = traits.Checked().tag(sync=True)
    limits = traits.Checked().tag(sync=True)
    candidates = traits.Checked().tag(sync=True)
    preselected_tag_name = traits.Checked(None).tag(sync=True)
    filter = traits.Checked(None).tag(sync=True)
    color_by = traits.Checked().tag(sync=True)
    hovered = traits.Checked(None).tag(sync=True)
    viewport = traits.Checked(None).tag(sync=True)
    height = traits.Checked(600).tag(sync=True)
    info = t.Dict(read_only=True).tag(sync=True)
    selection = traits.Checked()
    sample = traits.Checked(None)

    def __init__(
        self,
        dataset: BaseDataset[Any] | DatasetCore[Any],
        query: Query[Any] | None = None,
        *,
        placement: str = "inline",
        height: int = 600,
        projection: str = "auto",
        export_root: str | Path = ".",
        restore: bool = False,
        **traits_to_set: Any,
    ) -> None:
        """Explore a dataset, or the samples of a query of it as they are now.

        placement: "inline", or "side" for a panel beside the notebook (JupyterLab, needs `sidecar`). projection: "auto"
        (PCA at once, then UMAP up to 200,000 samples), "pca" or "umap"; the panel can choose another at any time.
        export_root: the folder below which the panel may write files; the working directory by default. restore: start
        from the strategies, sample, colors and viewport that the last explorer of the whole dataset left; traits that
        are passed here take precedence. Not available with a query. Further
        keywords set traits, ipywidgets' `layout` among them.
        """
        check_choice("placement", placement, PLACEMENTS)
        self._session = Session(dataset, query)
        self._out = Outbox(lambda content, buffers: self.send(content, buffers))
        self._controls = Controls(self, self._session, self._out)
        self._projection = check_projection(projection)
        self._handlers = Handlers(self._controls, self._session, self._out, self._projection)
        self._browser_thread: int | None = None
        self._placement = placement
        self.embed_offline = False
        """Whether a saved notebook holds the page of `to_html`, which is alive where HTML with scripts is shown."""
        self.embed_limit = EMBED_LIMIT
        """Characters; a longer page is left out, and the picture of the map stands in for it."""
        self.export_root = Path(check_path("export_root", export_root)).expanduser()
        super().__init__(height=height, **traits_to_set)
        self._keeper = Keeper(self._session.dataset, self._kept) if query is None else None
        if check_bool("restore", restore):
            self._restore(traits_to_set)
        if self._keeper is not None:
            self.observe(self._note_change, [*KEPT, "sample"])
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
        keeper: Keeper | None = getattr(self, "_keeper", None)
        if keeper is not None:
            keeper.close()
        super().close()

    def _note_change(self, change: Any) -> None:
        if self._keeper is not None:
            self._keeper.changed()

    def _kept(self) -> dict[str, Any]:
        """What `restore` needs."""
        entry = self._session.history.current
        recipe = None if entry is None else entry.result.recipe | {"tag_name": None}
        return {name: getattr(self, name) for name in KEPT} | {"recipe": recipe}

    def _restore(self, given: dict[str, Any]) -> None:
        if self._keeper is None:
            raise InvalidValueError("restore=True is for an explorer of the whole dataset, got a query; leave it out")
        core = self._session.dataset
        state = kept_state(core)
        if state is None:
            return
        own: dict[str, Any] = {name: getattr(self, name) for name in KEPT if name in given}
        sample = kept_sample(core, state) if given.get("sample") is None else None
        if sample is not None:
            self.sample = sample  # which sets the count
        state |= own
        restore_traits(self, state)

    def open_side_panel(self, anchor: str = "right") -> Any:
        """Show the widget in a JupyterLab panel, where it stays while cells run; returns the `Sidecar`.

        anchor: right, split-right, split-left, split-top, split-bottom, tab-before or tab-after.
        """
        return show_beside(super()._repr_mimebundle_(), self._session.dataset.name, anchor)

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
            300 MB with a folder. Without a folder, at most 4,000 samples have details. The page says where it was cut.

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

    def to_png(self, caption: str = "") -> bytes:
        """A still picture of the map with the sample marked, and a caption below.

        Raises:
            InvalidValueError: there is no map to draw: no samples, or none laid out yet among more than 20,000.
        """
        drawn = still(self._shown(), check_string("caption", caption, empty=True))
        if drawn is None:
            raise InvalidValueError(
                f"the map of {len(self._session):,} samples is not there yet; show the explorer first"
            )
        return drawn

    def _shown(self, compare: SamplingResult | None = None) -> pages.Shown:
        state = {name: getattr(self, name) for name in (*traits.CHECKS, "info")} | {"hovered": None}
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
        models = self._session.points.candidates.info().embedding_models
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
        sources = list(self._session.points.candidates.info().annotation_sources)
        return {"by": "label", "key": sources[0]} if sources else {"by": "none"}

    @t.default("info")
    def _default_info(self) -> dict[str, Any]:
        return describe(self._session)

    @t.default("selection")
    def _default_selection(self) -> Query[Any]:
        return self._session.select([])

    @t.validate(*traits.CHECKS)
    def _check(self, proposal: Any) -> Any:
        return self._checked(proposal["trait"].name, proposal["value"])

    def _checked(self, name: str, value: Any) -> Any:
        checks = traits.BROWSER_CHECKS if self._from_browser else traits.CHECKS
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
        if self._controls.is_own(value):
            return value  # type: ignore[no-any-return]
        try:
            ids = ids_of([] if value is None else value)
            points = self._session.points.of("selection", ids)
        except (InvalidTypeError, InvalidValueError) as error:
            raise t.TraitError(words(error)) from error
        return self._session.select(self._session.points.ids(points))

    @t.validate("sample")
    def _check_sample(self, proposal: Any) -> SamplingResult | None:
        value: SamplingResult | None = proposal["value"]
        if value is None or self._controls.is_own(value):
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
                if name not in traits.CHECKS:
                    raise InvalidValueError(f"the trait {shown(name)} is not for the browser to set")
                good[name] = self._checked(name, value)
            except (t.TraitError, InvalidValueError) as error:
                self._out.error(error, None)
                if name in self.keys:
                    self.send_state(name)
        return good

    # Changes --------------------------------------------------------------------------------------------------------

    @t.observe("n_samples_to_select")
    def _count_changed(self, change: Any) -> None:
        self._controls.show_sample()

    @t.observe("filter")
    def _filter_changed(self, change: Any) -> None:
        with self._session.lock:
            self._session.filter = self._session.filtered(self.filter)
            self._out.mask("filter", self._session.filter, len(self._session))

    @t.observe("candidates")
    def _candidates_changed(self, change: Any) -> None:
        if self.candidates["from"] != "selection":
            self._controls.candidates_before = self.candidates

    @t.observe("preselected_tag_name")
    def _preselected_changed(self, change: Any) -> None:
        self._handlers.present.preselected(self.preselected_tag_name)

    @t.observe("hovered")
    def _hovered_changed(self, change: Any) -> None:
        if not self._from_browser:
            point = -1 if change["new"] is None else int(self._session.points.known([change["new"]])[0])
            self._out.say(Hovered(point if point >= 0 else None))

    @t.observe("selection")
    def _selection_changed(self, change: Any) -> None:
        if self._controls.is_own(change["new"]):
            return
        with self._session.lock:
            mask = self._session.points.mask(self._session.points.known(change["new"].sample_ids))
            self._session.selected = mask if mask.any() else None
            self._out.mask("selection", self._session.selected, len(self._session))
            self._controls.leave_empty_selection()

    @t.observe("sample")
    def _sample_changed(self, change: Any) -> None:
        result: SamplingResult | None = change["new"]
        if self._controls.is_own(result):
            return
        with self._session.lock:
            self._handlers.stop_sampling()
            self._session.history.push(None if result is None else self._entry_of(result))
            if result is not None and result.n_new:
                self.n_samples_to_select = result.n_new
            self._handlers.present.sample()

    def refresh(self) -> None:
        """Show what changed in the dataset since: tags, metadata, labels. New samples need a new explorer."""
        with self._session.lock:
            self._controls.refresh_info()
            self._filter_changed(None)
            self._preselected_changed(None)
