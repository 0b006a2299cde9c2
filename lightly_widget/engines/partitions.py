"""Greedy sampling in two rounds: each partition solves for itself, and the union of the answers is solved again.

What is known of it: for k-center (`Diversity`), two rounds are within a constant factor of greedy on all rows, since
greedy answers are composable core-sets (Indyk et al., PODS 2014; Malkomes et al., NeurIPS 2015). For monotone
submodular terms (facility location, coverage) over random partitions, 0.27 of the optimum is guaranteed and close to
greedy is usual (Mirrokni and Zadimoghaddam, STOC 2015). Weightings are exact: the top n are among the top n of the
parts. Balancing and combinations have no guarantee; benchmarks/README.md says what was measured. With a minimum
distance, the second round holds it among all final picks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidValueError
from lightly_widget.solver import (
    Balancing,
    Diversity,
    FacilityLocation,
    KernelCoverage,
    Limit,
    SubpartDiversity,
    Term,
    Weighting,
    solve,
)

I64 = NDArray[np.int64]
ROWS_PER_PARTITION: Final = 131_072


def partition(n_rows: int, n_parts: int, seed: int, preselected: I64, excluded: I64) -> list[I64]:
    """The open rows dealt out at random into `n_parts` nearly equal parts, each sorted; the same for the same seed."""
    is_open = np.ones(n_rows, dtype=bool)
    is_open[preselected] = is_open[excluded] = False
    shuffled = np.random.default_rng([seed, n_rows, n_parts]).permutation(np.flatnonzero(is_open))
    return [np.sort(part) for part in np.array_split(shuffled, n_parts)]


def solve_part(terms: Sequence[Term], rows: I64, preselected: I64, n_picks: int, limits: Sequence[Limit] = ()) -> I64:
    """The picks among `rows`, as rows of the whole. The preselected rows inform the terms and are not picked."""
    shown = np.concatenate([preselected, rows])
    solution = solve(
        restricted(terms, shown),
        n_rows=len(shown),
        n_picks=min(n_picks, len(rows)),
        preselected=np.arange(len(preselected)),
        limits=[limit.over(shown) for limit in limits],
    )
    picks: I64 = shown[solution.rows]
    return picks


def restricted(terms: Sequence[Term], rows: I64) -> list[Term]:
    """The same terms over some of the rows, in that order."""
    return [take(term, rows) for term in terms]


@singledispatch
def take(term: Any, rows: I64) -> Term:
    """A term over some of its rows, in that order."""
    raise InvalidValueError(f"an engine cannot divide the term {type(term).__name__!r}; sample without an engine")


@take.register
def _(term: Diversity, rows: I64) -> Term:
    return dataclasses.replace(term, embeddings=np.ascontiguousarray(term.embeddings[rows]))


@take.register
def _(term: Weighting, rows: I64) -> Term:
    # All parts and the union shift by the same, so that negative weights mean the same everywhere.
    shift = min(float(term.weights.min(initial=0.0)), 0.0)
    return dataclasses.replace(term, weights=term.weights[rows] - shift)


@take.register
def _(term: Balancing, rows: I64) -> Term:
    return dataclasses.replace(term, counts=term.counts[rows])


@take.register
def _(term: SubpartDiversity, rows: I64) -> Term:
    places = np.full(int(max(term.rows.max(initial=-1), rows.max(initial=-1))) + 1, -1)
    places[rows] = np.arange(len(rows))
    owners = places[term.rows]
    kept = owners >= 0
    return dataclasses.replace(term, embeddings=np.ascontiguousarray(term.embeddings[kept]), rows=owners[kept])


@take.register
def _(term: KernelCoverage, rows: I64) -> Term:
    """Each part stands for its own rows."""
    weights = None if term.weights is None else term.weights[rows]
    return dataclasses.replace(term, embeddings=np.ascontiguousarray(term.embeddings[rows]), weights=weights)


@take.register
def _(term: FacilityLocation, rows: I64) -> Term:
    """Edges to rows outside are cut: each part stands for its own rows."""
    places = np.full(len(term.indices) + 1, -1, dtype=np.int32)  # the last stands for "no neighbor", -1
    places[rows] = np.arange(len(rows), dtype=np.int32)
    indices = places[term.indices[rows]]
    similarities = np.where(indices >= 0, term.similarities[rows], np.float32(0))
    return dataclasses.replace(term, indices=indices, similarities=similarities)
