"""A query as Python code that makes it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_GROUPS: Final = {"classification": "Classification", "object_detection": "ObjectDetection"}


def query_code(dataset_class: str, name: str, folder: str, query: Mapping[str, Any]) -> str:
    """Lines that define `dataset` and `query`. `query` is `Query.to_dict()`."""
    fields = "lw.ImageSampleField" if dataset_class == "ImageDataset" else "lw.SampleField"
    chain = "".join(_step(step, fields) for step in query["steps"])
    lines = [f"dataset = lw.{dataset_class}.load({name!r}, {folder!r})", f"query = dataset.query(){chain}"]
    if "datetime." in chain:
        lines.insert(0, "import datetime")
    return "\n".join(["import lightly_widget as lw", *lines])


def _step(step: Mapping[str, Any], fields: str) -> str:
    match step["step"]:
        case "match":
            return f".match({filter_code(step['filter'], fields)})"
        case "order_by":
            keys = [_field(k["field"], fields) + (".desc()" if k["descending"] else "") for k in step["keys"]]
            return f".order_by({', '.join(keys)}{', descending=True' if step['descending'] else ''})"
        case "slice":
            bounds = [step["start"], step["stop"], *([step["by"]] if step["by"] is not None else [])]
            return f"[{':'.join('' if b is None else str(b) for b in bounds)}]"
        case "select":
            return f"\nquery = dataset.select({step['sample_ids']!r})"
    return (
        f"\nquery = lw.Query.from_dict(dataset, {{**query.to_dict(), 'steps': [*query.to_dict()['steps'], {step!r}]}})"
    )


def filter_code(data: Mapping[str, Any], fields: str) -> str:
    """A filter as an expression in Python; `fields` is the group of fields that its names belong to."""
    match data["op"]:
        case "and" | "or":
            items = [filter_code(item, fields) for item in data["items"]]
            return f"lw.{data['op'].upper()}({', '.join(items)})"
        case "not":
            return f"~({filter_code(data['item'], fields)})"
        case "compare":
            return f"({_field(data['field'], fields)} {data['cmp']} {data['value']!r})"
        case "is_in":
            return f"{_field(data['field'], fields)}.is_in({data['values']!r})"
        case "contains" | "starts_with":
            return f"{_field(data['field'], fields)}.{data['op']}({data['value']!r})"
        case "is_null":
            return f"{_field(data['field'], fields)}.is_null()"
        case "has_tag":
            return f"{fields}.tags.contains({data['tag']!r})"
    group = _GROUPS.get(data["type"])
    if group is None:
        return f"lw.expressions.from_dict({dict(data)!r})"
    criteria = "" if data["criteria"] is None else filter_code(data["criteria"], f"lw.{group}Field")
    return f"lw.{group}Query.match({criteria})"


def _field(name: str, fields: str) -> str:
    return (
        f"{fields}.metadata[{name.removeprefix('metadata.')!r}]" if name.startswith("metadata.") else f"{fields}.{name}"
    )
