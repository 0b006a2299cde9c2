"""Every request of the browser, declared once: `parse_request` checks by it, and `js/src/generated/` is made of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError, listed, shown
from lightly_widget.strategies import MAX_STRATEGIES, parse_strategies
from lightly_widget.structs import check_fits, tag_of
from lightly_widget.wire.parts import (
    Candidates,
    ColorBy,
    Count,
    FilePath,
    Filter,
    Id,
    Limits,
    LongText,
    Name,
    Point,
    Points,
    StrategyDict,
    to_plain,
)


class Picture(bytes):
    """An encoded picture (PNG, JPEG, WebP), unread, of at most 1 MiB."""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False, tag_field="kind"):
    """What the browser asks for. `id` is its number, unique to the model; every answer carries it."""

    id: Id

    @property
    def kind(self) -> str:
        """The discriminator on the wire."""
        return tag_of(self)


class Hello(Request, frozen=True, kw_only=True, tag="hello"):
    """Asks for the whole present state: `positions`, `mask`s, `picks`, `sampled`, and at last `ready`.

    Also the way back after a loss: what was asked before it, and is quick and unanswered when `ready` comes, was lost.
    """

    protocol: int
    lost: bool = False
    """Messages were lost on the way, so the traits are wanted again as well."""


class GetColors(Request, frozen=True, kw_only=True, tag="colors"):
    """One color value per point."""

    color_by: ColorBy


class Sample(Request, frozen=True, kw_only=True, tag="sample"):
    """Starts a sample; its picks stream as `picks`, and `sampled` ends it."""

    n_samples_to_select: Count
    strategies: Annotated[tuple[StrategyDict, ...], Meta(max_length=MAX_STRATEGIES)]
    candidates: Candidates
    preselected_tag_name: Name | None
    pinned: Points
    excluded: Points
    limits: Limits = ()

    def __post_init__(self) -> None:
        _check_unique("pinned", self.pinned)
        _check_unique("excluded", self.excluded)
        complete = tuple(strategy.to_dict() for strategy in parse_strategies(self.strategies, "strategies"))
        check_fits("strategies", complete)  # so that undo can show them in the trait
        msgspec.structs.force_setattr(self, "strategies", complete)


class Cancel(Request, frozen=True, kw_only=True, tag="cancel"):
    """Stops the work of another request."""

    target: Id


class SaveTag(Request, frozen=True, kw_only=True, tag="save_tag"):
    """Saves the picks as a new tag, or adds them to one."""

    name: LongText
    n_samples_to_select: Count
    grow: bool
    replace: bool = False
    """A tag of that name is replaced."""

    def __post_init__(self) -> None:
        if self.grow and self.replace:
            raise InvalidValueError("grow=True and replace=True exclude each other; give one of them")


class Select(Request, frozen=True, kw_only=True, tag="select"):
    """Selects what is inside a polygon (non-zero winding), nothing, or what was not selected."""

    op: Literal["replace", "add", "remove", "clear", "invert"]
    polygon: NDArray[np.float32] | None = None
    """(corners, 2) in data coordinates; None only for `clear` and `invert`."""

    def __post_init__(self) -> None:
        if (self.op in {"clear", "invert"}) != (self.polygon is None):
            raise InvalidValueError(f"op={self.op!r} {'needs a' if self.polygon is None else 'takes no'} polygon")


class SelectPoints(Request, frozen=True, kw_only=True, tag="select_points"):
    """Selects a handful of points, chosen by click or from the gallery."""

    op: Literal["replace", "add", "remove"]
    points: Points

    def __post_init__(self) -> None:
        _check_unique("points", self.points)


class TagSelection(Request, frozen=True, kw_only=True, tag="tag_selection"):
    """Adds a tag to the selected samples; answered by `saved`."""

    name: LongText


class GetSelectedIds(Request, frozen=True, kw_only=True, tag="selected_ids"):
    """The ids of the selected samples, at most 100,000 of them."""


class GetDetail(Request, frozen=True, kw_only=True, tag="detail"):
    """All about one sample."""

    point: Point


class GetThumbnails(Request, frozen=True, kw_only=True, tag="thumbnails"):
    """Small pictures of some samples."""

    points: Points
    size: Annotated[int, Meta(ge=16, le=512)]

    def __post_init__(self) -> None:
        _check_unique("points", self.points)
        if len(self.points) * self.size**2 > 2**24:
            raise InvalidValueError(
                f"{len(self.points):,} thumbnails of {self.size} pixels do not fit into a message; ask for fewer"
            )


class GetNeighbors(Request, frozen=True, kw_only=True, tag="neighbors"):
    """The samples nearest to one."""

    point: Point
    k: Annotated[int, Meta(ge=1, le=1_000)]
    model: Name | None


class SetFilter(Request, frozen=True, kw_only=True, tag="filter"):
    """Filters the points; an error leaves the filter as it was."""

    filter: Filter | None

    def __post_init__(self) -> None:
        check_fits("filter", to_plain(self.filter))


class GetCode(Request, frozen=True, kw_only=True, tag="code"):
    """The filter as the Python that a cell would hold."""

    filter: Filter | None

    def __post_init__(self) -> None:
        check_fits("filter", to_plain(self.filter))


class GetMetrics(Request, frozen=True, kw_only=True, tag="metrics"):
    """The sample beside all candidates and random ones."""

    n_samples_to_select: Count
    source: Name | None
    metadata: Name | None


class GetWorth(Request, frozen=True, kw_only=True, tag="worth"):
    """What the labels of the sample (and of B) are worth: a probe's learning curve; without labels, the coverage."""

    n_samples_to_select: Count
    labels: Name | None
    """A source of classifications, or a metadata key that holds classes."""


