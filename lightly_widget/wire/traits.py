"""The synced traits and `info`, declared once: `js/src/generated/` is made of it, and a test checks the explorer."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from lightly_widget.wire.parts import Candidates, ColorBy, Count, Filter, Limits, StrategyDict


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of `info`."""


class TagCount(_Part, frozen=True):
    """A tag, and how many of the explorer's samples have it."""

    name: str
    count: int


class LabelSource(_Part, frozen=True):
    """An annotation source with its classes, at most 1,000 of them."""

    name: str
    type: Literal["classification", "object_detection"]
    classes: list[str]


class MetadataKey(_Part, frozen=True):
    """A metadata key: the range of its numbers, its values where these are few strings."""

    key: str
    type: Literal["number", "string", "boolean", "other"]
    min: float | UnsetType = UNSET
    max: float | UnsetType = UNSET
    values: list[str] | UnsetType = UNSET


class Field(_Part, frozen=True):
    """A field that a filter can ask about."""

    name: str
    type: Literal["number", "string", "boolean", "datetime"]


class PageContent(_Part, frozen=True):
    """What a page without a kernel holds: its colorings, and whether their clusters have names."""

    colorings: list[ColorBy]
    clusters: bool


class Info(_Part, frozen=True):
    """What the dataset offers. Only the kernel sets it."""

    protocol: int
    session: Annotated[
        str,
        Meta(description="New for every explorer: a saved view whose kernel is gone keeps the old one."),
    ]
    dataset: str
    n_samples: int
    media: Annotated[Literal["image", "text", "none"], Meta(description="What a sample is shown as.")]
    embedding_models: list[str]
    projections: Annotated[
        list[str],
        Meta(description='What can be shown: "pca", "umap", "umap of <model>" …; "grid" without embeddings.'),
    ]
    projection_notes: Annotated[
        dict[str, str], Meta(description="By name: how long one that is not there yet will take.")
    ]
    tags: list[TagCount]
    sources: list[LabelSource]
    metadata: list[MetadataKey]
    fields: list[Field]
    unusable: Annotated[
        dict[str, str], Meta(description="Why a strategy type cannot be used now, by type; absent means usable.")
    ]
    can_find_text: bool
    no_find_image: Annotated[str | None, Meta(description="Why no image can be searched for; null: one can.")]
    page: PageContent | UnsetType = UNSET


Viewport: TypeAlias = Annotated[
    tuple[float, float, float, float] | None,
    Meta(description="The visible data box [x0, y0, x1, y1], or null for all."),
]


class Traits(Struct, frozen=True, forbid_unknown_fields=True):
    """The synced traits. None exceeds 64 kB."""

    n_samples_to_select: Count
    strategies: list[StrategyDict]
    limits: Limits
    candidates: Candidates
    preselected_tag_name: str | None
    filter: Filter | None
    color_by: ColorBy
    hovered: Annotated[str | None, Meta(description="The sample id under the pointer, or null.")]
    viewport: Viewport
    height: Annotated[int, Meta(description="CSS pixels.")]
    info: Info
