"""Limits: which rows may still be picked, whatever the terms value. The greedy loops ask nothing else of them.

Each limit keeps a ledger of the selection. A row that joins it shuts other rows out, and nothing opens them again, so
that the picks stay greedy and the answer for fewer picks stays a prefix of the answer for more.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lightly_widget.checks import check_integer
from lightly_widget.errors import InvalidValueError, shown

from .checks import check_one_per_row
from .terms import F64, I64

WITHIN = 1 + 1e-9
"""Sums of costs may exceed the budget by this factor: three costs of 0.1 are within a budget of 0.3."""
NO_ROWS: I64 = np.empty(0, dtype=np.int64)


class Limit(ABC):
    """A rule on what may be in one selection, as arrays with one value per row."""

    @abstractmethod
    def check(self, n_rows: int) -> None:
        """Raise InvalidValueError where shapes or values cannot be used."""

    @abstractmethod
    def ledger(self) -> Ledger:
        """Its state before the first pick."""

    @abstractmethod
    def over(self, rows: I64) -> Limit:
        """The same limit over some of the rows, in that order."""


class Ledger(ABC):
    """What one limit knows of the selection."""

    costs: F64 | None = None
    """(n,) what each row takes of a budget, above 0, where rows are to be compared by gain per cost."""

    def shut_from_the_start(self) -> I64:
        """Rows that can never be picked."""
        return NO_ROWS

    @abstractmethod
    def take(self, row: int, *, is_new: bool) -> I64:
        """The row joins the selection; which rows that shuts out. Not `is_new`: it was in the sample before."""


@dataclass(frozen=True)
class AtMostPerGroup(Limit):
    """At most `most` rows of each group. `groups` (n,) are codes from 0."""

    groups: I64
    most: int

    def check(self, n_rows: int) -> None:
        check_one_per_row("AtMostPerGroup.groups", self.groups, n_rows)
        check_integer("AtMostPerGroup.most", self.most, least=1)

    def ledger(self) -> Ledger:
        return GroupLedger(self)

    def over(self, rows: I64) -> Limit:
        return replace(self, groups=self.groups[rows])


class GroupLedger(Ledger):
    def __init__(self, limit: AtMostPerGroup) -> None:
        self.members = Members(limit.groups)
        self.left = np.full(self.members.n_groups, limit.most)

    def take(self, row: int, *, is_new: bool) -> I64:
        group = self.members.groups[row]
        self.left[group] -= 1
        return self.members.of(group) if self.left[group] == 0 else NO_ROWS


@dataclass(frozen=True)
class LeastGap(Limit):
    """Values of rows of the same group differ by at least `least`; without groups, of all rows."""

    values: F64
    least: float
    groups: I64 | None = None

    def check(self, n_rows: int) -> None:
        check_one_per_row("LeastGap.values", self.values, n_rows)
        if self.groups is not None:
            check_one_per_row("LeastGap.groups", self.groups, n_rows)
        if not self.least > 0:
            raise InvalidValueError(f"LeastGap.least must be greater than 0, got {shown(self.least)}")

    def ledger(self) -> Ledger:
        return GapLedger(self)

    def over(self, rows: I64) -> Limit:
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, values=self.values[rows], groups=groups)


class GapLedger(Ledger):
    def __init__(self, limit: LeastGap) -> None:
        self.values = np.asarray(limit.values, dtype=np.float64)
        self.least = float(limit.least)
        groups = np.zeros(len(self.values), dtype=np.int64) if limit.groups is None else limit.groups
        self.members = Members(groups, self.values)

    def take(self, row: int, *, is_new: bool) -> I64:
        rows = self.members.of(self.members.groups[row])
        values, value = self.values[rows], self.values[row]
        # A little wider than the gap, because the sums round; the differences then decide.
        reach = np.nextafter(self.least, math.inf) + np.spacing(abs(value) + self.least)
        first, last = np.searchsorted(values, [value - reach, value + reach])
        near = slice(first, last + 1)
        return np.asarray(rows[near][np.abs(values[near] - value) < self.least])


@dataclass(frozen=True)
class CostBudget(Limit):
    """The costs of the new picks sum to at most `total`. `costs` (n,) are greater than 0.

    With `per_cost`, rows are compared by their gain divided by their cost.
    """

    costs: F64
    total: float
    per_cost: bool = True

    def check(self, n_rows: int) -> None:
        check_one_per_row("CostBudget.costs", self.costs, n_rows)
        if n_rows and not np.min(self.costs) > 0:
            raise InvalidValueError(f"CostBudget.costs must be greater than 0, got {shown(float(np.min(self.costs)))}")
        if not self.total > 0:
            raise InvalidValueError(f"CostBudget.total must be greater than 0, got {shown(self.total)}")

    def ledger(self) -> Ledger:
        return CostLedger(self)

    def over(self, rows: I64) -> Limit:
        return replace(self, costs=self.costs[rows])


class CostLedger(Ledger):
    def __init__(self, limit: CostBudget) -> None:
        self.prices = np.asarray(limit.costs, dtype=np.float64)
        self.costs = self.prices / limit.total if limit.per_cost else None
        self.dearest = np.argsort(-self.prices, kind="stable")
        self.ascending = -self.prices[self.dearest]
        self.total = float(limit.total) * WITHIN
        self.spent = 0.0
        self.shut = 0  # so many of the dearest

    def shut_from_the_start(self) -> I64:
        return self._too_dear()

    def take(self, row: int, *, is_new: bool) -> I64:
        if is_new:
            self.spent += float(self.prices[row])
        return self._too_dear()

    def _too_dear(self) -> I64:
        before, left = self.shut, self.total - self.spent
        self.shut = max(before, int(np.searchsorted(self.ascending, -left)))
        return self.dearest[before : self.shut]


class Members:
    """Which rows each group has, ascending by row or by the values given."""

    def __init__(self, groups: Any, values: F64 | None = None) -> None:
        self.groups = np.asarray(groups, dtype=np.int64)
        self.n_groups = int(self.groups.max(initial=-1)) + 1
        order = np.arange(len(self.groups)) if values is None else np.argsort(values, kind="stable")
        self.order = order[np.argsort(self.groups[order], kind="stable")]
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(self.groups, minlength=self.n_groups))])

    def of(self, group: int) -> I64:
        return np.asarray(self.order[self.starts[group] : self.starts[group + 1]])
