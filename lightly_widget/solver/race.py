"""The greedy choice: argmax over the open rows of Σ strength · log P, found through bounds and settled exactly."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from .terms import F32, F64, I64, TIE, Beats, Floats, Potential, Steps

ROUNDING = np.float32(6e-7)  # of a float32 term: conversion, division and logarithm
FIRST_BATCH, LARGEST_BATCH = 32, 4096
LOWEST = float(np.finfo(np.float32).min)  # below it are closed rows only


class Race:
    """Which rows are open, and who is next."""

    def __init__(self, potentials: Sequence[Potential], n_rows: int) -> None:
        self.potentials = potentials
        self.alone = potentials[0] if len(potentials) == 1 and potentials[0].decides_alone else None
        self.closed = np.zeros(n_rows, dtype=bool)
        self.tight = np.zeros(n_rows, dtype=np.int32)  # the last round in which a row's bound was tightened
        self.round, self.step = 0, int(any(p.tightens for p in potentials))
        self.behind: I64 | None = None  # the next row of the same group, or −1
        self.barred = False  # whether a minimum distance closed any row

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
        group = self.potentials[0].alike() if len(self.potentials) == 1 else None
        if group is not None:
            self._line_up(group)
        for _ in range(wanted):
            found = yield from self.choose()
            if found is None:
                return not self.barred
            yield found
            yield from self.take(found[0])
        return True

    def choose(self) -> Generator[None, None, tuple[int, float] | None]:
        """The next row and its gain, or None when no row is eligible."""
        self.round += self.step
        self._bar()
        for potential in self.potentials:
            yield from potential.update()
        high = self._bounds()
        high[self.closed] = -np.inf
        best, tolerance, batch, pack = -np.inf, 0.0, FIRST_BATCH, 1
        rows: list[I64] = []
        scores: list[F64] = []
        while len(high):
            top = int(high.argmax())
            if high[top] == -np.inf or high[top] < best - tolerance:
                break
            if self.tight[top] < self.round:
                chosen = self._loose(high, batch, best - tolerance)
                for potential in self.potentials:
                    yield from potential.tighten(chosen)
                high[chosen] = self._bounds_at(chosen)
                self._bar()
                high[chosen[self.closed[chosen]]] = -np.inf
                self.tight[chosen] = self.round
                batch = min(4 * batch, LARGEST_BATCH)
                continue
            ready = np.flatnonzero((high >= max(best - tolerance, LOWEST)) & (self.tight == self.round))
            ready = ready if len(ready) <= pack else ready[np.argpartition(-high[ready], pack - 1)[:pack]]
            score = self._exact(ready)
            high[ready] = -np.inf
            pack = min(4 * pack, 65536)
            out = np.isnan(score)
            if out.any():  # nearer than a minimum distance
                self.closed[ready[out]] = True
                self.barred = True
                ready, score = ready[~out], score[~out]
            rows.append(ready)
            scores.append(score)
            best = max(best, score.max(initial=-np.inf))
            tolerance = self._tolerance(best)
            yield
        if best == -np.inf:
            return None
        settled, values = np.concatenate(rows), np.concatenate(scores)
        row = int(settled[values >= best - tolerance].min())
        return row, self._gain(row)

    def _bar(self) -> None:
        """Close rows that are too near already; distances only shrink."""
        for potential in self.potentials:
            out = potential.hopeless()
            if out is not None:
                out &= ~self.closed
                self.barred = self.barred or bool(out.any())
                self.closed |= out

    def _loose(self, high: Floats, count: int, least: float) -> I64:
        """The rows with the highest bounds not yet tightened in this round."""
        rows = np.flatnonzero((high >= max(least, LOWEST)) & (self.tight < self.round))
        return rows if count >= len(rows) else rows[np.argpartition(high[rows], -count)[-count:]]

    def _tolerance(self, best: float) -> float:
        if self.alone is None:
            return TIE * sum(abs(p.strength) for p in self.potentials) * max(1.0, abs(best))
        return self.alone.tolerance(best)

    # Alone, a term's own value decides: the logarithm would change nothing but the digits.

    def _bounds(self) -> Floats:
        if self.alone is not None:
            return np.asarray(self.alone.bounds() * np.float32(np.sign(self.alone.strength)))
        return self._sum([p.log_bounds() for p in self.potentials], len(self.closed))

    def _bounds_at(self, rows: I64) -> Floats:
        if self.alone is not None:
            return np.asarray(self.alone.bounds_at(rows) * np.float32(np.sign(self.alone.strength)))
        return self._sum([p.relative(p.bounds_at(rows)) for p in self.potentials], len(rows))

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
        if self.alone is not None:
            return np.asarray(self.alone.exact(rows) * np.sign(self.alone.strength))
        return np.asarray(sum(p.strength * p.relative(p.exact(rows)) for p in self.potentials))

    def _gain(self, row: int) -> float:
        at = np.array([row])
        if len(self.potentials) == 1:
            only = self.potentials[0]
            return only.gain(row, float(only.exact(at)[0]))
        return float(self._exact(at)[0]) + sum(p.strength * p.log_base() for p in self.potentials)

    def take(self, row: int) -> Beats:
        """The row joins the selection."""
        self.closed[row] = True
        if self.behind is not None and self.behind[row] >= 0:
            self.closed[self.behind[row]] = False
        for potential in self.potentials:
            yield from potential.inform(row)
