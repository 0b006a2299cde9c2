"""A filter over a snapshot: the columns that it asks for, gathered, and the polars expression evaluated over them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from lightly_widget.errors import InvalidTypeError, UnknownNameError, did_you_mean, shown
from lightly_widget.query.algebra import Expression
from lightly_widget.query.snapshot import Snapshot
from lightly_widget.store.tables import ANNOTATION_SCHEMA

_ANNOTATION_COLUMNS: Final = [name for name in ANNOTATION_SCHEMA if name != "sample"]


def mask(snapshot: Snapshot, expression: Expression) -> npt.NDArray[np.bool_]:
    """Which samples the expression matches."""
    scope = _SampleScope(snapshot)
    return scope.evaluate(expression.to_polars(scope))


def plan(snapshot: Snapshot, expression: Expression) -> str:
    """The polars expression that stands for a filter."""
    return str(expression.to_polars(_SampleScope(snapshot)))


class _Columns:
    """Columns gathered while an expression is turned into polars, and then evaluated over."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.columns: dict[str, pl.Series] = {}

    def _need(self, name: str, make: Any) -> pl.Expr:
        if name not in self.columns:
            self.columns[name] = make().alias(name)
        return pl.col(name)

    def evaluate(self, polars: pl.Expr) -> npt.NDArray[np.bool_]:
        frame = pl.DataFrame(list(self.columns.values())) if self.columns else pl.DataFrame(height=self.height)
        try:
            result = frame.select(polars.alias("match"))["match"]
        except pl.exceptions.PolarsError as error:
            raise InvalidTypeError(f"the filter cannot be evaluated: {shown(str(error), 300)}") from error
        if result.dtype not in {pl.Boolean, pl.Null}:
            raise InvalidTypeError(f"a filter gives true or false for each sample; this one gives {result.dtype}")
        if len(result) == 1 and self.height != 1:
            result = result.new_from_index(0, self.height)
        if len(result) != self.height:
            raise InvalidTypeError(f"the filter gives {len(result):,} values for {self.height:,} samples")
        return result.cast(pl.Boolean).fill_null(False).to_numpy()


class _SampleScope(_Columns):
    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(len(snapshot))
        self._snapshot = snapshot

    def field(self, name: str) -> tuple[pl.Expr, pl.DataType]:
        column = self._need(name, lambda: self._snapshot.column(name))
        return column, self.columns[name].dtype

    def tag(self, name: str) -> pl.Expr:
        return self._need(f"tag:{name}", lambda: self._snapshot.tag_column(name))

    def annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Expr:
        key = f"annotated:{annotation_type}:{len(self.columns)}"
        return self._need(key, lambda: self._annotated(annotation_type, criteria))

    def _annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Series:
        frame = self._snapshot.annotations()
        if annotation_type is not None:
            frame = frame.filter(pl.col("annotation_type") == annotation_type)
        if criteria is not None:
            scope = _AnnotationScope(frame)
            frame = frame.filter(pl.Series(scope.evaluate(criteria.to_polars(scope)), dtype=pl.Boolean))
        mask = np.zeros(self.height, dtype=bool)
        mask[frame["sample"].to_numpy()] = True
        return pl.Series(mask)

    def native(self, expression: pl.Expr) -> pl.Expr:
        for name in expression.meta.root_names():
            self.field(name)
        return expression


class _AnnotationScope(_Columns):
    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__(frame.height)
        self._frame = frame

    def field(self, name: str) -> tuple[pl.Expr, pl.DataType]:
        if name == "area":
            column = self._need(name, lambda: self._frame["width"] * self._frame["height"])
        elif name in _ANNOTATION_COLUMNS:
            column = self._need(name, lambda: self._frame[name])
        else:
            raise UnknownNameError(did_you_mean("annotation field", name, [*_ANNOTATION_COLUMNS, "area"]))
        return column, self.columns[name].dtype

    def tag(self, name: str) -> pl.Expr:
        raise InvalidTypeError(f"tags belong to samples, not to annotations: put tags.contains({shown(name)}) outside")

    def annotated(self, annotation_type: str | None, criteria: Expression | None) -> pl.Expr:
        raise InvalidTypeError(
            "a condition on annotations cannot stand inside another one; combine them with & outside"
        )

    def native(self, expression: pl.Expr) -> pl.Expr:
        for name in expression.meta.root_names():
            self.field(name)
        return expression
