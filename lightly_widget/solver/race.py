"""The greedy choice: argmax over the open rows of Σ strength · log P, found through bounds and settled exactly."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from .limits import Ledger, Limit
from .terms import F32, F64, I64, TIE, Beats, Floats, Potential, Steps

ROUNDING = np.float32(6e-7)  # of a float32 term: conversion, division and logarithm
FIRST_BATCH, LARGEST_BATCH = 32, 4096
WATCHED = 1024  # rows that are scored per pick while others cannot win
NO_ROWS: I64 = np.empty(0, dtype=np.int64)
LOWEST = float(np.finfo(np.float32).min)  # below it are closed rows only


class Race:
    """Which rows are open, and who is next."""

    def __init__(self, potentials: Sequence[Potential], n_rows: int, limits: Sequence[Limit] = ()) -> None:
        self.potentials = potentials
        self.ledgers: list[Ledger] = [limit.ledger() for limit in limits]
        self.price = Price(self.ledgers)
        self.alone = potentials[0] if len(potentials) == 1 and potentials[0].decides_alone else None
        self.closed = np.zeros(n_rows, dtype=bool)
        self.tight = np.zeros(n_rows, dtype=np.int32)  # the last round in which a row's bound was tightened
        self.round, self.step = 0, int(any(p.tightens for p in potentials))
        self.behind: I64 | None = None  # the next row of the same group, or −1
        self.watched = NO_ROWS  # rows of the highest bounds when all were last looked at
        self.outside = np.inf  # the highest bound of the others then
        self.barred = False  # whether a minimum distance closed any row
        self.limited = False  # whether a limit closed any row
        for ledger in self.ledgers:
            self._shut(ledger.shut_from_the_start())

    def _line_up(self, group: I64) -> None:
        """Rows of one group are alike: only the first open one of each runs, and the next when it is taken."""
        rows = np.flatnonzero(~self.closed)
        rows = rows[np.argsort(group[rows], kind="stable")]
        same = group[rows[1:]] == group[rows[:-1]]
        self.behind = np.full(len(group), -1)
        self.behind[rows[:-1][same]] = rows[1:][same]
        self.closed[rows[1:][same]] = True

    def run(self, wanted: int) -> Steps:
        """Pick after pick."""
        group = self.potentials[0].alike() if len(self.potentials) == 1 and not self.ledgers else None
        if group is not None:
            self._line_up(group)
        for _ in range(wanted):
            found = yield from self.choose()
            if found is None:
                return not (self.barred or self.limited)
            yield found
            yield from self.take(found[0])
        return True

    def choose(self) -> Generator[None, None, tuple[int, float] | None]:
        """The next row and its gain, or None when no row is eligible."""
        self.round += self.step
        self._bar()
        for potential in self.potentials:
            yield from potential.update()
        row = yield from self._watched_best()
        if row is None:
            rows, high = np.arange(len(self.closed)), self._bounds()
            row = (yield from self._best(rows, high))[0]
            self._watch(high)
        return None if row is None else (row, self._gain(row))

    def _watched_best(self) -> Generator[None, None, int | None]:
        """The best of the watched rows, where it is sure to beat all others as well."""
        if not len(self.watched):
            return None
        lift = sum(potential.lift() for potential in self.potentials)
        if lift == np.inf or (lift and (self.alone is not None or self.price.is_asked)):
            return None
        row, best = yield from self._best(self.watched, self._bounds_at(self.watched))
        return row if best > self.outside + lift else None

    def _watch(self, high: Floats) -> None:
        """Watch the rows of the highest bounds. While others' bounds are known to rise by little, these suffice."""
        self.watched = NO_ROWS
        if len(high) < 4 * WATCHED or self.behind is not None:
            return
        for potential in self.potentials:
            potential.mark()
        if any(potential.lift() == np.inf for potential in self.potentials):
            return
        top = np.argpartition(high, -WATCHED)[-WATCHED:]
        self.watched = np.sort(top[high[top] > LOWEST])
        high[top] = -np.inf
        self.outside = float(high.max())

    def _best(self, rows: I64, high: Floats) -> Generator[None, None, tuple[int | None, float]]:
        """The best of `rows`, of which `high` are bounds, and a score that no other row of them comes near to.

        Bounds that are made better on the way are so in `high` too.
        """
        high[self.closed[rows]] = -np.inf
        left = high.copy()
        best, tolerance, batch, pack = -np.inf, 0.0, FIRST_BATCH, 1
        found: list[I64] = []
        scores: list[F64] = []
        while len(left):
            top = int(left.argmax())
            if left[top] == -np.inf or left[top] < best - tolerance:
                break
            if self.tight[rows[top]] < self.round:
                at = self._loose(rows, left, batch, best - tolerance)
                for potential in self.potentials:
                    yield from potential.tighten(rows[at])
                left[at] = high[at] = self._bounds_at(rows[at])
                self._bar()
                at_closed = at[self.closed[rows[at]]]
                left[at_closed] = high[at_closed] = -np.inf
                self.tight[rows[at]] = self.round
                batch = min(4 * batch, LARGEST_BATCH)
                continue
            ready = np.flatnonzero(left >= max(best - tolerance, LOWEST))
            ready = ready[self.tight[rows[ready]] == self.round]
            ready = ready if len(ready) <= pack else ready[np.argpartition(-left[ready], pack - 1)[:pack]]
            score = self._exact(rows[ready])
            left[ready] = -np.inf
            pack = min(4 * pack, 65536)
            out = np.isnan(score)
            if out.any():  # nearer than a minimum distance
                self.closed[rows[ready[out]]] = True
                high[ready[out]] = -np.inf
                self.barred = True
                ready, score = ready[~out], score[~out]
            found.append(rows[ready])
            scores.append(score)
            best = max(best, score.max(initial=-np.inf))
            tolerance = self._tolerance(best)
            yield
        if best == -np.inf:
            return None, best
        settled, values = np.concatenate(found), np.concatenate(scores)
        return int(settled[values >= best - tolerance].min()), best - tolerance

    def _bar(self) -> None:
        """Close rows that are too near already; distances only shrink."""
        for potential in self.potentials:
            out = potential.hopeless()
            if out is not None:
                out &= ~self.closed
                self.barred = self.barred or bool(out.any())
                self.closed |= out

    def _shut(self, rows: I64) -> None:
        """Close rows that a limit shuts out."""
        rows = rows[~self.closed[rows]]
        self.limited = self.limited or len(rows) > 0
        self.closed[rows] = True

    def _loose(self, rows: I64, left: Floats, count: int, least: float) -> I64:
        """Positions of the highest bounds not yet tightened in this round."""
        at = np.flatnonzero(left >= max(least, LOWEST))
        at = at[self.tight[rows[at]] < self.round]
        return at if count >= len(at) else at[np.argpartition(left[at], -count)[-count:]]

    def _tolerance(self, best: float) -> float:
        widened = self.price.spread if best < 0 else 1.0
        if self.alone is None:
            return TIE * sum(abs(p.strength) for p in self.potentials) * max(1.0, abs(best)) * widened
        return self.alone.tolerance(best) * widened

    # Alone, a term's own value decides: the logarithm would change nothing but the digits.

    def _bounds(self) -> Floats:
        if self.alone is not None:
            score = np.asarray(self.alone.bounds() * np.float32(np.sign(self.alone.strength)))
        else:
            score = self._sum([p.log_bounds() for p in self.potentials], len(self.closed))
        return self._per_cost(score, slice(None))

    def _bounds_at(self, rows: I64) -> Floats:
        if self.alone is not None:
            score = np.asarray(self.alone.bounds_at(rows) * np.float32(np.sign(self.alone.strength)))
        else:
            score = self._sum([p.relative(p.bounds_at(rows)) for p in self.potentials], len(rows))
        return self._per_cost(score, rows)

    def _per_cost(self, score: Floats, rows: I64 | slice) -> Floats:
        if not self.price.is_asked:
            return score
        is_log = self.alone is None and any(potential.base() <= 0 for potential in self.potentials)
        return self.price.of(score, rows, is_log=is_log)

    def _sum(self, parts: list[Floats], n: int) -> F32:
        total, size = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
        for potential, values in zip(self.potentials, parts, strict=True):
            part = values.astype(np.float32, copy=False) * np.float32(potential.strength)
            total += part
            size += np.abs(part, out=part)
        size *= ROUNDING
        total += size
        return total

    def _exact(self, rows: I64) -> F64:
        return np.asarray(self._per_cost(self._exact_score(rows), rows))

    def _exact_score(self, rows: I64) -> F64:
        if self.alone is not None:
            return np.asarray(self.alone.exact(rows) * np.sign(self.alone.strength))
        return np.asarray(sum(p.strength * p.relative(p.exact(rows)) for p in self.potentials))

    def _gain(self, row: int) -> float:
        at = np.array([row])
        if len(self.potentials) == 1:
            only = self.potentials[0]
            return only.gain(row, float(only.exact(at)[0]))
        return float(self._exact_score(at)[0]) + sum(p.strength * p.log_base() for p in self.potentials)

    def take(self, row: int, *, is_new: bool = True) -> Beats:
        """The row joins the selection; not `is_new`: it was in the sample before."""
        self.closed[row] = True
        for ledger in self.ledgers:
            self._shut(ledger.take(row, is_new=is_new))
        if self.behind is not None and self.behind[row] >= 0:
            self.closed[self.behind[row]] = False
        for potential in self.potentials:
            yield from potential.inform(row)


class Price:
    """Gain per cost, where a limit asks for it."""

    def __init__(self, ledgers: Sequence[Ledger]) -> None:
        asked = [ledger.costs for ledger in ledgers if ledger.costs is not None]
        self.is_asked = len(asked) > 0
        total = np.sum(asked, axis=0) if asked else np.ones(1)
        least = float(total.min(initial=np.inf))
        self.cost: F64 = total / least  # a common factor changes no comparison
        self.spread = float(self.cost.max(initial=1.0))

    def of(self, score: Floats, rows: I64 | slice, *, is_log: bool) -> Floats:
        """A score per cost; a loss counts the more, the dearer the row. `is_log`: of the logarithm of the gain.

        A score that is better stays better, so that bounds stay bounds.
        """
        cost = self.cost[rows]
        exact = score.astype(np.float64)
        if is_log:
            return np.asarray(exact - np.log(cost))
        return np.asarray(np.where(exact > 0, exact / cost, exact * cost))
