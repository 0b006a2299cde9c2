"""What a saved notebook shows where no kernel runs: a picture of the map, or the page itself in a frame."""

from __future__ import annotations

import base64
import html
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import numpy as np

from lightly_widget import page
from lightly_widget.errors import LightlyWidgetError, LightlyWidgetWarning, no_progress
from lightly_widget.widget.looks import colored
from lightly_widget.widget.pages import html_of
from lightly_widget.widget.present import NO_POINTS
from lightly_widget.widget.projector import is_stored
from lightly_widget.widget.recording import geometry_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.widget.pages import Shown

EMBED_LIMIT: Final = 5_000_000
"""Characters of a page that goes into a notebook."""
_PICTURE_UP_TO: Final = 20_000
"""Samples up to which the map is worked out for a picture; a map that is there already is drawn at any size."""
_FRAME_HEIGHT: Final = 780


def fallback(shown: Shown, *, embed: bool, limit: int) -> dict[str, str]:
    """Outputs beside the widget's own, by MIME type: `text/html` with the page, and `image/png`."""
    outputs: dict[str, str] = {}
    with suppress(LightlyWidgetError):  # the explorer itself says what is wrong with a coloring or the map
        if embed:
            text = html_of(shown)
            if len(text) <= limit:
                outputs["text/html"] = frame(text, shown.session.dataset.name)
            else:
                _warn_of_length(len(text), limit)
    with suppress(LightlyWidgetError):
        drawn = still(shown)
        if drawn is not None:
            outputs["image/png"] = base64.b64encode(drawn).decode("ascii")
    return outputs


def _warn_of_length(length: int, limit: int) -> None:
    warnings.warn(
        f"the page has {length:,} characters and embed_limit is {limit:,}, so the saved notebook holds a picture "
        "instead; raise embed_limit, or write the page with to_html(…)",
        LightlyWidgetWarning,
        stacklevel=4,
    )


def frame(text: str, title: str) -> str:
    """The page in a frame of its own, which reaches neither the notebook nor a network."""
    return (
        f'<iframe title="{html.escape(title)}" sandbox="allow-scripts" srcdoc="{html.escape(text)}" '
        f'style="width: 100%; height: {_FRAME_HEIGHT}px; border: 0"></iframe>'
    )


def still(shown: Shown, line: str | None = None) -> bytes | None:
    """PNG of the map as it is shown, with the sample marked and a line below; None where there is no map yet."""
    session = shown.session
    n = len(session)
    if n == 0:
        return None
    known = session.geometry is not None or not session.points.candidates.info().embedding_models
    if not known and n > _PICTURE_UP_TO and not (is_stored(session, "pca") or is_stored(session, "umap")):
        return None
    geometry = geometry_of(session, shown.projection if shown.projection != "umap" else "auto")
    entry = session.history.current
    marked = NO_POINTS if entry is None else entry.first(shown.state["n_samples_to_select"])[0]
    count = f", {len(marked):,} chosen" if len(marked) else ""
    said = f"{session.dataset.name}: {n:,} samples{count}. Run this cell again to bring the explorer to life."
    return page.picture(
        geometry.x, geometry.y, _colors(shown), marked, said if line is None else line, shown.state["viewport"]
    )


def _colors(shown: Shown) -> NDArray[np.uint8] | None:
    color_by = shown.state["color_by"]
    if color_by["by"] in ("typicality", "rank"):
        return None  # nothing is computed for a picture
    values = colored(shown.session.points, color_by, NO_POINTS, no_progress)
    if values.values is None:
        return None
    if values.scale == "category":
        return page.category_colors(values.values.astype(np.uint8))
    return page.number_colors(values.values.astype(np.float32), values.domain)