class Label(Request, frozen=True, kw_only=True, tag="label"):
    """Gives samples a class, or takes theirs away."""

    source: Name
    class_name: Name | None
    points: Points | None
    """None: those that are selected."""

    def __post_init__(self) -> None:
        if self.points is not None:
            _check_unique("points", self.points)


class UndoLabel(Request, frozen=True, kw_only=True, tag="undo_label"):
    """Takes back the last labels given here."""


class GetRecipe(Request, frozen=True, kw_only=True, tag="recipe"):
    """The sample as Python that makes it again."""

    n_samples_to_select: Count
    tag: Name


class Export(Request, frozen=True, kw_only=True, tag="export"):
    """Writes the picks to a file."""

    format: Literal["txt", "csv", "parquet"]
    n_samples_to_select: Count
    path: FilePath
    overwrite: bool


class Undo(Request, frozen=True, kw_only=True, tag="undo"):
    """Shows the sample before."""


class Redo(Request, frozen=True, kw_only=True, tag="redo"):
    """Shows the sample after."""


class Compare(Request, frozen=True, kw_only=True, tag="compare"):
    """Keeps the picks as B, drops B, or swaps the two."""

    op: Literal["keep", "clear", "swap"]


class CheckPath(Request, frozen=True, kw_only=True, tag="check_path"):
    """Whether `export` would meet a file: answered by `path`."""

    path: FilePath


class Find(Request, frozen=True, kw_only=True, tag="find"):
    """Looks for samples like some text, a point or a picture: exactly one of them."""

    k: Annotated[int, Meta(ge=1, le=10_000)]
    text: LongText | None = None
    point: Point | None = None
    image: Picture | None = None
    sign: Literal[1, -1] = 1

    def __post_init__(self) -> None:
        given = [name for name in ("text", "point", "image") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidValueError(f"find needs exactly one of text, point and image, got {listed(given)}")


class SetProjection(Request, frozen=True, kw_only=True, tag="projection"):
    """Shows another projection: answered when its positions have come, or by why they will not."""

    name: Name


class GetClusters(Request, frozen=True, kw_only=True, tag="clusters"):
    """Names for the places of the map."""

    color_by: ColorBy


def _check_unique(name: str, points: Points) -> None:
    if len(set(points)) < len(points):
        raise InvalidValueError(f"{name} must not contain a point twice, got {shown(list(points))}")


REQUESTS: Final[dict[str, type[Request]]] = {tag_of(request): request for request in Request.__subclasses__()}
