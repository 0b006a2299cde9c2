"""Filter expressions over samples: tiny immutable classes that become polars expressions, and plain data and back.

A missing value (null) matches no comparison, and neither does its negation, as in SQL and polars; ask for it with
`.is_null()`. A NaN matches `!=` only.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol

import numpy as np
import polars as pl

from lightly_widget.checks import check_string
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown

Scalar = str | int | float | bool | datetime | date

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class NoPlainFormError(InvalidTypeError):
    """An expression holds a polars expression, which is no plain data."""


class Scope(Protocol):
    """What an expression is evaluated against; each method makes a column available and names it."""

    def field(self, name: str) -> tuple[pl.Expr, pl.DataType]: ...

    def tag(self, name: str) -> pl.Expr: ...

    def annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Expr: ...

    def native(self, expression: pl.Expr) -> pl.Expr: ...


class Expression:
    """A condition on samples. Combine with `&`, `|`, `~` or `AND`, `OR`, `NOT`."""

    def to_polars(self, scope: Scope) -> pl.Expr:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON."""
        raise NotImplementedError

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Expression:
        """The expression that `to_dict` described."""
        return from_dict(data)

    def __and__(self, other: object) -> Expression:
        return AND(self, other)

    def __rand__(self, other: object) -> Expression:
        return AND(other, self)

    def __or__(self, other: object) -> Expression:
        return OR(self, other)

    def __ror__(self, other: object) -> Expression:
        return OR(other, self)

    def __invert__(self) -> Expression:
        return NOT(self)

    def __bool__(self) -> bool:
        raise InvalidTypeError(
            f"a filter expression has no truth value of its own ({shown(self)}). Write "
            "(F.width > 11) & (F.width < 14) or F.width.between(11, 14) instead of 11 < F.width < 14, "
            "and &, |, ~ instead of and, or, not"
        )


def as_expression(value: object) -> Expression:
    """An `Expression` from one, or from a boolean polars expression over the columns of `to_polars()`."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, pl.Expr):
        return Native(value)
    raise InvalidTypeError(
        f"expected a filter such as ImageSampleField.width > 100, or a polars expression, not {shown(value)}"
    )


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
        return {"op": "compare", "field": self.name, "cmp": self.cmp, "value": _plain(self.value)}

    def __repr__(self) -> str:
        return f"{self.name} {self.cmp} {shown(self.value)}"


@dataclass(frozen=True)
class IsIn(Expression):
    name: str
    values: tuple[Scalar, ...]

    def to_polars(self, scope: Scope) -> pl.Expr:
        column, dtype = scope.field(self.name)
        values = [fitting(self.name, dtype, value) for value in self.values]
        if dtype.is_integer():  # polars would cut 2.5 to 2; what is no whole number of 64 bits is in no such column
            values = [int(v) for v in values if v == v // 1 and -(2**63) <= v < 2**63]
            return column.cast(pl.Int64).is_in(pl.Series(values, dtype=pl.Int64).implode())
        if dtype.is_float():
            values = [float(v) for v in values]
        return column.is_in(pl.Series(values, dtype=dtype).implode())

    def to_dict(self) -> dict[str, Any]:
        return {"op": "is_in", "field": self.name, "values": [_plain(value) for value in self.values]}

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
                f"{self.name} holds {_kind(dtype)}, so .{self.op}({shown(self.value)}) cannot be asked"
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

    def to_polars(self, scope: Scope) -> pl.Expr:
        return scope.annotated(self.annotation_type, self.criteria)

    def to_dict(self) -> dict[str, Any]:
        criteria = None if self.criteria is None else self.criteria.to_dict()
        return {"op": "annotated", "type": self.annotation_type, "criteria": criteria}

    def __repr__(self) -> str:
        return f"has {self.annotation_type or 'annotation'}({'' if self.criteria is None else repr(self.criteria)})"


def has_class(class_name: str, source: str | None = None) -> Expression:
    """Samples with an annotation of the class, of any type, from any source or the one named."""
    criteria = Compare("class_name", "==", class_name)
    return Annotated(None, criteria if source is None else AND(criteria, Compare("annotation_source", "==", source)))


@dataclass(frozen=True)
class Native(Expression):
    """A polars expression, taken as it is."""

    expression: pl.Expr

    def to_polars(self, scope: Scope) -> pl.Expr:
        return scope.native(self.expression)

    def to_dict(self) -> dict[str, Any]:
        raise NoPlainFormError(
            "a polars expression has no plain-data form; write the filter with ImageSampleField or SampleField"
        )

    def __repr__(self) -> str:
        return str(self.expression)


@dataclass(frozen=True)
class Combined(Expression):
    op: str  # and | or
    items: tuple[Expression, ...]

    def to_polars(self, scope: Scope) -> pl.Expr:
        parts = [item.to_polars(scope) for item in self.items]
        combine = operator.and_ if self.op == "and" else operator.or_
        result = pl.lit(self.op == "and") if not parts else parts[0]
        for part in parts[1:]:
            result = combine(result, part)
        return result

    def to_dict(self) -> dict[str, Any]:
        return {"op": self.op, "items": [item.to_dict() for item in self.items]}

    def __repr__(self) -> str:
        return "(" + f" {'&' if self.op == 'and' else '|'} ".join(map(repr, self.items)) + ")"


@dataclass(frozen=True)
class Not(Expression):
    item: Expression

    def to_polars(self, scope: Scope) -> pl.Expr:
        return ~self.item.to_polars(scope)

    def to_dict(self) -> dict[str, Any]:
        return {"op": "not", "item": self.item.to_dict()}

    def __repr__(self) -> str:
        return f"~({self.item!r})"


def AND(*items: object) -> Expression:
    """All hold. `AND()` matches everything."""
    return Combined("and", tuple(as_expression(item) for item in items))


def OR(*items: object) -> Expression:
    """At least one holds. `OR()` matches nothing."""
    return Combined("or", tuple(as_expression(item) for item in items))


def NOT(item: object) -> Expression:
    """The condition does not hold (and can be told: a missing value matches neither)."""
    return Not(as_expression(item))


# -- values ----------------------------------------------------------------------------------------------------------


def scalar(name: str, value: object) -> Scalar:
    """A Python scalar from one, or from a numpy scalar; anything else is refused."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        raise InvalidValueError(f"cannot compare {name} with NaN, which equals nothing")
    if isinstance(value, str | int | float | bool | datetime | date):
        return value
    hint = f"; use {name}.is_null() for missing values" if value is None else ""
    raise InvalidTypeError(f"cannot compare {name} with {shown(value)}: expected a text, number, bool or date{hint}")


