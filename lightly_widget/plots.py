"""Plotly figures of a sampling result, for reports: plotly is loaded when one is drawn.

Every figure is an ordinary `plotly.graph_objects.Figure`. Plotly reads some HTML (and TeX, between dollars) in text, so
text from the data is escaped first and shows as it is.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, MissingDependencyError, shown
from lightly_widget.plain import check_depth, check_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotly.graph_objects import Figure

    from lightly_widget.sampling import SamplingResult

__all__ = ["coverage", "embedding", "shares"]

POOL: Final = "#b9c0cb"
SAMPLE: Final = "#e4572e"
BEFORE: Final = "#2e6fe4"
RANDOM: Final = "#8a8f98"
DARK: Final = "#17202c"
# Eight hues that stay apart for color-blind readers (Okabe and Ito), then gray for all further classes.
_HUES: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7f5539")
_LONGEST: Final = 60
_MOST_CLASSES: Final = 40


def embedding(
    result: SamplingResult,
    positions: NDArray[np.floating[Any]] | None = None,
    color_by: Sequence[str | None] | pl.Series | None = None,
) -> Figure:
    """The candidates as a scatter plot with the sample on top, larger and outlined; hover shows id and pick rank.

    positions: (n, 2), finite, one row per candidate, in their order; None: the two main directions (PCA) of the
        embeddings that the sampling used.
    color_by: a class per candidate, in their order, to color them by; None: all in one gray.
    ValueError: a wrong shape, or None for the positions without one embedding model to take them from.
    """
    go = _plotly()
    _check_result(result)
    points = _positions(result, positions)
    ids = result.candidate_ids
    figure = go.Figure()
    for name, rows, color in _groups(color_by, len(points)):
        figure.add_trace(_dots(go, points[rows], name, ids.gather(rows), size=5, color=color, opacity=0.7))
    # Among colored classes the sample is black and white, which no class is.
    picks, before = (SAMPLE, BEFORE) if color_by is None else (DARK, "white")
    if len(result.preselected_rows):
        rows = result.preselected_rows
        edge = "white" if color_by is None else DARK
        figure.add_trace(_dots(go, points[rows], "preselected", ids.gather(rows), size=9, color=before, edge=edge))
    picked = _dots(go, points[result.rows], "picked", ids.gather(result.rows), size=10, color=picks, edge="white")
    picked.customdata = [[text, f"<br>pick {rank}"] for rank, (text, _) in enumerate(picked.customdata, start=1)]
    figure.add_trace(picked)
    _style(figure, f"{len(result):,} of {len(points):,} samples")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def coverage(result: SamplingResult, at: Sequence[int] | None = None) -> Figure:
    """The coverage radius (Euclidean, lower is better) after each count of picks, beside as many random picks.

    at: the counts, 1…len(result); None: about 30 over all. ValueError: nothing was picked, or no one embedding model.
    """
    go = _plotly()
    _check_result(result)
    curve = result.coverage_curve(at)
    if curve is None:
        raise InvalidValueError(
            "there is no coverage to draw; sample from a dataset with one embedding model, or name the model"
        )
    figure = go.Figure()
    pairs = [("sample", curve.radius, SAMPLE, "solid"), ("random", curve.random_radius, RANDOM, "dash")]
    for name, radius, color, dash in pairs:
        line = {"color": color, "dash": dash, "width": 2}
        figure.add_trace(go.Scatter(x=curve.at, y=radius, name=name, mode="lines+markers", line=line))
    title = curve.sentence
    _style(figure, title[0].upper() + title[1:])
    figure.update_xaxes(title="picked samples", rangemode="tozero")
    figure.update_yaxes(title="coverage radius", rangemode="tozero")
    return figure


def shares(result: SamplingResult, annotation_source: str | None = None, metadata_key: str | None = None) -> Figure:
    """Class shares of the candidates, the sample and a random one; with the target where the sampling balanced them.

    annotation_source or metadata_key (text or booleans) says what to count; with neither, what the sampling balanced,
    else all annotations. At most 40 classes are drawn, the most frequent. ValueError: both given, or nothing to count.
    """
    go = _plotly()
    _check_result(result)
    if annotation_source is not None and metadata_key is not None:
        given = f"annotation_source={shown(annotation_source)} and metadata_key={shown(metadata_key)}"
        raise InvalidValueError(f"{given} are both given; give one of them")
    if metadata_key is not None:
        data = result.metadata_shares(metadata_key)
    elif annotation_source is None and result.shares:
        data = result.shares[0]
    else:
        data = result.class_shares(annotation_source)
    if not data.names:
        raise InvalidValueError("there are no shares to draw; add annotations or metadata to the candidates first")
    names = [plain_text(name) for name in data.names[:_MOST_CLASSES]]
    x = list(range(len(names)))  # as positions, so that names that look like numbers or dates stay names
    figure = go.Figure()
    for name, values, color in [("candidates", data.pool, POOL), ("sample", data.sample, SAMPLE)]:
        figure.add_trace(go.Bar(x=x, y=values[:_MOST_CLASSES], name=name, marker={"color": color}))
    figure.add_trace(_marks(go, x, data.random, "random", RANDOM, "circle-open"))
    if data.target is not None:
        figure.add_trace(_marks(go, x, data.target, "target", DARK, "line-ew-open"))
    _style(figure, f"Shares of {plain_text(data.what)}")
    figure.update_layout(barmode="group")
    figure.update_xaxes(tickvals=x, ticktext=names)
    figure.update_yaxes(title="share", tickformat=".0%", rangemode="tozero")
    return figure


def plain_text(value: object, limit: int = _LONGEST) -> str:
    """Text that plotly shows as it is: HTML escaped, control and direction-changing characters out, shortened."""
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in str(value)[: limit + 1])
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return html.escape(text, quote=False).replace("$", "&#36;")


def _positions(result: SamplingResult, positions: NDArray[np.floating[Any]] | None) -> NDArray[np.floating[Any]]:
    if positions is None:
        from lightly_widget.maps import pca

        found = result.embeddings()
        if found is None:
            raise InvalidValueError("positions=None needs one embedding model to take them from; give (n, 2) positions")
        return pca(found)
    check_depth("positions", [positions])
    try:
        array = np.asarray(positions)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidTypeError(f"positions must be an (n, 2) array of numbers, got {shown(positions)}") from error
    if array.shape != (result.n_candidates, 2):
        raise InvalidValueError(f"positions has shape {array.shape}, expected ({result.n_candidates}, 2)")
    if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
        raise InvalidValueError(f"positions must hold finite numbers, got {shown(positions)}")
    return array


def _groups(color_by: Sequence[str | None] | pl.Series | None, n: int) -> Iterable[tuple[str, NDArray[np.int64], str]]:
    """(name, rows, color) per class, the most frequent first; all classes past the eighth are one gray group."""
    if color_by is None:
        return [("candidates", np.arange(n), POOL)]
    classes = _classes(color_by)
    if len(classes) != n:
        raise InvalidValueError(f"color_by has {len(classes):,} entries, expected one for each of {n:,} candidates")
    counted = classes.drop_nulls().value_counts(name="count").sort(["count", "class"], descending=[True, False])
    names = counted["class"].to_list()
    groups = []
    for name, hue in zip(names, _HUES, strict=False):
        groups.append((plain_text(name), (classes == name).fill_null(False).arg_true().cast(pl.Int64).to_numpy(), hue))
    rest = ~classes.is_in(names[: len(_HUES)]).fill_null(False)
    if rest.any():
        groups.append(("others", rest.arg_true().cast(pl.Int64).to_numpy(), POOL))
    return groups


def _classes(color_by: object) -> pl.Series:
    values = color_by
    if not isinstance(values, pl.Series):
        values = check_plain("color_by", check_items("color_by", color_by, what="classes"))
    try:
        return pl.Series("class", values, strict=False).cast(pl.String)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise InvalidTypeError(f"color_by must be a list of classes, got {shown(color_by)}") from error


def _check_result(result: object) -> None:
    from lightly_widget.sampling import SamplingResult

    if not isinstance(result, SamplingResult):
        raise InvalidTypeError(f"result must be a SamplingResult, got {shown(result)}")


def _dots(
    go: Any,
    points: NDArray[np.floating[Any]],
    name: str,
    ids: pl.Series,
    *,
    size: int,
    color: str,
    opacity: float = 1.0,
    edge: str | None = None,
) -> Any:
    marker: dict[str, Any] = {"size": size, "color": color, "opacity": opacity}
    if edge is not None:
        marker["line"] = {"width": 1.5, "color": edge}
    return go.Scattergl(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        name=name,
        marker=marker,
        customdata=[[plain_text(sample_id), ""] for sample_id in ids],
        hovertemplate="%{customdata[0]}%{customdata[1]}<extra></extra>",
    )


def _marks(go: Any, x: list[int], values: list[float], name: str, color: str, symbol: str) -> Any:
    marker = {"symbol": symbol, "size": 14, "color": color, "line": {"width": 2.5, "color": color}}
    return go.Scatter(x=x, y=values[:_MOST_CLASSES], name=name, mode="markers", marker=marker)


def _style(figure: Any, title: str) -> None:
    figure.update_layout(
        template="plotly_white",
        title={"text": title, "x": 0.02},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.12},
        margin={"l": 50, "r": 20, "t": 50, "b": 40},
        hoverlabel={"align": "left"},
    )


def _plotly() -> Any:
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise MissingDependencyError(
            f"lightly_widget.plots needs plotly ({shown(str(error))}): pip install 'lightly-widget[plots]'"
        ) from error
    return go
