"""Everything the kernel says, declared once; arrays are numpy. `js/src/generated/` is made from these."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lightly_widget.structs import tag_of
from lightly_widget.wire.parts import ColorBy, Points, SampleSpec

Bits = NDArray[np.uint8]

PART_POINTS: Final = 400_000
"""Points of geometry in one message: 400,000 · 2 · 4 bytes stay below the 4 MB that every host lets through."""


class Reply(Struct, frozen=True, eq=False, tag_field="kind"):
    """What the kernel says; `seq`, `id` and `done` are added when it is sent."""

    @property
    def kind(self) -> str:
        """The discriminator on the wire."""
        return tag_of(self)


class MissingValues(Struct, frozen=True):
    """How many candidates lack a value of a metadata key."""

    key: str
    count: int


class Error(Reply, frozen=True, eq=False, tag="error"):
    error: str
    message: str
    missing: MissingValues | None = None
    """What candidates lack, where that is the reason: they can be left out."""


class Ok(Reply, frozen=True, eq=False, tag="ok"):
    """Done, with nothing to say."""


class Positions(Reply, frozen=True, eq=False, tag="positions"):
    """A part of the map: points from `offset` on; `last` in the last part. `animate`: glide from the old ones."""

    projection: str
    animate: bool
    offset: int
    total: int
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    last: bool


class Mask(Reply, frozen=True, eq=False, tag="mask"):
    """One bit per point, least significant first; None: every point (filter) or none (the others)."""

    mask: Literal["filter", "selection", "preselected"]
    count: int
    bits: Bits | None


class Category(Struct, frozen=True):
    name: str
    count: int


class Colors(Reply, frozen=True, eq=False, tag="colors"):
    """A part of the colors. category: a code per point, 255 = no value; number: NaN = no value; none: no values."""

    color_by: ColorBy
    scale: Literal["category", "number", "none"]
    offset: int
    total: int
    last: bool
    values: NDArray[np.uint8 | np.float32] | None
    categories: list[Category]
    domain: tuple[float, float] | None
    note: str | None


class Picks(Reply, frozen=True, eq=False, tag="picks"):
    """Picks in order, from `offset` on (0 starts over). A is the sample shown, B the one it is compared with."""

    slot: Literal["A", "B"]
    offset: int
    points: NDArray[np.uint32]
    gains: NDArray[np.float32]
    fraction: float


class Sampled(Reply, frozen=True, eq=False, tag="sampled"):
    """What a sample came to. It holds the points in `before` (preselected, pinned), then its `n` new picks."""

    n: int
    before: NDArray[np.uint32]
    requested: int
    n_candidates: int
    stop_reason: str
    message: str
    seconds: float
    warnings: tuple[str, ...]
    cancelled: bool
    can_undo: bool
    can_redo: bool
    spec: SampleSpec | None


class Ready(Reply, frozen=True, eq=False, tag="ready"):
    """The last answer to `hello`: ids of the requests still being worked on."""

    running: list[int]


class Sync(Reply, frozen=True, eq=False, tag="sync"):
    """Says nothing but its own number, so that the loss of the last message is noticed."""


class Hovered(Reply, frozen=True, eq=False, tag="hovered"):
    point: int | None


class SelectedIds(Reply, frozen=True, eq=False, tag="selected_ids"):
    """The first ids of the selection, which holds `count`."""

    ids: list[str]
    count: int


class Saved(Reply, frozen=True, eq=False, tag="saved"):
    tag: str
    count: int


class LabeledBox(Struct, frozen=True):
    """A box in the upright picture; its place and size are shares of the picture's width and height."""

    label: str
    x: float
    y: float
    width: float
    height: float


class Detail(Reply, frozen=True, eq=False, tag="detail"):
    point: int
    sample_id: str
    title: str
    text: str | None
    fields: list[tuple[str, str]]
    tags: list[str]
    labels: list[str]
    thumbnail: bytes | None
    mime: str
    boxes: list[LabeledBox] = []


class Thumbnails(Reply, frozen=True, eq=False, tag="thumbnails"):
    points: Points
    images: list[bytes | None]
    texts: list[str | None]
    titles: list[str]
    mime: str


class Neighbors(Reply, frozen=True, eq=False, tag="neighbors"):
    point: int
    points: NDArray[np.uint32]
    distances: NDArray[np.float32]


class Shares(Struct, frozen=True):
    classes: list[str]
    pool: list[float]
    sample: list[float]
    random: list[float]
    target: list[float] | None


class Histogram(Struct, frozen=True):
    key: str
    edges: list[float]
    pool: list[float]
    sample: list[float]
    random: list[float]


class Coverage(Struct, frozen=True):
    at: list[int]
    sample: list[float]
    random: list[float]
    sentence: str


class Metrics(Reply, frozen=True, eq=False, tag="metrics"):
    """The sample of `n` picks beside all candidates (`pool`) and random ones."""

    n: int
    pool: Shares | None
    histogram: Histogram | None
    coverage: Coverage | None


class Band(Struct, frozen=True):
    """Random samples: their mean, and the middle 95 % of them."""

    mean: list[float]
    low: list[float]
    high: list[float]


class WorthCurve(Struct, frozen=True):
    name: str
    accuracy: list[float]
    balanced: list[float]


class LabelCurves(Struct, frozen=True):
    """Accuracy 0…1 on held-out samples after each count of labels."""

    budgets: list[int]
    curves: list[WorthCurve]
    accuracy: Band
    balanced: Band
    n_labeled: int
    n_held_out: int


class Worth(Reply, frozen=True, eq=False, tag="worth"):
    """What labels buy, or without labels how the coverage grows; `knee` is where it bends."""

    findings: list[str]
    curves: LabelCurves | None
    coverage: Coverage | None
    knee: int | None


class Labeled(Reply, frozen=True, eq=False, tag="labeled"):
    source: str
    class_name: str | None
    count: int
    """How many samples."""
    can_undo: bool


class Code(Reply, frozen=True, eq=False, tag="code"):
    """A filter as Python."""

    code: str


class Recipe(Reply, frozen=True, eq=False, tag="recipe"):
    code: str


class Exported(Reply, frozen=True, eq=False, tag="exported"):
    path: str
    count: int


class Path(Reply, frozen=True, eq=False, tag="path"):
    """What is at a place to write to. `problem`: why nothing can be written there."""

    path: str
    exists: bool
    problem: str | None


class Found(Reply, frozen=True, eq=False, tag="found"):
    points: NDArray[np.uint32]
    scores: NDArray[np.float32]


class PlaceLabel(Struct, frozen=True):
    text: str
    x: float
    y: float
    count: int


class Clusters(Reply, frozen=True, eq=False, tag="clusters"):
    labels: list[PlaceLabel]


class Progress(Reply, frozen=True, eq=False, tag="progress"):
    """How far background work is; an empty text ends the line."""

    task: str
    text: str
    fraction: float | None


REPLIES: Final[dict[str, type[Reply]]] = {tag_of(reply): reply for reply in Reply.__subclasses__()}
