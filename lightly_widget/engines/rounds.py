"""The two rounds that every engine goes through, and what an engine adds: where the parts are solved."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.engines.partitions import partition, restricted
from lightly_widget.solver import Limit, Picks, StopReason, Term, Weighting, iterate

I64 = NDArray[np.int64]
NO_ROWS: Final = np.empty(0, dtype=np.int64)
_NO_GAINS: Final = np.empty(0, dtype=np.float64)
_PARTS_SHARE: Final = 0.9
"""The part of the progress that goes to the first round."""

Parts = Generator[int, None, list[I64]]
"""Yields the number of parts solved so far, now and then; returns the picks of each part, in order."""


def two_rounds(
    terms: Sequence[Term],
    *,
    n_rows: int,
    n_picks: int,
    preselected: I64,
    excluded: I64,
    rows_per_partition: int,
    seed: int,
    solve_parts: Callable[[list[I64]], Parts],
    limits: Sequence[Limit] = (),
) -> Generator[Picks, None, StopReason]:
    """Solve each part, then their union. One part, or a single weighting, is solved at once and exactly."""
    n_parts = -(-n_rows // rows_per_partition)
    if n_parts < 2 or (len(terms) == 1 and isinstance(terms[0], Weighting)):
        return (
            yield from iterate(
                terms, n_rows=n_rows, n_picks=n_picks, preselected=preselected, excluded=excluded, limits=limits
            )
        )
    parts = partition(n_rows, n_parts, seed, preselected, excluded)
    kept = yield from _reported(solve_parts(parts), n_parts)
    union = np.sort(np.concatenate(kept))
    rows = np.concatenate([preselected, union])
    inside = [limit.over(rows) for limit in limits]
    reason = yield from _mapped(restricted(terms, rows), inside, rows, len(preselected), n_picks)
    if reason is StopReason.EXHAUSTED and len(union) < sum(map(len, parts)):
        # The parts left rows out that were too near, or outside the limits.
        return StopReason.LIMIT if limits else StopReason.MINIMUM_DISTANCE
    return reason


def _reported(solving: Parts, n_parts: int) -> Generator[Picks, None, list[I64]]:
    try:
        while True:
            try:
                solved = next(solving)
            except StopIteration as stop:
                answers: list[I64] = stop.value
                return answers
            yield Picks(NO_ROWS, _NO_GAINS, _PARTS_SHARE * solved / n_parts)
    finally:
        solving.close()


def _mapped(
    terms: Sequence[Term], limits: Sequence[Limit], rows: I64, n_preselected: int, n_picks: int
) -> Generator[Picks, None, StopReason]:
    """Solve over the rows, naming picks as rows of the whole."""
    solving = iterate(terms, n_rows=len(rows), n_picks=n_picks, preselected=np.arange(n_preselected), limits=limits)
    while True:
        try:
            block = next(solving)
        except StopIteration as stop:
            return StopReason(stop.value)
        yield Picks(rows[block.rows], block.gains, _PARTS_SHARE + (1 - _PARTS_SHARE) * block.fraction)
