"""The trait `info`: what the dataset offers, kept below 64 kB."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lightly_widget.maps import projection_names
from lightly_widget.query.summaries import by_frequency, number_range
from lightly_widget.strategies import unusable
from lightly_widget.widget.find import no_image_search, text_embedders
from lightly_widget.widget.projector import projection_notes
from lightly_widget.wire import PROTOCOL

if TYPE_CHECKING:
    from lightly_widget.widget.points import Points
    from lightly_widget.widget.session import Session

MAX_BYTES: Final = 60_000
MAX_CLASSES: Final = 1_000
MAX_TAGS: Final = 2_000
MAX_KEYS: Final = 500
MAX_VALUES: Final = 200
MAX_NAME: Final = 255


def describe(session: Session) -> dict[str, Any]:
    """As `Info` in `protocol.ts`. Where it would be too long, the longest lists are cut."""
    points = session.points
    offered = points.candidates.info()
    info: dict[str, Any] = {
        "protocol": PROTOCOL,
        "session": session.id,
        "dataset": session.dataset.name,
        "n_samples": len(session),
        "media": session.media,
        "embedding_models": list(offered.embedding_models),
        "projections": projection_names(offered.embedding_models),
        "projection_notes": projection_notes(session),
        "unusable": unusable(offered),
        "can_find_text": bool(text_embedders(session)),
        "no_find_image": no_image_search(session),
    }
    limits = {"tags": MAX_TAGS, "classes": MAX_CLASSES, "keys": MAX_KEYS, "values": MAX_VALUES}
    while True:
        info |= _lists(session, limits)
        if len(json.dumps(info)) <= MAX_BYTES or max(limits.values()) <= 1:
            return info
        limits = {name: max(1, limit // 2) for name, limit in limits.items()}


def _lists(session: Session, limits: dict[str, int]) -> dict[str, Any]:
    points = session.points
    offered = points.candidates.info()
    metadata = []
    for key, kind in list(offered.metadata.items())[: limits["keys"]]:
        make = functools.partial(_metadata, points, key, kind)
        entry = points.keep(("info", key), points.metadata_source(key), make)
        metadata.append(entry | {"values": entry["values"][: limits["values"]]} if "values" in entry else entry)
    sources = [
        {"name": name, "type": kind, "classes": points.classes(name)[: limits["classes"]]}
        for name, kind in offered.annotation_sources.items()
    ]
    tags = [{"name": name, "count": count} for name, count in points.tag_counts()[-limits["tags"] :]]
    return {"tags": tags, "sources": sources, "metadata": metadata, "fields": _fields(session, metadata)}


def _metadata(points: Points, key: str, kind: str) -> dict[str, Any]:
    """The range of numbers, the values of text where these are few."""
    values = points.metadata(key)
    entry: dict[str, Any] = {"key": key, "type": kind}
    if kind == "number":
        if (found := number_range(values)) is not None:
            entry |= {"min": found[0], "max": found[1]}
    elif kind == "string":
        names = by_frequency(values)["name"]
        if len(names) <= MAX_VALUES:
            entry["values"] = [name for name in names if len(name) <= MAX_NAME]
    return entry


def _fields(session: Session, metadata: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a filter row can ask for."""
    snapshot = session.dataset.snapshot()
    fields = []
    for name, dtype in snapshot.samples.schema.items():
        kind = "number" if dtype.is_numeric() else "datetime" if dtype.is_temporal() else _named(dtype)
        if kind is not None:
            fields.append({"name": name, "type": kind})
    known = {"number", "string", "boolean"}
    fields += [{"name": f"metadata.{e['key']}", "type": e["type"]} for e in metadata if e["type"] in known]
    return fields


def _named(dtype: pl.DataType) -> str | None:
    return {pl.String: "string", pl.Boolean: "boolean"}.get(type(dtype))
