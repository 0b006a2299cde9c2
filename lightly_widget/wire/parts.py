"""The parts that requests, replies and traits share, declared once: names, points, candidates, colorings, filters."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from lightly_widget.strategies import MAX_LIMITS, AtMost, Budget, Gap

MAX_ID: Final = 2**53
MAX_POINT: Final = 2**32 - 2
MAX_POINTS_BY_HAND: Final = 10_000

Id: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_ID)]
Point: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_POINT)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_POINT)]
Points: TypeAlias = Annotated[tuple[Point, ...], Meta(max_length=MAX_POINTS_BY_HAND)]
"""Points chosen by hand; a lasso goes to the kernel as its polygon."""
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1_000)]
FilePath: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4_096)]
LongText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=10_000)]
StrategyDict: TypeAlias = Annotated[dict[str, Any], Meta(extra_json_schema={"x-shared": "StrategyDict"})]
"""One strategy as `strategy.to_dict()` has it; the strategies check their own options."""

Limits: TypeAlias = Annotated[tuple[AtMost | Gap | Budget, ...], Meta(max_length=MAX_LIMITS)]
"""What a sample must keep to."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """Plain data inside a message."""


# What to sample from -------------------------------------------------------------------------------------------------


class _From(_Part, frozen=True, tag_field="from"):
    pass


class FromAll(_From, frozen=True, tag="all"):
    """All samples of the explorer."""


class FromFilter(_From, frozen=True, tag="filter"):
    """Those that match the filter."""


class FromSelection(_From, frozen=True, tag="selection"):
    """Those inside the selection, which the kernel holds."""


class FromTag(_From, frozen=True, tag="tag"):
    """Those of a tag."""

    tag: Name


Candidates: TypeAlias = FromAll | FromFilter | FromSelection | FromTag

# What the points are colored by --------------------------------------------------------------------------------------


class _By(_Part, frozen=True, tag_field="by"):
    pass


class ByNone(_By, frozen=True, tag="none"):
    """One color for all."""


class ByTypicality(_By, frozen=True, tag="typicality"):
    """How close a sample's nearest neighbors are."""


class ByRank(_By, frozen=True, tag="rank"):
    """The order of the picks."""


class ByLabel(_By, frozen=True, tag="label"):
    """The classes of an annotation source."""

    key: Name


class ByTag(_By, frozen=True, tag="tag"):
    """Whether a sample has a tag."""

    key: Name


class ByMetadata(_By, frozen=True, tag="metadata"):
    """The values of a metadata key."""

    key: Name


ColorBy: TypeAlias = ByNone | ByTypicality | ByRank | ByLabel | ByTag | ByMetadata

# Filters, as `expression.to_dict()` has them -------------------------------------------------------------------------

Scalar: TypeAlias = str | int | float | bool


class _Op(_Part, frozen=True, tag_field="op"):
    pass


class And(_Op, frozen=True, tag="and"):
    items: tuple[Filter, ...]


class Or(_Op, frozen=True, tag="or"):
    items: tuple[Filter, ...]


class Not(_Op, frozen=True, tag="not"):
    item: Filter


class Comparison(_Op, frozen=True, tag="compare"):
    field: str
    cmp: Literal["==", "!=", "<", "<=", ">", ">="]
    value: Scalar


class IsIn(_Op, frozen=True, tag="is_in"):
    field: str
    values: tuple[Scalar, ...]


class Contains(_Op, frozen=True, tag="contains"):
    field: str
    value: str


class StartsWith(_Op, frozen=True, tag="starts_with"):
    field: str
    value: str


class IsNull(_Op, frozen=True, tag="is_null"):
    field: str


class HasTag(_Op, frozen=True, tag="has_tag"):
    tag: str


class HasClass(_Op, frozen=True, tag="has_class"):
    class_: str = msgspec.field(name="class")
    source: str | None


class HasAnnotation(_Op, frozen=True, tag="annotated"):
    """One annotation of the type (None: of any) meets all criteria at once."""

    type: str | None
    criteria: Filter | None


Filter: TypeAlias = (
    And | Or | Not | Comparison | IsIn | Contains | StartsWith | IsNull | HasTag | HasClass | HasAnnotation
)

# What a sample was made from -----------------------------------------------------------------------------------------


class SampleSpec(_Part, frozen=True):
    """All that decides the picks of a sample but their number."""

    strategies: tuple[StrategyDict, ...]
    candidates: Candidates
    preselected_tag_name: Name | None
    pinned: Points
    """Points pinned by hand: part of the sample."""
    excluded: Points
    """Points removed by hand: no candidates in this run."""
    limits: Limits = ()


def to_plain(part: Struct | None) -> Any:
    """A part as the dict that traits hold."""
    return msgspec.to_builtins(part)
