"""The two ways to ask: `iterate`, block by block, and `solve`, all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

import numpy as np

from lightly_widget.checks import check_integer, check_number
from lightly_widget.errors import no_progress
from lightly_widget.threads import one_blas_thread

from .checks import check_rows
from .limits import Limit
from .race import Race
from .solution import Picks, Solution, StopReason
from .terms import F64, I64, Beats, Setting, Steps, Term

HEARTBEAT = 0.05
EMPTY = np.empty(0, dtype=np.int64)
NO_GAINS: F64 = np.empty(0)
Reasoned = Generator[tuple[int, float] | None, None, StopReason]


def iterate(
    terms: Sequence[Term],
    *,
    n_rows: int,
    n_picks: int,
    preselected: I64 = EMPTY,
    excluded: I64 = EMPTY,
    limits: Sequence[Limit] = (),
    device: str | None = None,
) -> Generator[Picks, None, StopReason]:
    """Yield blocks of picks, the first soon and one at least every 0.1 s; closing the generator cancels.

    `preselected` rows inform every term first and are not picked again; `excluded` rows are never picked, nor are those
    that the `limits` shut out. `device`: a torch device for the distances ("cuda", "cpu"); None takes numpy, or a GPU
    where there is one and the work is large. The picks are the same. Returns why it stopped. Raises InvalidValueError
    for shapes, values and rows that cannot be used, MissingDependencyError for a device without torch.
    """
    for name, value in (("n_rows", n_rows), ("n_picks", n_picks)):
        check_integer(name, value, least=0)
    for term in terms:
        check_number(f"{type(term).__name__}.strength", term.strength)
        term.check(n_rows)
    for limit in limits:
        limit.check(n_rows)
    before = check_rows("preselected", preselected, n_rows)
    barred = check_rows("excluded", excluded, n_rows)
    active = [term for term in terms if term.strength != 0]
    n_open = n_rows - len(np.union1d(before, barred))
    wanted = min(int(n_picks), n_open)
    steps = race(active, n_rows, wanted, before, barred, limits, device)
    with one_blas_thread():
        reason = yield from in_blocks(steps, wanted)
    return StopReason.EXHAUSTED if reason is StopReason.COMPLETE and n_picks > n_open else reason


def in_blocks(steps: Reasoned, wanted: int) -> Generator[Picks, None, StopReason]:
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


def race(
    terms: Sequence[Term],
    n_rows: int,
    wanted: int,
    before: I64,
    barred: I64,
    limits: Sequence[Limit],
    device: str | None,
) -> Reasoned:
    """Pick by pick, through the bounds of every term; or in a term's own way, where it is the only one and has one."""
    setting = Setting(n_rows, min(n_rows, wanted + len(before)), len(terms) == 1, device)
    runners = Race([term.potential(setting) for term in terms], n_rows, limits)
    runners.closed[barred] = True
    yield from setup(runners, before, barred)
    only = runners.potentials[0] if len(terms) == 1 and not limits else None
    steps = None if only is None else only.pick_alone(runners, wanted)
    if not terms:
        steps = in_order(runners, wanted)
    enough = yield from steps or runners.run(wanted)
    if enough:
        return StopReason.COMPLETE
    return StopReason.LIMIT if runners.limited else StopReason.MINIMUM_DISTANCE


def in_order(runners: Race, wanted: int) -> Steps:
    """Without any term, the rows in their own order."""
    picked = 0
    for row in np.flatnonzero(~runners.closed).tolist():
        if picked == wanted:
            break
        if not runners.closed[row]:
            yield row, 0.0
            yield from runners.take(row)
            picked += 1
    return picked == wanted or not runners.limited


def setup(runners: Race, before: I64, barred: I64) -> Beats:
    for potential in runners.potentials:
        yield from potential.prepare()
        potential.forget(barred)
    for row in before.tolist():
        yield from runners.take(row, is_new=False)
        yield


def solve(
    terms: Sequence[Term],
    *,
    n_rows: int,
    n_picks: int,
    preselected: I64 = EMPTY,
    excluded: I64 = EMPTY,
    limits: Sequence[Limit] = (),
    device: str | None = None,
    progress: Callable[[float], None] = no_progress,
) -> Solution:
    """All of `iterate`'s picks at once; `progress` may raise to cancel."""
    steps = iterate(
        terms,
        n_rows=n_rows,
        n_picks=n_picks,
        preselected=preselected,
        excluded=excluded,
        limits=limits,
        device=device,
    )
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
