"""By what the regions of an explorer's map are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from lightly_widget.errors import Progress
from lightly_widget.maps import Region, regions_by_class, regions_by_words
from lightly_widget.wire.replies import Clusters, PlaceLabel

if TYPE_CHECKING:
    from lightly_widget.widget.points import Points
    from lightly_widget.widget.session import Geometry


def regions_of(
    points: Points, media: str, geometry: Geometry, color_by: dict[str, str], progress: Progress
) -> list[Region]:
    """By the colors where these are categories, else by the first annotation source, else by the words of texts."""
    classes: pl.Series | None = None
    if color_by["by"] == "label":
        classes = points.main_classes(color_by["key"])
    elif color_by["by"] == "metadata" and points.metadata(color_by["key"]).dtype == pl.String:
        classes = points.metadata(color_by["key"])
    elif media == "text":
        return regions_by_words(geometry.x, geometry.y, points.texts(), progress)
    elif sources := list(points.candidates.info().annotation_sources):
        classes = points.main_classes(sources[0])
    return [] if classes is None else regions_by_class(geometry.x, geometry.y, classes)


def clusters_of(regions: Sequence[Region]) -> Clusters:
    """The regions as they go to the browser."""
    return Clusters([PlaceLabel(region.text, region.x, region.y, region.count) for region in regions])
