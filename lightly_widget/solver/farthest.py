"""Farthest-first picking, where diversity is the only term: a small active set does nearly all the work.

1. The rows with the highest bounds are gathered side by side, a few hundred of them, small enough for the cache.
2. Each pick updates only these. While the best of them beats every bound outside, it is the next pick.
3. When it does not, the rows with the highest bounds are brought up to date with all the picks they missed, as one
   matrix product, and the active set is chosen again. Most rows turn out to be near some pick: the pick that is nearest
   in a few leading directions is tried first, and dismisses most of them at a fraction of the cost.
4. Where rounding could decide, the general race settles it from differences in float64.
"""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np

from .nearest import BLOCK, TINY, NearestPick, product
from .terms import F32, I64, TIE, Runners, Steps

ACTIVE = 512
CACHED = 400_000  # elements that stay in one core's cache from pick to pick
BATCH = 8192
LOWERED = 0.97  # rows guessed nearer than this part of the best bound are left for later
SETTLED = 32  # more rows than this within rounding of the best are left to the race
DISPUTED = 8  # in one of so many rows of the set, rounding could decide
PAUSE = 0.04  # seconds between reports
Step = tuple[int, float] | None


class ActiveSet:
    """The vectors and current bounds of the rows most likely to be picked."""

    def __init__(self, near: NearestPick) -> None:
        self.near = near
        self.rows: I64 = np.empty(0, dtype=np.int64)
        self.bound: F32 = np.empty(0, dtype=np.float32)
        self.outside = np.inf  # the highest bound of the rows not in the set
        self.guesses = True
        self.disputed = 0  # rows settled exactly since the set was chosen
        self.size = int(np.clip(CACHED // max(near.d, 1), 64, ACTIVE))

    def renew(self) -> Generator[None, None, None]:
        """Bring the highest bounds up to date and take in the best of them."""
        near = self.near
        self.store()
        batch = min(BATCH, len(near.bound))
        top = np.argpartition(near.bound, -batch)[-batch:]
        top = top[near.bound[top] >= 0]
        if near.shadow is not None and self.guesses and self.best() > 0:
            least = np.float32(self.best() * LOWERED)
            stale = top[(near.seen[top] < near.size) & (near.bound[top] > least)]
            yield from near.guess(stale)
            # Where distances are alike in all directions, guesses dismiss too few rows to pay.
            self.guesses = bool(np.count_nonzero(near.bound[stale] > least) <= 0.6 * len(stale))
            top = top[near.bound[top] > least]
        yield from near.refresh(top)
        if len(top) > self.size:
            top = top[np.argpartition(near.bound[top], -self.size)[-self.size :]]
        if self.disputed > len(top) // DISPUTED:  # they will be again: together they cost less than one by one
            yield from near.settle(top)
        self.disputed = 0
        self.rows, self.bound = top, near.bound[top]
        self.vectors, self.squares = near.block(top), near.squares[top]
        self.dots = np.empty(len(top), dtype=np.float32)
        near.bound[top] = -2
        self.outside = float(near.bound.max(initial=-1))
        near.bound[top] = self.bound

    def store(self) -> None:
        """Hand the current bounds back."""
        self.near.bound[self.rows] = self.bound
        self.near.seen[self.rows] = self.near.size

    def leader(self) -> int | None:
        """The row that is next, if this set holds it; settled exactly where rounding could decide."""
        if not len(self.rows):
            return None
        at = int(self.bound.argmax())
        sure = self.bound[at] - 2 * self.near.gamma * (self.squares[at] + self.near.largest) - 4 * TINY
        if not sure > self.outside:
            return None
        close = np.flatnonzero(self.bound >= sure)
        if len(close) == 1:
            return int(self.rows[at])
        if len(close) > SETTLED:
            return None
        rows = self.rows[close]
        self.disputed += len(rows)
        exact = self.near.exact(rows)
        self.bound[close] = np.minimum(self.bound[close], exact * (1 + 2.0**-20))
        return int(rows[exact >= exact.max() * (1 - TIE)].min())

    def best(self) -> float:
        return float(self.bound.max(initial=-1))

    def follow(self) -> None:
        """Account for the newest pick."""
        near, k = self.near, self.near.size - 1
        if len(self.rows):
            found = product(self.vectors, near.points(k, k + 1)[0], out=self.dots)
            found *= -2
            found += self.squares
            found += near.point_squares[k]
            np.minimum(self.bound, np.maximum(found, 0, out=found), out=self.bound)
            self.bound[self.rows == near.rows[k]] = -1


def farthest(near: NearestPick, minimum_square: float, runners: Runners, wanted: int) -> Steps:
    """Picks and gains as the race would give them; False where no eligible row is left."""
    least = minimum_square * (1 + 1e-3)  # below, only the exact distance tells
    if near.size == 0 and wanted:
        first = int(np.argmin(runners.closed))
        yield first, np.inf
        yield from runners.take(first)
        wanted -= 1
    near.bound[runners.closed] = -1
    active, told, due = ActiveSet(near), near.size, time.perf_counter()
    for _ in range(wanted):
        if active.best() <= active.outside:
            yield from active.renew()
        row = active.leader()
        if row is None or active.best() < least:
            active.store()
            found = yield from runners.choose()
            if found is None:
                yield from report(near, told)
                return False
            row = found[0]
        runners.closed[row] = True
        near.add(row)
        near.bound[row] = -1
        active.follow()
        if time.perf_counter() > due:
            yield from report(near, told)
            told, due = near.size, time.perf_counter() + PAUSE
    yield from report(near, told)
    return True


def report(near: NearestPick, told: int) -> Generator[Step, None, None]:
    """The picks not told yet. Their gains are one matrix product together, many small ones each for itself."""
    for low in range(told, near.size, BLOCK):
        high = min(near.size, low + BLOCK)
        gains = np.sqrt(near.to_earlier(np.arange(low, high))) * near.unit
        yield from zip(near.rows[low:high].tolist(), gains.tolist(), strict=True)
