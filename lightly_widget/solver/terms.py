"""What a term is: plain arrays and a strength, which know the potential that values a selection by them.

P(S ∪ {i}) is kept as `base` (the same for every row) and `more` (of row i), so that small differences survive a large
base. The greedy loop asks for cheap bounds of `more` on the helpful side (upper for a positive strength, lower for a
negative one), tightens them for the rows on top, and settles the last few exactly. It knows terms by this interface
alone: a new one is a file of its own, with its `Term` and its `Potential`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
I64: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[Any]
Beats: TypeAlias = Generator[None, None, None]
"""Work in steps, each a sign of life."""
Steps: TypeAlias = Generator[tuple[int, float] | None, None, bool]
"""A pick and its gain, or None as a sign of life; returns whether there were eligible rows to the end."""

SMALLEST = float(np.finfo(np.float64).tiny)
LOG_SMALLEST = math.log(SMALLEST)
TIE = 1e-13
"""Scores nearer than this are ties: rounding must not decide, whatever the order of summation."""


@dataclass(frozen=True)
class Setting:
    """What a potential is made for."""

    n_rows: int
    capacity: int
    """The most rows that can be selected, the preselected included."""
    alone: bool
    """Whether there is no other term."""
    device: str | None
    """A torch device, None for the potential's own choice."""


@dataclass(frozen=True)
class Term(ABC):
    """One summand of the objective: strength · log P."""

    @property
    @abstractmethod
    def strength(self) -> float: ...

    @abstractmethod
    def check(self, n_rows: int) -> None:
        """Raise InvalidValueError where shapes or values cannot be used. Embeddings are checked as they are read."""

    @abstractmethod
    def potential(self, setting: Setting) -> Potential:
        """Its state before the first pick."""


class Runners(Protocol):
    """What the general race offers to a term that picks alone."""

    closed: Bools

    def choose(self) -> Generator[None, None, tuple[int, float] | None]: ...

    def take(self, row: int) -> Beats: ...


class Potential(ABC):
    """A term's state. `strength` is not 0; its sign says which side the bounds are on."""

    decides_alone = True
    """Whether, as the only term, rows can be compared by `more` itself."""
    tightens = True
    """Whether `tighten` improves bounds."""
    unit_of_rounding = 0.0
    """The size of the numbers that `more` is a difference of: as the only term, its ties are judged by it."""

    def __init__(self, strength: float) -> None:
        self.strength = float(strength)

    def prepare(self) -> Beats:
        """Long preparations, in steps."""
        yield from ()

    def update(self) -> Beats:
        """Before the bounds of the next pick are asked for."""
        yield from ()

    @abstractmethod
    def bounds(self) -> Floats:
        """(n,) of `more`, on the helpful side. Not to be changed by the caller."""

    @abstractmethod
    def bounds_at(self, rows: I64) -> Floats:
        """The same for a few rows, after they were tightened."""

    def log_bounds(self) -> Floats:
        """(n,) bounds of `relative`."""
        return self.relative(self.bounds())

    def tighten(self, rows: I64) -> Beats:
        """Make `bounds` of these rows as good as they cheaply get."""
        yield from ()

    @abstractmethod
    def exact(self, rows: I64) -> F64:
        """(len(rows),) `more` in float64; NaN where the row is not eligible."""

    @abstractmethod
    def base(self) -> float: ...

    def relative(self, more: Floats) -> Floats:
        """log P(S ∪ {i}) − log P(S), or log P(S ∪ {i}) while P(S) is 0."""
        base = self.base()
        if base > 0:
            return np.asarray(np.log1p(more / more.dtype.type(base)))
        tiny = more.dtype.type(SMALLEST if more.dtype == np.float64 else np.finfo(np.float32).tiny)
        out = np.log(np.maximum(more, tiny))
        if self.strength < 0:  # a lower bound is wanted
            out[more < tiny] = LOG_SMALLEST
        return np.asarray(out)

    def log_base(self) -> float:
        base = self.base()
        return math.log(base) if base > 0 else 0.0

    @abstractmethod
    def inform(self, row: int) -> Beats:
        """The row joins the selection."""

    def forget(self, rows: I64) -> None:  # noqa: B027 - most terms do not care
        """These rows will never be picked."""

    def hopeless(self) -> Bools | None:
        """(n,) rows that can never be eligible again, where the term knows such."""
        return None

    def mark(self) -> None:  # noqa: B027 - most terms need not remember
        """Bounds of all rows were taken now: `lift` is from here."""

    def lift(self) -> float:
        """The most by which strength · `relative` of any row may have risen above its bound at the last `mark`.

        Infinite where that is not known. For a positive strength and a `more` that only falls, as most have, it is 0
        once P(S) is above 0 and does not fall.
        """
        return math.inf

    def gain(self, row: int, more: float) -> float:
        """What is reported for a pick where this is the only term."""
        return more

    def tolerance(self, best: float) -> float:
        """As the only term, values of `more` this near to the best are ties."""
        return TIE * max(abs(best), self.unit_of_rounding) if np.isfinite(best) else 0.0

    def alike(self) -> I64 | None:
        """(n,) groups of rows that add the same whatever is selected, where the term knows such."""
        return None

    def pick_alone(self, runners: Runners, wanted: int) -> Steps | None:
        """As the only term, its own way to the same picks as the general race, where it has a faster one."""
        return None
