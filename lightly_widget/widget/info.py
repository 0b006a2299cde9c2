"""The trait `info`: what the dataset offers, kept below 64 kB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lightly_widget.messages import PROTOCOL
from lightly_widget.strategies import unusable

if TYPE_CHECKING:
    from lightly_widget.widget.state import State

MAX_BYTES: Final = 60_000
MAX_CLASSES: Final = 1_000
MAX_TAGS: Final = 2_000
MAX_KEYS: Final = 500
MAX_VALUES: Final = 200
MAX_NAME: Final = 255


def describe(state: State, session: str, can_find_text: bool) -> dict[str, Any]:
    """As `Info` in `protocol.ts`. Where it would be too long, the longest lists are cut."""
    rows = state.rows
    offered = rows.view.info()
    info: dict[str, Any] = {
        "protocol": PROTOCOL,
        "session": session,
        "dataset": state.dataset.name,
        "n_samples": len(state),
        "media": state.media,
        "embedding_models": list(offered.embedding_models),
        "projections": ["pca", "umap"] if offered.embedding_models else ["grid"],
        "unusable": unusable(offered),
        "can_find_text": can_find_text,
    }
    limits = {"tags": MAX_TAGS, "classes": MAX_CLASSES, "keys": MAX_KEYS, "values": MAX_VALUES}
    while True:
        info |= _lists(state, limits)
        if len(json.dumps(info)) <= MAX_BYTES or max(limits.values()) <= 1:
            return info
        limits = {name: max(1, limit // 2) for name, limit in limits.items()}


def _lists(state: State, limits: dict[str, int]) -> dict[str, Any]:
    view = state.rows.view
    offered = view.info()
    keys = list(offered.metadata)[: limits["keys"]]
    metadata = [_metadata(key, offered.metadata[key], view.metadata(key), limits["values"]) for key in keys]
    return {
        "tags": [{"name": name, "count": len(view.tag(name))} for name in offered.tag_names[-limits["tags"] :]],
        "sources": [
            {"name": name, "type": kind, "classes": _classes(state, name, limits["classes"])}
            for name, kind in offered.annotation_sources.items()
        ],
        "metadata": metadata,
        "fields": _fields(state, metadata),
    }


def _classes(state: State, source: str, limit: int) -> list[str]:
    """The most frequent classes."""
    counted = state.rows.annotations(source)["class_name"].value_counts(name="count")
    return counted.sort(["count", "class_name"], descending=[True, False])["class_name"].head(limit).to_list()


def _metadata(key: str, kind: str, values: pl.Series, limit: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"key": key, "type": kind}
    if kind == "number":
        finite = values.cast(pl.Float64).drop_nulls().drop_nans()
        finite = finite.filter(finite.is_finite())
        if len(finite):
            entry |= {"min": float(finite.min()), "max": float(finite.max())}  # type: ignore[arg-type]
    elif kind == "string":
        counted = values.alias("value").drop_nulls().value_counts(name="count")
        if counted.height <= limit:
            names = counted.sort(["count", "value"], descending=[True, False])["value"].to_list()
            entry["values"] = [name for name in names if len(name) <= MAX_NAME]
    return entry


def _fields(state: State, metadata: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What a filter row can ask for."""
    snapshot = state.dataset.snapshot()
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
