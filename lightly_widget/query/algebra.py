"""Filter expressions over samples: immutable classes that become polars expressions, and plain data and back.

Here is what all have in common and how they combine; `expressions.py` has the conditions themselves. A missing value
(null) matches no comparison, and neither does its negation, as in SQL and polars; ask for it with `.is_null()`. A NaN
matches `!=` only.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import polars as pl

from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, shown
from lightly_widget.plain import check_plain

DEEPEST: Final = 100
"""How deep conditions may be nested. `a & b & c` and `~~a` do not count as nested."""


class NoPlainFormError(InvalidTypeError):
    """An expression holds a polars expression, which has no plain form."""


class Scope(Protocol):
    """What an expression is evaluated against; each method makes a column available and names it."""

    def field(self, name: str) -> tuple[pl.Expr, pl.DataType]: ...

    def tag(self, name: str) -> pl.Expr: ...

    def annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Expr: ...

    def native(self, expression: pl.Expr) -> pl.Expr: ...


class Expression(ABC):
    """A condition on samples. Combine with `&`, `|`, `~` or `AND`, `OR`, `NOT`."""

    depth: int = 1

    @abstractmethod
    def to_polars(self, scope: Scope) -> pl.Expr:
        """The polars expression over the columns that the scope makes available."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""

    def merge_key(self, op: str) -> object:
        """What conditions have in common that one `merged` condition can stand for; None where none can."""
        return None

    def merged(self, op: str, others: Sequence[Expression]) -> Expression:
        """One condition for this and others of the same `merge_key`."""
        return Combined(op, (self, *others))

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
        nest(self, self.items)

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
        nest(self, [self.item])

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


def nest(expression: Expression, items: Iterable[Expression]) -> None:
    """Keep how deep an expression is nested, and refuse it beyond `DEEPEST`."""
    depth = 1 + max((item.depth for item in items), default=0)
    if depth > DEEPEST:
        raise InvalidValueError(
            f"a filter must be nested at most {DEEPEST} times, this one would be nested {depth} times"
        )
    object.__setattr__(expression, "depth", depth)  # past `frozen`


def _merged(op: str, items: Sequence[Expression]) -> list[Expression]:
    """The same condition in fewer parts: `x == 1 | x == 2` as one `is_in`, and one look at the annotations for all."""
    groups: dict[object, list[Expression]] = {}
    for position, item in enumerate(items):
        key = item.merge_key(op)
        groups.setdefault(position if key is None else key, []).append(item)
    return [first.merged(op, others) if others else first for first, *others in groups.values()]


# -- plain data ------------------------------------------------------------------------------------------------------


def from_dict(data: Mapping[str, Any]) -> Expression:
    """The expression that `to_dict` described; anything else raises `InvalidValueError` or `InvalidTypeError`."""
    return read(check_plain("filter", data, deepest=2 * DEEPEST + 2))


def read(data: Any) -> Expression:
    """An expression from plain data that is known to be shallow."""
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"a filter must be a dict with an 'op', got {shown(data)}")
    op = data.get("op")
    if not isinstance(op, str) or op not in READERS:
        raise InvalidValueError(did_you_mean("filter operation", op, READERS))
    try:
        return READERS[op](data)
    except KeyError as error:
        if isinstance(error, InvalidValueError):
            raise
        raise InvalidValueError(f"filter {shown(data)} lacks {error}") from None


def _read_combined(data: Mapping[str, Any]) -> Expression:
    return Combined(data["op"], tuple(map(read, list_at(data, "items"))))


READERS: Final[dict[str, Callable[[Mapping[str, Any]], Expression]]] = {
    "and": _read_combined,
    "or": _read_combined,
    "not": lambda data: Not(read(data["item"])),
}
"""By operation; `expressions.py` adds its own."""


def list_at(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The list under a key. Raises InvalidTypeError."""
    value = data[key]
    if not isinstance(value, list | tuple):
        raise InvalidTypeError(f"{key} must be a list, got {shown(value)}")
    return value
