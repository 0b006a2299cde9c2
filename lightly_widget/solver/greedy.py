"""The greedy loop: next pick = argmax over the free rows of Σ strength · log P, ties to the lowest row."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import numpy as np

from lightly_widget.errors import InvalidTypeError, InvalidValueError, no_progress, shown

from .potentials import (
    BalancingPotential,
    DiversityPotential,
    FacilityPotential,
    Potential,
    SubpartPotential,
    WeightingPotential,
)
from .terms import (
    I64,
    Balancing,
    Diversity,
    Picks,
    Solution,
    StopReason,
    SubpartDiversity,
    Term,
    Weighting,
    check_finite,
    check_rows,
    check_terms,
)

TIE = 1e-13
"""Scores nearer than this are ties: rounding must not decide, whatever the order of summation."""
HEARTBEAT = 0.05

EMPTY = np.empty(0, dtype=np.int64)


def make_potential(term: Term, n_rows: int) -> Potential:
    if isinstance(term, Diversity):
        check_finite("Diversity.embeddings", term.embeddings)
        return DiversityPotential(term)
    if isinstance(term, SubpartDiversity):
        check_finite("SubpartDiversity.embeddings", term.embeddings)
        return SubpartPotential(term, n_rows)
    if isinstance(term, Weighting):
        return WeightingPotential(term)
    if isinstance(term, Balancing):
        return BalancingPotential(term)
    return FacilityPotential(term)


def iterate(
    terms: Sequence[Term],
    *,
    n_rows: int,
    n_picks: int,
    preselected: I64 = EMPTY,
    excluded: I64 = EMPTY,
    device: str | None = None,
) -> Generator[Picks, None, StopReason]:
    """Yield blocks of picks, the first soon and one at least every 0.1 s; closing the generator cancels.

    `preselected` rows inform every term first and are not picked again; `excluded` rows are never picked. Returns why
    it stopped. Raises InvalidValueError for shapes, values and rows that cannot be used.
    """
    for name, value in (("n_rows", n_rows), ("n_picks", n_picks)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InvalidTypeError(f"{name} must be a whole number, got {shown(value)}")
        if value < 0:
            raise InvalidValueError(f"{name} must be at least 0, got {value}")
    check_terms(list(terms), n_rows)
    before = check_rows("preselected", preselected, n_rows)
    barred = check_rows("excluded", excluded, n_rows)
    active = [term for term in terms if term.strength != 0]
    return (yield from plain(active, n_rows, int(n_picks), before, barred))


def plain(
    terms: Sequence[Term], n_rows: int, n_picks: int, preselected: I64, excluded: I64
) -> Generator[Picks, None, StopReason]:
    """Every score of every row at every pick: right for all terms and signs."""
    potentials = [make_potential(term, n_rows) for term in terms]
    open_rows = np.ones(n_rows, dtype=bool)
    open_rows[excluded] = False
    open_rows[preselected] = False
    clock = time.perf_counter()
    for row in preselected.tolist():
        for potential in potentials:
            potential.inform(row)
        if time.perf_counter() - clock > HEARTBEAT:
            clock = time.perf_counter()
            yield Picks(EMPTY, np.empty(0), 0.0)
    tolerance = TIE * sum(abs(p.strength) for p in potentials)
    rows: list[int] = []
    gains: list[float] = []
    for done in range(n_picks):
        free = open_rows.copy()
        for potential in potentials:
            eligible = potential.eligible()
            if eligible is not None:
                free &= eligible
        if not free.any():
            if rows:
                yield Picks(np.array(rows, dtype=np.int64), np.array(gains), 1.0)
            return StopReason.MINIMUM_DISTANCE if open_rows.any() else StopReason.EXHAUSTED
        score = np.zeros(n_rows)
        for potential in potentials:
            score += potential.strength * potential.log_p()
        score[~free] = -np.inf
        row = int(np.argmax(score >= score.max() - tolerance))
        rows.append(row)
        gains.append(potentials[0].gain(row) if len(potentials) == 1 else float(score[row]))
        open_rows[row] = False
        for potential in potentials:
            potential.inform(row)
        if done == 0 or time.perf_counter() - clock > HEARTBEAT:
            clock = time.perf_counter()
            yield Picks(np.array(rows, dtype=np.int64), np.array(gains), (done + 1) / n_picks)
            rows, gains = [], []
    if rows or n_picks == 0:
        yield Picks(np.array(rows, dtype=np.int64), np.array(gains), 1.0)
    return StopReason.COMPLETE


def solve(
    terms: Sequence[Term],
    *,
    n_rows: int,
    n_picks: int,
    preselected: I64 = EMPTY,
    excluded: I64 = EMPTY,
    device: str | None = None,
    progress: Callable[[float], None] = no_progress,
) -> Solution:
    """All of `iterate`'s picks at once; `progress` may raise to cancel."""
    steps = iterate(terms, n_rows=n_rows, n_picks=n_picks, preselected=preselected, excluded=excluded, device=device)
    blocks: list[Picks] = []
    try:
        while True:
            blocks.append(next(steps))
            progress(blocks[-1].fraction)
    except StopIteration as stop:
        reason: StopReason = stop.value
    finally:
        steps.close()
    rows = np.concatenate([EMPTY, *(block.rows for block in blocks)])
    gains = np.concatenate([np.empty(0), *(block.gains for block in blocks)])
    return Solution(rows, gains, reason)
