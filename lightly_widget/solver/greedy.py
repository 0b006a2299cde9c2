"""The two ways to ask: `iterate`, block by block, and `solve`, all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import numpy as np

from lightly_widget.checks import check_integer
from lightly_widget.errors import no_progress
from lightly_widget.threads import one_blas_thread

from .balancing import BalancingPotential
from .facility import FacilityPotential, cover
from .farthest import farthest
from .nearest import Beats
from .potentials import DiversityPotential, Potential, SubpartPotential, WeightingPotential
from .race import Race
from .terms import (
    F64,
    I64,
    Balancing,
    Diversity,
    Picks,
    Solution,
    StopReason,
    SubpartDiversity,
    Term,
    Weighting,
    check_rows,
    check_terms,
)

HEARTBEAT = 0.05
EMPTY = np.empty(0, dtype=np.int64)
NO_GAINS: F64 = np.empty(0)
Steps = Generator[tuple[int, float] | None, None, StopReason]
"""A pick and its gain, or None as a sign of life."""


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

    `preselected` rows inform every term first and are not picked again; `excluded` rows are never picked. `device`: a
    torch device for the distances ("cuda", "cpu"); None takes numpy, or a GPU where there is one and the work is large.
    The picks are the same. Returns why it stopped. Raises InvalidValueError for shapes, values and rows that cannot be
    used, MissingDependencyError for a device without torch.
    """
    for name, value in (("n_rows", n_rows), ("n_picks", n_picks)):
        check_integer(name, value, least=0)
    check_terms(list(terms), n_rows)
    before = check_rows("preselected", preselected, n_rows)
    barred = check_rows("excluded", excluded, n_rows)
    active = [term for term in terms if term.strength != 0]
    n_open = n_rows - len(np.union1d(before, barred))
    wanted = min(int(n_picks), n_open)
    first = active[0] if active else None
    if len(active) <= 1 and (first is None or isinstance(first, Weighting)):
        steps = in_order(first, n_rows, wanted, before, barred)
    else:
        steps = race(active, n_rows, wanted, before, barred, device)
    with one_blas_thread():
        reason = yield from in_blocks(steps, wanted)
    return StopReason.EXHAUSTED if reason is StopReason.COMPLETE and n_picks > n_open else reason


def in_blocks(steps: Steps, wanted: int) -> Generator[Picks, None, StopReason]:
    """Gather picks into blocks: the first at once, then one per heartbeat."""
    rows: list[int] = []
    gains: list[float] = []
    done, due, first = 0, time.perf_counter() + HEARTBEAT, True
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            yield Picks(np.array(rows, dtype=np.int64), np.array(gains, dtype=np.float64), 1.0)
            return StopReason(stop.value)
        if step is not None:
            rows.append(step[0])
            gains.append(step[1])
            done += 1
        if (rows and first) or time.perf_counter() > due:
            yield Picks(np.array(rows, dtype=np.int64), np.array(gains, dtype=np.float64), done / max(wanted, 1))
            first = first and not rows
            rows, gains, due = [], [], time.perf_counter() + HEARTBEAT


def in_order(term: Weighting | None, n_rows: int, wanted: int, before: I64, barred: I64) -> Steps:
    """A single weighting is a stable sort, ascending for a negative strength; no term, the rows' own order."""
    is_open = np.ones(n_rows, dtype=bool)
    is_open[before] = is_open[barred] = False
    rows = np.flatnonzero(is_open)
    if term is None:
        for row in rows[:wanted].tolist():
            yield row, 0.0
        return StopReason.COMPLETE
    weights = np.asarray(term.weights, dtype=np.float64)
    key = (-weights if term.strength > 0 else weights)[rows]
    if 0 < wanted < len(rows):
        # Sort only the rows that can be picked: those before the last one's key, and its ties in row order.
        last = np.partition(key, wanted - 1)[wanted - 1]
        better, equal = np.flatnonzero(key < last), np.flatnonzero(key == last)
        kept = np.concatenate([better, equal[: wanted - len(better)]])
        rows, key = rows[kept], key[kept]
    order = rows[np.argsort(key, kind="stable")][:wanted]
    yield from zip(order.tolist(), weights[order].tolist(), strict=True)
    return StopReason.COMPLETE


def make_potential(term: Term, n_rows: int, capacity: int, alone: bool, device: str | None = None) -> Potential:
    if isinstance(term, Diversity):
        return DiversityPotential(term, capacity, alone, device)
    if isinstance(term, SubpartDiversity):
        return SubpartPotential(term, n_rows, capacity, device)
    if isinstance(term, Weighting):
        return WeightingPotential(term)
    if isinstance(term, Balancing):
        return BalancingPotential(term)
    return FacilityPotential(term)


def race(terms: Sequence[Term], n_rows: int, wanted: int, before: I64, barred: I64, device: str | None) -> Steps:
    """Pick by pick, through the bounds of every term."""
    capacity = min(n_rows, wanted + len(before))
    potentials = [make_potential(term, n_rows, capacity, len(terms) == 1, device) for term in terms]
    runners = Race(potentials, n_rows)
    runners.closed[barred] = True
    yield from setup(runners, before, barred)
    only = potentials[0] if len(potentials) == 1 else None
    if isinstance(only, BalancingPotential) and only.group is not None:
        runners.line_up(only.group)
    if isinstance(only, DiversityPotential) and only.strength > 0:
        enough = yield from farthest(only, runners, wanted)
        return StopReason.COMPLETE if enough else StopReason.MINIMUM_DISTANCE
    if isinstance(only, FacilityPotential) and only.strength > 0:
        yield from cover(only, runners, wanted)
        return StopReason.COMPLETE
    for _ in range(wanted):
        found = yield from runners.choose()
        if found is None:
            return StopReason.MINIMUM_DISTANCE if runners.barred else StopReason.COMPLETE
        yield found
        yield from runners.take(found[0])
    return StopReason.COMPLETE


def setup(runners: Race, before: I64, barred: I64) -> Beats:
    for potential in runners.potentials:
        yield from potential.prepare()
        potential.forget(barred)
    for row in before.tolist():
        yield from runners.take(row)
        yield


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
        reason = StopReason(stop.value)
    finally:
        steps.close()
    rows = np.concatenate([EMPTY, *(block.rows for block in blocks)])
    gains = np.concatenate([NO_GAINS, *(block.gains for block in blocks)])
    return Solution(rows, gains, reason)
