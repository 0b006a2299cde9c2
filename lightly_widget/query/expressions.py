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

from lightly_widget.checks import check_items, check_string
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.plain import check_plain

Scalar = str | int | float | bool | datetime | date

DEEPEST: Final = 100
"""How deep conditions may be nested. `a & b & c` and `~~a` do not count as nested."""

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class NoPlainFormError(InvalidTypeError):
    """An expression holds a polars expression, which has no plain form."""


class Scope(Protocol):
    """What an expression is evaluated against; each method makes a column available and names it."""

    def field(self, name: str) -> tuple[pl.Expr, pl.DataType]: ...

    def tag(self, name: str) -> pl.Expr: ...

    def annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Expr: ...

    def native(self, expression: pl.Expr) -> pl.Expr: ...


class Expression:
    """A condition on samples. Combine with `&`, `|`, `~` or `AND`, `OR`, `NOT`."""

    depth: int = 1

    def to_polars(self, scope: Scope) -> pl.Expr:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""
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
            f"a filter has no truth value of its own ({shown(self)}). Write "
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
        f"a filter must be an expression such as ImageSampleField.width > 100 or one of polars, got {shown(value)}"
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
        if dtype.is_integer():  # polars would truncate 2.5 to 2; only integers of 64 bits can be in such a column
            values = [int(v) for v in values if v == v // 1 and -(2**63) <= v < 2**63]
            return column.cast(pl.Int64).is_in(pl.Series(values, dtype=pl.Int64).implode())
        if dtype.is_float():
            values = [float(v) for v in values]
        if dtype == pl.Date:  # no date equals a time of day
            values = [v for v in values if not isinstance(v, datetime)]
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
                f"{self.name}.{self.op}({shown(self.value)}) needs strings, and {self.name} holds {_kind(dtype)}"
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
        _nest(self, [] if self.criteria is None else [self.criteria])

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

    def __post_init__(self) -> None:
        _nest(self, self.items)

    def to_polars(self, scope: Scope) -> pl.Expr:
        parts = [item.to_polars(scope) for item in _merged(self.op, self.items)]
        if not parts:
            return pl.lit(self.op == "and")
        combine = operator.and_ if self.op == "and" else operator.or_
        # A balanced tree: polars walks a chain of n conditions n times or more.
        while len(parts) > 1:
            rest = parts[len(parts) // 2 * 2 :]
            parts = [combine(left, right) for left, right in zip(parts[::2], parts[1::2], strict=False)] + rest
        return parts[0]

    def to_dict(self) -> dict[str, Any]:
        return {"op": self.op, "items": [item.to_dict() for item in self.items]}

    def __repr__(self) -> str:
        return "(" + f" {'&' if self.op == 'and' else '|'} ".join(map(repr, self.items)) + ")"


@dataclass(frozen=True)
class Not(Expression):
    item: Expression

    def __post_init__(self) -> None:
        _nest(self, [self.item])

    def to_polars(self, scope: Scope) -> pl.Expr:
        return ~self.item.to_polars(scope)

    def to_dict(self) -> dict[str, Any]:
        return {"op": "not", "item": self.item.to_dict()}

    def __repr__(self) -> str:
        return f"~({self.item!r})"


def AND(*items: object) -> Expression:
    """All hold. `AND()` matches everything."""
    return _combined("and", items)


def OR(*items: object) -> Expression:
    """At least one holds. `OR()` matches nothing."""
    return _combined("or", items)


def NOT(item: object) -> Expression:
    """The condition is false. A missing value matches neither a condition nor its negation."""
    found = as_expression(item)
    return found.item if isinstance(found, Not) else Not(found)


def _combined(op: str, items: Iterable[object]) -> Expression:
    """One level for `a & b & c`, whichever way it was put together."""
    flat: list[Expression] = []
    for item in map(as_expression, items):
        flat += item.items if isinstance(item, Combined) and item.op == op and item.items else [item]
    return Combined(op, tuple(flat))


def _nest(expression: Expression, items: Iterable[Expression]) -> None:
    depth = 1 + max((item.depth for item in items), default=0)
    if depth > DEEPEST:
        raise InvalidValueError(
            f"a filter must be nested at most {DEEPEST} times, this one would be nested {depth} times"
        )
    object.__setattr__(expression, "depth", depth)  # past `frozen`


def _merged(op: str, items: Sequence[Expression]) -> list[Expression]:
    """The same condition in fewer parts: `x == 1 | x == 2` as one `is_in`, and one look at the annotations for all."""
    cmp = "==" if op == "or" else "!="
    groups: dict[object, list[Expression]] = {}
    for position, item in enumerate(items):
        key: object = position
        if isinstance(item, Compare) and item.cmp == cmp:
            key = ("compare", item.name)
        elif op == "or" and isinstance(item, Annotated) and item.criteria is not None:
            key = ("annotated", item.annotation_type)
        groups.setdefault(key, []).append(item)
    return [group[0] if len(group) == 1 else _as_one(op, group) for group in groups.values()]


def _as_one(op: str, group: Sequence[Expression]) -> Expression:
    first = group[0]
    if isinstance(first, Annotated):
        return Annotated(first.annotation_type, OR(*(item.criteria for item in group if isinstance(item, Annotated))))
    compared = [item for item in group if isinstance(item, Compare)]
    found = IsIn(compared[0].name, tuple(dict.fromkeys(item.value for item in compared)))
    return found if op == "or" else Not(found)


# -- values ----------------------------------------------------------------------------------------------------------


def scalar(name: str, value: object) -> Scalar:
    """A Python scalar from one, or from a numpy scalar; anything else is refused."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()  # of nanoseconds it would be an int
    elif isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        raise InvalidValueError(f"cannot compare {name} with NaN, which equals nothing")
    is_missing = value is None or type(value).__name__ == "NaTType"  # pandas' NaT is a datetime, too
    if isinstance(value, str | int | float | bool | datetime | date) and not is_missing:
        if isinstance(value, datetime):
            _in_utc(name, value)
        check_plain(f"the value that {name} is compared with", value)
        return value
    hint = f"; use {name}.is_null() for missing values" if is_missing else ""
    raise InvalidTypeError(f"cannot compare {name} with {shown(value)}: expected a string, number, bool or date{hint}")


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
            raise InvalidValueError(
                f"{name} holds times; {shown(value)} is not a time such as 2026-01-31T12:00"
            ) from None
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise InvalidTypeError(f"{name} holds times, which cannot be compared with {shown(value)}")
        value = datetime(value.year, value.month, value.day)
    return _in_utc(name, value)


def _in_utc(name: str, value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidValueError(f"{name}: {shown(value)} is outside the years 1 to 9999 in UTC") from None


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numbers"
    return {pl.String: "strings", pl.Boolean: "booleans"}.get(
        type(dtype), "times" if dtype.is_temporal() else str(dtype)
    )


def _plain(value: Scalar) -> str | int | float | bool:
    return value.isoformat() if isinstance(value, date) else value


# -- plain data ------------------------------------------------------------------------------------------------------


def from_dict(data: Mapping[str, Any]) -> Expression:
    """The expression that `to_dict` described; anything else raises `InvalidValueError` or `InvalidTypeError`."""
    return _read(check_plain("filter", data, deepest=2 * DEEPEST + 2))


def _read(data: Any) -> Expression:
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"a filter must be a dict with an 'op', got {shown(data)}")
    op = data.get("op")
    if not isinstance(op, str) or op not in _READERS:
        raise InvalidValueError(did_you_mean("filter operation", op, _READERS))
    try:
        return _READERS[op](data)
    except KeyError as error:
        if isinstance(error, InvalidValueError):
            raise
        raise InvalidValueError(f"filter {shown(data)} lacks {error}") from None


def _read_compare(data: Mapping[str, Any]) -> Expression:
    cmp = _text(data, "cmp")
    if cmp not in _COMPARE:
        raise InvalidValueError(did_you_mean("comparison", cmp, _COMPARE))
    name = _text(data, "field")
    return Compare(name, cmp, scalar(name, data["value"]))


def _read_is_in(data: Mapping[str, Any]) -> Expression:
    name = _text(data, "field")
    return IsIn(name, tuple(scalar(name, value) for value in _list(data, "values")))


def _read_text(data: Mapping[str, Any]) -> Expression:
    return TextMatch(_text(data, "field"), data["op"], _text(data, "value"))


def _read_combined(data: Mapping[str, Any]) -> Expression:
    return Combined(data["op"], tuple(map(_read, _list(data, "items"))))


def _read_annotated(data: Mapping[str, Any]) -> Expression:
    kind, criteria = data["type"], data["criteria"]
    return Annotated(None if kind is None else _text(data, "type"), None if criteria is None else _read(criteria))


def _read_class(data: Mapping[str, Any]) -> Expression:
    source = data["source"]
    return has_class(_text(data, "class"), None if source is None else _text(data, "source"))


_READERS: Final[dict[str, Callable[[Mapping[str, Any]], Expression]]] = {
    "and": _read_combined,
    "or": _read_combined,
    "not": lambda data: Not(_read(data["item"])),
    "compare": _read_compare,
    "is_in": _read_is_in,
    "contains": _read_text,
    "starts_with": _read_text,
    "is_null": lambda data: IsNull(_text(data, "field")),
    "has_tag": lambda data: HasTag(_text(data, "tag")),
    "has_class": _read_class,
    "annotated": _read_annotated,
}


def _text(data: Mapping[str, Any], key: str) -> str:
    return check_string(key, data[key], empty=True)


def _list(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = data[key]
    if not isinstance(value, list | tuple):
        raise InvalidTypeError(f"{key} must be a list, got {shown(value)}")
    return value


def values_of(name: str, values: object) -> tuple[Scalar, ...]:
    """The values of `.is_in`, from any iterable but a string."""
    return tuple(scalar(name, value) for value in check_items(f"the argument of {name}.is_in", values))