def fitting(name: str, dtype: pl.DataType, value: Scalar) -> Any:
    """The value as a column of that type can be compared with; `InvalidTypeError` where it cannot."""
    if isinstance(dtype, pl.Datetime):
        return _as_datetime(name, value)
    if dtype == pl.Date:
        found = _as_datetime(name, value)
        return found.date() if found.time() == datetime.min.time() else found.replace(tzinfo=None)
    if dtype.is_numeric() and isinstance(value, int | float):
        return value if isinstance(value, bool | float) or -(2**63) <= value < 2**63 else float(value)
    if dtype == pl.Boolean and isinstance(value, bool):
        return value
    if dtype == pl.Boolean and isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    if dtype == pl.String and isinstance(value, str):
        return value
    if dtype == pl.Null:
        return None
    raise InvalidTypeError(f"{name} holds {_kind(dtype)}, which cannot be compared with {shown(value)}")


def _as_datetime(name: str, value: Scalar) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidValueError(f"{name} holds times; {shown(value)} is none (expected 2026-01-31T12:00)") from None
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise InvalidTypeError(f"{name} holds times, which cannot be compared with {shown(value)}")
        value = datetime(value.year, value.month, value.day)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numbers"
    return {pl.String: "text", pl.Boolean: "booleans"}.get(type(dtype), "times" if dtype.is_temporal() else str(dtype))


def _plain(value: Scalar) -> str | int | float | bool:
    return value.isoformat() if isinstance(value, date) else value


# -- plain data ------------------------------------------------------------------------------------------------------

_DEEPEST: Final = 100


def from_dict(data: Mapping[str, Any], depth: int = 0) -> Expression:
    """The expression that `to_dict` described; anything else raises `InvalidValueError`."""
    if not isinstance(data, Mapping) or depth > _DEEPEST:
        raise InvalidValueError(f"not a filter: {shown(data)}")
    try:
        return _READERS[data["op"]](data, depth + 1)
    except (KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InvalidTypeError | InvalidValueError):
            raise
        if data.get("op") not in _READERS if isinstance(data.get("op"), str) else True:
            raise InvalidValueError(did_you_mean("filter operation", data.get("op"), _READERS)) from None
        raise InvalidValueError(f"not a whole filter: {shown(data)}") from error


def _read_compare(data: Mapping[str, Any], depth: int) -> Expression:
    if data["cmp"] not in _COMPARE:
        raise InvalidValueError(did_you_mean("comparison", data["cmp"], _COMPARE))
    name = _text(data, "field")
    return Compare(name, data["cmp"], scalar(name, data["value"]))


def _read_is_in(data: Mapping[str, Any], depth: int) -> Expression:
    name = _text(data, "field")
    return IsIn(name, tuple(scalar(name, value) for value in data["values"]))


def _read_text(data: Mapping[str, Any], depth: int) -> Expression:
    return TextMatch(_text(data, "field"), data["op"], _text(data, "value"))


def _read_combined(data: Mapping[str, Any], depth: int) -> Expression:
    return Combined(data["op"], tuple(from_dict(item, depth) for item in data["items"]))


def _read_annotated(data: Mapping[str, Any], depth: int) -> Expression:
    criteria = data["criteria"]
    return Annotated(data["type"], None if criteria is None else from_dict(criteria, depth))


_READERS: Final[dict[str, Callable[[Mapping[str, Any], int], Expression]]] = {
    "and": _read_combined,
    "or": _read_combined,
    "not": lambda data, depth: Not(from_dict(data["item"], depth)),
    "compare": _read_compare,
    "is_in": _read_is_in,
    "contains": _read_text,
    "starts_with": _read_text,
    "is_null": lambda data, depth: IsNull(_text(data, "field")),
    "has_tag": lambda data, depth: HasTag(_text(data, "tag")),
    "has_class": lambda data, depth: has_class(_text(data, "class"), data["source"]),
    "annotated": _read_annotated,
}


def _text(data: Mapping[str, Any], key: str) -> str:
    return check_string(key, data[key], empty=True)


def values_of(name: str, values: object) -> tuple[Scalar, ...]:
    """The values of `.is_in`, from any iterable but a text."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{name}.is_in expects a list of values, not {shown(values)}")
    if isinstance(values, Sequence | set | frozenset | pl.Series | np.ndarray):
        return tuple(scalar(name, value) for value in values)
    return tuple(scalar(name, value) for value in list(values))
