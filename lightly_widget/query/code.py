"""A query, and the filter of the panel, as Python that makes them again: one function per kind of expression."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import singledispatch
from typing import Any, Final

from lightly_widget.query.algebra import Combined, Expression, Not
from lightly_widget.query.expressions import Annotated, Compare, HasTag, IsIn, IsNull, TextMatch

_FIELDS: Final = defaultdict(lambda: "lw.SampleField", ImageDataset="lw.ImageSampleField")
_GROUPS: Final = {"classification": "Classification", "object_detection": "ObjectDetection"}


def query_code(dataset_class: str, name: str, folder: str, query: Mapping[str, Any]) -> str:
    """Lines that define `dataset` and `query`. `query` is `Query.to_dict()`."""
    fields = _FIELDS[dataset_class]
    chain = "".join(_step(step, fields) for step in query["steps"])
    lines = [f"dataset = lw.{dataset_class}.load({name!r}, {folder!r})", f"query = dataset.query(){chain}"]
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
    return expression_code(Expression.from_dict(data), fields)


def match_code(dataset_class: str, data: Mapping[str, Any] | None) -> str:
    """The query that a filter is, as a cell would hold it; several conditions stand one a line."""
    if data is None:
        return "dataset.query()"
    expression = Expression.from_dict(data)
    codes = [expression_code(item, _FIELDS[dataset_class]) for item in _conjunction(expression)]
    if len(codes) == 1:
        return f"dataset.match({codes[0]})"
    return "dataset.match(\n" + "".join(f"    {code},\n" for code in codes) + ")"


@singledispatch
def expression_code(node: Expression, fields: str) -> str:
    """The Python that makes an expression again."""
    return f"lw.expressions.from_dict({node.to_dict()!r})"


@expression_code.register
def _(node: Combined, fields: str) -> str:
    return f"lw.{node.op.upper()}({', '.join(expression_code(item, fields) for item in node.items)})"


@expression_code.register
def _(node: Not, fields: str) -> str:
    return f"lw.NOT({expression_code(node.item, fields)})"


@expression_code.register
def _(node: Compare, fields: str) -> str:
    return f"{_field(node.name, fields)} {node.cmp} {literal(node.value)}"


@expression_code.register
def _(node: IsIn, fields: str) -> str:
    return f"{_field(node.name, fields)}.is_in([{', '.join(map(literal, node.values))}])"


@expression_code.register
def _(node: TextMatch, fields: str) -> str:
    return f"{_field(node.name, fields)}.{node.op}({literal(node.value)})"


@expression_code.register
def _(node: IsNull, fields: str) -> str:
    return f"{_field(node.name, fields)}.is_null()"


@expression_code.register
def _(node: HasTag, fields: str) -> str:
    return f"{fields}.tags.contains({literal(node.tag)})"


@expression_code.register
def _(node: Annotated, fields: str) -> str:
    criteria = _conjunction(node.criteria)
    group = _GROUPS.get(node.annotation_type or "")
    if group is not None:
        codes = [expression_code(item, f"lw.{group}Field") for item in criteria]
        return f"lw.{group}Query.match({', '.join(codes)})"
    named = {item.name: item.value for item in criteria if isinstance(item, Compare) and item.cmp == "=="}
    if len(named) == len(criteria) and list(named) in (["class_name"], ["class_name", "annotation_source"]):
        return f"lw.expressions.has_class({', '.join(map(literal, named.values()))})"
    return f"lw.expressions.from_dict({node.to_dict()!r})"


def _conjunction(criteria: Expression | None) -> tuple[Expression, ...]:
    """The conditions that hold together, of which `match` takes several."""
    if isinstance(criteria, Combined) and criteria.op == "and" and criteria.items:
        return criteria.items
    return () if criteria is None else (criteria,)


def literal(value: object) -> str:
    """A Python literal that is safe to paste: `repr` escapes whatever is invisible or turns the line around."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value.isoformat() if isinstance(value, date) else value)


def _field(name: str, fields: str) -> str:
    if name.startswith("metadata."):
        return f"{fields}.metadata[{literal(name.removeprefix('metadata.'))}]"
    return f"{fields}.{name}"
