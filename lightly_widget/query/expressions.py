"""The conditions that a filter is made of: one small class each, which becomes a polars expression or plain data."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from lightly_widget.checks import check_string
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.query.algebra import AND, OR, READERS, Expression, Not, Scope, list_at, nest, read
from lightly_widget.query.values import Scalar, fitting, kind_of, plain_value, scalar

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MERGED: Final = {"or": "==", "and": "!="}
"""The comparisons of one column that an `is_in` can stand for."""


@dataclass(frozen=True)
class Compare(Expression):
    name: str
    cmp: str
    value: Scalar

    def to_polars(self, scope: Scope) -> pl.Expr:
        column, dtype = scope.field(self.name)
        result: pl.Expr = _COMPARE[self.cmp](column, fitting(self.name, dtype, self.value))
        # polars sorts NaN above all numbers, which would make it match 'greater than'
        return result & column.is_not_nan() if dtype.is_float() and self.cmp in {">", ">="} else result

    def to_dict(self) -> dict[str, Any]:
        return {"op": "compare", "field": self.name, "cmp": self.cmp, "value": plain_value(self.value)}

    def merge_key(self, op: str) -> object:
        return ("compare", self.name) if self.cmp == _MERGED[op] else None

    def merged(self, op: str, others: Sequence[Expression]) -> Expression:
        values = [item.value for item in (self, *others) if isinstance(item, Compare)]
        found = IsIn(self.name, tuple(dict.fromkeys(values)))
        return found if op == "or" else Not(found)

    def __repr__(self) -> str:
        return f"{self.name} {self.cmp} {shown(self.value)}"


@dataclass(frozen=True)
class IsIn(Expression):
    name: str
    values: tuple[Scalar, ...]

    def to_polars(self, scope: Scope) -> pl.Expr:
        column, dtype = scope.field(self.name)
        values = [fitting(self.name, dtype, value) for value in self.values]
        if dtype.is_integer():  # polars would truncate 2.5 to 2; only integers of 64 bits can be in such a column
            values = [int(v) for v in values if v == v // 1 and -(2**63) <= v < 2**63]
            return column.cast(pl.Int64).is_in(pl.Series(values, dtype=pl.Int64).implode())
        if dtype.is_float():
            values = [float(v) for v in values]
        if dtype == pl.Date:  # no date equals a time of day
            values = [v for v in values if not isinstance(v, datetime)]
        return column.is_in(pl.Series(values, dtype=dtype).implode())

    def to_dict(self) -> dict[str, Any]:
        return {"op": "is_in", "field": self.name, "values": [plain_value(value) for value in self.values]}

    def __repr__(self) -> str:
        return f"{self.name}.is_in({shown(list(self.values))})"


@dataclass(frozen=True)
class TextMatch(Expression):
    name: str
    op: str  # contains | starts_with
    value: str

    def to_polars(self, scope: Scope) -> pl.Expr:
        column, dtype = scope.field(self.name)
        if dtype != pl.String:
            raise InvalidTypeError(
                f"{self.name}.{self.op}({shown(self.value)}) needs strings, and {self.name} holds {kind_of(dtype)}"
            )
        if self.op == "contains":
            return column.str.contains(self.value, literal=True)
        return column.str.starts_with(self.value)

    def to_dict(self) -> dict[str, Any]:
        return {"op": self.op, "field": self.name, "value": self.value}

    def __repr__(self) -> str:
        return f"{self.name}.{self.op}({shown(self.value)})"


@dataclass(frozen=True)
class IsNull(Expression):
    name: str

    def to_polars(self, scope: Scope) -> pl.Expr:
        return scope.field(self.name)[0].is_null()

    def to_dict(self) -> dict[str, Any]:
        return {"op": "is_null", "field": self.name}

    def __repr__(self) -> str:
        return f"{self.name}.is_null()"


@dataclass(frozen=True)
class HasTag(Expression):
    tag: str

    def to_polars(self, scope: Scope) -> pl.Expr:
        return scope.tag(self.tag)

    def to_dict(self) -> dict[str, Any]:
        return {"op": "has_tag", "tag": self.tag}

    def __repr__(self) -> str:
        return f"tags.contains({shown(self.tag)})"


@dataclass(frozen=True)
class Annotated(Expression):
    """The sample has an annotation that meets all criteria at once."""

    annotation_type: str | None
    criteria: Expression | None

    def __post_init__(self) -> None:
        nest(self, [] if self.criteria is None else [self.criteria])

    def to_polars(self, scope: Scope) -> pl.Expr:
        return scope.annotated(self.annotation_type, self.criteria)

    def to_dict(self) -> dict[str, Any]:
        criteria = None if self.criteria is None else self.criteria.to_dict()
        return {"op": "annotated", "type": self.annotation_type, "criteria": criteria}

    def merge_key(self, op: str) -> object:
        return ("annotated", self.annotation_type) if op == "or" and self.criteria is not None else None

    def merged(self, op: str, others: Sequence[Expression]) -> Expression:
        criteria = [item.criteria for item in (self, *others) if isinstance(item, Annotated)]
        return Annotated(self.annotation_type, OR(*criteria))

    def __repr__(self) -> str:
        return f"has {self.annotation_type or 'annotation'}({'' if self.criteria is None else repr(self.criteria)})"


def has_class(class_name: str, source: str | None = None) -> Expression:
    """Samples with an annotation of the class, of any type, from any source or the one named."""
    criteria = Compare("class_name", "==", class_name)
    return Annotated(None, criteria if source is None else AND(criteria, Compare("annotation_source", "==", source)))


# -- plain data ------------------------------------------------------------------------------------------------------


def _read_compare(data: Mapping[str, Any]) -> Expression:
    cmp = _text(data, "cmp")
    if cmp not in _COMPARE:
        raise InvalidValueError(did_you_mean("comparison", cmp, _COMPARE))
    name = _text(data, "field")
    return Compare(name, cmp, scalar(name, data["value"]))


def _read_is_in(data: Mapping[str, Any]) -> Expression:
    name = _text(data, "field")
    return IsIn(name, tuple(scalar(name, value) for value in list_at(data, "values")))


def _read_text(data: Mapping[str, Any]) -> Expression:
    return TextMatch(_text(data, "field"), data["op"], _text(data, "value"))


def _read_annotated(data: Mapping[str, Any]) -> Expression:
    kind, criteria = data["type"], data["criteria"]
    return Annotated(None if kind is None else _text(data, "type"), None if criteria is None else read(criteria))


def _read_class(data: Mapping[str, Any]) -> Expression:
    source = data["source"]
    return has_class(_text(data, "class"), None if source is None else _text(data, "source"))


READERS.update(
    {
        "compare": _read_compare,
        "is_in": _read_is_in,
        "contains": _read_text,
        "starts_with": _read_text,
        "is_null": lambda data: IsNull(_text(data, "field")),
        "has_tag": lambda data: HasTag(_text(data, "tag")),
        "has_class": _read_class,
        "annotated": _read_annotated,
    }
)


def _text(data: Mapping[str, Any], key: str) -> str:
    return check_string(key, data[key], empty=True)
