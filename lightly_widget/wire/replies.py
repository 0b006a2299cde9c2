"""Everything the kernel says, as dataclasses whose arrays are numpy. Mirror of `Message` in `js/src/protocol.ts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lightly_widget.wire.codec import Bits, Plain
from lightly_widget.wire.requests import Rows

PART_ROWS: Final = 400_000
"""Rows of geometry in one message: 400,000 · 2 · 4 bytes stay below the 4 MB that every host lets through."""


@dataclass(frozen=True, eq=False)
class Reply:
    """What the kernel says. Fields as in `protocol.ts`; arrays are numpy."""

    kind: ClassVar[str]


@dataclass(frozen=True, eq=False)
class Error(Reply):
    kind: ClassVar[str] = "error"
    error: str
    message: str


@dataclass(frozen=True, eq=False)
class Ok(Reply):
    kind: ClassVar[str] = "ok"


@dataclass(frozen=True, eq=False)
class Points(Reply):
    kind: ClassVar[str] = "points"
    projection: str
    animate: bool
    offset: int
    total: int
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    last: bool


@dataclass(frozen=True, eq=False)
class Mask(Reply):
    kind: ClassVar[str] = "mask"
    mask: Literal["filter", "selection", "preselected"]
    count: int
    bits: Bits | None


@dataclass(frozen=True, eq=False)
class Colors(Reply):
    kind: ClassVar[str] = "colors"
    color_by: Plain
    scale: Literal["category", "number", "none"]
    offset: int
    total: int
    last: bool
    values: NDArray[np.uint8] | NDArray[np.float32] | None
    categories: list[Plain]
    domain: tuple[float, float] | None
    note: str | None


@dataclass(frozen=True, eq=False)
class Picks(Reply):
    kind: ClassVar[str] = "picks"
    slot: Literal["A", "B"]
    offset: int
    rows: NDArray[np.uint32]
    gains: NDArray[np.float32]
    fraction: float


@dataclass(frozen=True)
class SampleSpec:
    """What a sample was made from."""

    strategies: tuple[Plain, ...]
    candidates: Plain
    preselected_tag_name: str | None
    pinned: Rows = ()
    excluded: Rows = ()


@dataclass(frozen=True, eq=False)
class Sampled(Reply):
    kind: ClassVar[str] = "sampled"
    n: int
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


@dataclass(frozen=True, eq=False)
class State(Reply):
    kind: ClassVar[str] = "state"
    running: list[int]


@dataclass(frozen=True, eq=False)
class Sync(Reply):
    """Says nothing but its own number, so that the loss of the last message is noticed."""

    kind: ClassVar[str] = "sync"


@dataclass(frozen=True, eq=False)
class Hovered(Reply):
    kind: ClassVar[str] = "hovered"
    row: int | None


@dataclass(frozen=True, eq=False)
class Saved(Reply):
    kind: ClassVar[str] = "saved"
    tag: str
    count: int


@dataclass(frozen=True, eq=False)
class Detail(Reply):
    kind: ClassVar[str] = "detail"
    row: int
    sample_id: str
    title: str
    text: str | None
    fields: list[tuple[str, str]]
    tags: list[str]
    labels: list[str]
    thumbnail: bytes | None
    mime: str


@dataclass(frozen=True, eq=False)
class Thumbnails(Reply):
    kind: ClassVar[str] = "thumbnails"
    rows: Rows
    images: list[bytes | None]
    texts: list[str | None]
    titles: list[str]
    mime: str


@dataclass(frozen=True, eq=False)
class Neighbors(Reply):
    kind: ClassVar[str] = "neighbors"
    row: int
    rows: NDArray[np.uint32]
    distances: NDArray[np.float32]


@dataclass(frozen=True)
class Shares:
    classes: list[str]
    pool: list[float]
    sample: list[float]
    random: list[float]
    target: list[float] | None


@dataclass(frozen=True)
class Histogram:
    key: str
    edges: list[float]
    pool: list[float]
    sample: list[float]
    random: list[float]


@dataclass(frozen=True)
class Coverage:
    at: list[int]
    sample: list[float]
    random: list[float]
    sentence: str


@dataclass(frozen=True, eq=False)
class Summary(Reply):
    kind: ClassVar[str] = "summary"
    n: int
    pool: Shares | None
    histogram: Histogram | None
    coverage: Coverage | None


@dataclass(frozen=True, eq=False)
class Recipe(Reply):
    kind: ClassVar[str] = "recipe"
    code: str


@dataclass(frozen=True, eq=False)
class Exported(Reply):
    kind: ClassVar[str] = "exported"
    path: str
    count: int


@dataclass(frozen=True, eq=False)
class Path(Reply):
    """What is at a place to write to. `problem`: why nothing can be written there."""

    kind: ClassVar[str] = "path"
    path: str
    exists: bool
    problem: str | None


@dataclass(frozen=True, eq=False)
class Found(Reply):
    kind: ClassVar[str] = "found"
    rows: NDArray[np.uint32]
    scores: NDArray[np.float32]


@dataclass(frozen=True)
class Label:
    text: str
    x: float
    y: float
    count: int


@dataclass(frozen=True, eq=False)
class Clusters(Reply):
    kind: ClassVar[str] = "clusters"
    labels: list[Label]


@dataclass(frozen=True, eq=False)
class Progress(Reply):
    kind: ClassVar[str] = "progress"
    task: str
    text: str
    fraction: float | None


REPLIES: Final[dict[str, type[Reply]]] = {reply.kind: reply for reply in Reply.__subclasses__()}
