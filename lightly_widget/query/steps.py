"""The steps of a query: each takes samples in an order and gives fewer, or the same in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import polars as pl

from lightly_widget.checks import check_bool, check_integer, check_items, check_number, check_string, check_strings
from lightly_widget.errors import InvalidTypeError, InvalidValueError
from lightly_widget.indexes import SampleIndexes
from lightly_widget.query.algebra import Expression, NoPlainFormError
from lightly_widget.query.fields import OrderBy
from lightly_widget.query.scopes import mask
from lightly_widget.query.snapshot import Snapshot


class Step(Protocol):
    """One step of a query."""

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes: ...

    def to_dict(self) -> dict[str, Any] | None:
        """Plain data; None where there is none because a polars expression is in it."""


@dataclass(frozen=True)
class Match:
    expression: Expression

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes:
        return SampleIndexes(rows[mask(snapshot, self.expression)[rows]])

    def to_dict(self) -> dict[str, Any] | None:
        try:
            return {"step": "match", "filter": self.expression.to_dict()}
        except NoPlainFormError:
            return None

    def __str__(self) -> str:
        return f"match({self.expression!r})"


@dataclass(frozen=True)
class Order:
    keys: tuple[OrderBy | pl.Expr, ...]
    descending: bool

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes:
        frame = pl.DataFrame({"row": rows})
        names, descending = [], []
        for position, key in enumerate(self.keys):
            name = f"key{position}"
            if isinstance(key, pl.Expr):
                roots = [snapshot.column(root).alias(root) for root in key.meta.root_names()]
                values = pl.DataFrame(roots).select(key.alias(name))[name]
            else:
                values = snapshot.column(key.name)
            if values.dtype.is_nested():
                raise InvalidTypeError(f"order_by: {key} holds lists, which have no order")
            frame = frame.with_columns(values.gather(pl.Series(rows)).alias(name))
            names.append(name)
            descending.append(self.descending ^ (isinstance(key, OrderBy) and key.descending))
        ordered = frame.sort(names, descending=descending, nulls_last=True, maintain_order=True)
        return SampleIndexes(ordered["row"].to_numpy())

    def to_dict(self) -> dict[str, Any] | None:
        keys = [{"field": k.name, "descending": k.descending} for k in self.keys if isinstance(k, OrderBy)]
        if len(keys) < len(self.keys):
            return None
        return {"step": "order_by", "keys": keys, "descending": self.descending}

    def __str__(self) -> str:
        keys = [f"{k.name}{' desc' if k.descending else ''}" if isinstance(k, OrderBy) else str(k) for k in self.keys]
        return f"order_by({', '.join(keys)}{', descending' if self.descending else ''}, nulls last)"


@dataclass(frozen=True)
class Slice:
    slice: slice

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes:
        return SampleIndexes(rows[self.slice])

    def to_dict(self) -> dict[str, Any]:
        return {"step": "slice", "start": self.slice.start, "stop": self.slice.stop, "by": self.slice.step}

    def __str__(self) -> str:
        bounds = [self.slice.start, self.slice.stop] + ([self.slice.step] if self.slice.step is not None else [])
        return f"[{':'.join('' if b is None else str(b) for b in bounds)}]"


@dataclass(frozen=True)
class Pinned:
    """These samples, in this order."""

    sample_ids: pl.Series = field(hash=False, compare=False)

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes:
        return snapshot.known_rows(self.sample_ids)

    def to_dict(self) -> dict[str, Any]:
        return {"step": "select", "sample_ids": self.sample_ids.to_list()}

    def __str__(self) -> str:
        return f"select({len(self.sample_ids):,} sample ids)"


@dataclass(frozen=True)
class Shuffled:
    """A part of a split: rows start … stop of the shuffled order, back in query order."""

    seed: int
    start: float
    stop: float

    def apply(self, snapshot: Snapshot, rows: SampleIndexes) -> SampleIndexes:
        order = np.random.default_rng(self.seed).permutation(len(rows))
        first, last = round(self.start * len(rows)), round(self.stop * len(rows))
        return SampleIndexes(rows[np.sort(order[first:last])])

    def to_dict(self) -> dict[str, Any]:
        return {"step": "split", "seed": self.seed, "start": self.start, "stop": self.stop}

    def __str__(self) -> str:
        return f"split({self.start:.3f} … {self.stop:.3f}, seed={self.seed})"


STEPS: Final[dict[str, Callable[[Mapping[str, Any]], Step]]] = {
    "match": lambda data: Match(Expression.from_dict(data["filter"])),
    "order_by": lambda data: Order(
        tuple(
            OrderBy(check_string("field", k["field"]), check_bool("descending", k["descending"])) for k in data["keys"]
        ),
        check_bool("descending", data["descending"]),
    ),
    "slice": lambda data: Slice(slice_of(data["start"], data["stop"], data["by"])),
    "select": lambda data: Pinned(id_series(data["sample_ids"])),
    "split": lambda data: Shuffled(
        check_integer("seed", data["seed"], least=0),
        check_number("start", data["start"], least=0, most=1),
        check_number("stop", data["stop"], least=0, most=1),
    ),
}
"""How each step is read from what its `to_dict` gave."""


def slice_of(start: object, stop: object, step: object) -> slice:
    """A slice with integer bounds."""
    bounds = (whole(start), whole(stop), whole(step))
    if bounds[2] == 0:
        raise InvalidValueError("the step of a slice must not be 0")
    return slice(*bounds)


def whole(value: object) -> int | None:
    """A bound of a slice."""
    return None if value is None else check_integer("a position", value)


def id_series(samples: object) -> pl.Series:
    """Sample ids from ids or samples."""
    items = check_items("sample_ids", samples, what="sample ids or samples")
    ids = [item if isinstance(item, str) else getattr(item, "sample_id", item) for item in items]
    return pl.Series("sample_id", check_strings("sample_ids", ids, what="sample ids or samples"), dtype=pl.String)
