"""Every request of the browser, as a typed dataclass. Mirror of `Request` in `js/src/protocol.ts`."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lightly_widget.wire.codec import Plain

MAX_ID: Final = 2**53
MAX_TEXT: Final = 10_000
MAX_ROW: Final = 2**32 - 2

Rows: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Text:
    """Limits of a text field: 1 … `most` characters."""

    most: int = MAX_TEXT


@dataclass(frozen=True)
class Whole:
    """Limits of an integer, both inclusive."""

    least: int = 0
    most: int = MAX_ID


Row: TypeAlias = typing.Annotated[int, Whole(0, MAX_ROW)]
Count: TypeAlias = typing.Annotated[int, Whole(0, MAX_ROW)]
Name: TypeAlias = typing.Annotated[str, Text(1_000)]


@dataclass(frozen=True)
class Request:
    """What the browser asks for. `id` is its number, unique to the model; every answer carries it."""

    kind: ClassVar[str]
    id: typing.Annotated[int, Whole()]


@dataclass(frozen=True)
class Hello(Request):
    kind: ClassVar[str] = "hello"
    protocol: int
    lost: bool = False
    """Messages were lost on the way, so changes of traits may have been."""


@dataclass(frozen=True)
class GetColors(Request):
    kind: ClassVar[str] = "colors"
    color_by: Plain


@dataclass(frozen=True)
class Sample(Request):
    kind: ClassVar[str] = "sample"
    n: Count
    strategies: tuple[Plain, ...]
    candidates: Plain
    preselected_tag_name: Name | None
    pinned: Rows
    excluded: Rows


@dataclass(frozen=True)
class Cancel(Request):
    kind: ClassVar[str] = "cancel"
    target: typing.Annotated[int, Whole()]


@dataclass(frozen=True)
class SaveTag(Request):
    kind: ClassVar[str] = "save_tag"
    name: typing.Annotated[str, Text(MAX_TEXT)]
    n: Count
    grow: bool


@dataclass(frozen=True, eq=False)
class Select(Request):
    kind: ClassVar[str] = "select"
    op: Literal["replace", "add", "remove", "clear"]
    polygon: NDArray[np.float32] | None = None
    """(corners, 2) in data coordinates; None only for `clear`."""


@dataclass(frozen=True)
class SelectRows(Request):
    kind: ClassVar[str] = "select_rows"
    op: Literal["replace", "add", "remove"]
    rows: Rows


@dataclass(frozen=True)
class GetDetail(Request):
    kind: ClassVar[str] = "detail"
    row: Row


@dataclass(frozen=True)
class GetThumbnails(Request):
    kind: ClassVar[str] = "thumbnails"
    rows: Rows
    size: typing.Annotated[int, Whole(16, 512)]


@dataclass(frozen=True)
class GetNeighbors(Request):
    kind: ClassVar[str] = "neighbors"
    row: Row
    k: typing.Annotated[int, Whole(1, 1_000)]
    model: Name | None


@dataclass(frozen=True)
class SetFilter(Request):
    kind: ClassVar[str] = "filter"
    filter: Plain | None


@dataclass(frozen=True)
class GetSummary(Request):
    kind: ClassVar[str] = "summary"
    n: Count
    source: Name | None
    metadata: Name | None


@dataclass(frozen=True)
class GetRecipe(Request):
    kind: ClassVar[str] = "recipe"
    n: Count
    tag: Name


@dataclass(frozen=True)
class Export(Request):
    kind: ClassVar[str] = "export"
    format: Literal["txt", "csv", "parquet"]
    n: Count
    path: typing.Annotated[str, Text(4_096)]
    overwrite: bool


@dataclass(frozen=True)
class Undo(Request):
    kind: ClassVar[str] = "undo"


@dataclass(frozen=True)
class Redo(Request):
    kind: ClassVar[str] = "redo"


@dataclass(frozen=True)
class Compare(Request):
    kind: ClassVar[str] = "compare"
    op: Literal["keep", "clear", "swap"]


@dataclass(frozen=True)
class CheckPath(Request):
    kind: ClassVar[str] = "check_path"
    path: typing.Annotated[str, Text(4_096)]


@dataclass(frozen=True)
class Find(Request):
    """Exactly one of text, row and image says what is looked for."""

    kind: ClassVar[str] = "find"
    k: typing.Annotated[int, Whole(1, 10_000)]
    text: typing.Annotated[str, Text(MAX_TEXT)] | None = None
    row: Row | None = None
    image: bytes | None = None
    """An encoded picture, unread, of at most 1 MB."""
    sign: Literal[1, -1] = 1


@dataclass(frozen=True)
class SetProjection(Request):
    kind: ClassVar[str] = "projection"
    name: Name


@dataclass(frozen=True)
class GetClusters(Request):
    kind: ClassVar[str] = "clusters"
    color_by: Plain


REQUESTS: Final[dict[str, type[Request]]] = {request.kind: request for request in Request.__subclasses__()}
