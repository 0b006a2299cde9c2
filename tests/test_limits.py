"""Limits: in the solver against a slow reference, and through the API, the recipe and the code that it makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightly_widget import solver
from lightly_widget.solver import AtMostPerGroup, CostBudget, LeastGap, Limit, StopReason

from . import reference
from .test_solver import KINDS, STRENGTHS, make_case, make_term


def make_limit(rng: np.random.Generator, n: int) -> dict[str, Any]:
    groups = rng.integers(0, 3, n)
    match rng.integers(0, 3):
        case 0:
            return {"kind": "at_most", "groups": groups, "most": int(rng.integers(1, 4))}
        case 1:
            values = rng.integers(0, 8, n) * float(rng.choice([0.1, 1.0]))
            return {"kind": "gap", "values": values, "least": 0.3, "groups": groups if rng.random() < 0.5 else None}
        case _:
            costs = rng.choice([0.1, 0.2, 1.0, 3.0], n)
            return {"kind": "budget", "costs": costs, "total": float(rng.choice([0.3, 2.0, 5.0]))}


def as_limit(case: dict[str, Any]) -> Limit:
    match case["kind"]:
        case "at_most":
            return AtMostPerGroup(case["groups"], case["most"])
        case "gap":
            return LeastGap(case["values"], case["least"], case["groups"])
        case _:
            return CostBudget(case["costs"], case["total"])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), style=st.sampled_from(["floats", "integers", "repeats"]), size=st.integers(0, 3))
def test_every_pick_is_the_best_within_the_limits(seed: int, style: str, size: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 10))
    kinds = rng.choice(KINDS, size).tolist()
    terms = [{**make_case(kind, rng, n, style), "strength": float(rng.choice(STRENGTHS))} for kind in kinds]
    limits = [make_limit(rng, n) for _ in range(rng.integers(1, 3))]
    order = rng.permutation(n)
    before, barred = order[: rng.integers(0, 3)].tolist(), order[n - rng.integers(0, 2) :].tolist()
    barred = [row for row in barred if row not in before]
    k = int(rng.integers(0, n + 2))
    result = solver.solve(
        [make_term(term) for term in terms],
        n_rows=n,
        n_picks=k,
        preselected=np.array(before, dtype=np.int64),
        excluded=np.array(barred, dtype=np.int64),
        limits=[as_limit(limit) for limit in limits],
    )
    picks: list[int] = []

    def scores() -> np.ndarray:
        score = reference.scores_per_cost(terms, n, [*before, *picks], limits)
        out = [row for row in range(n) if not reference.within(limits, before, picks, row)]
        score[[*barred, *before, *picks, *out]] = -np.inf
        return score

    for row in result.rows.tolist():
        score = scores()
        spread = 1e-10 * sum(abs(term["strength"]) for term in terms) * max(1.0, abs(score.max()))
        tied = np.flatnonzero(score >= score.max() - spread)
        assert row in tied, (row, score.tolist(), picks)
        if len(tied) == len(np.flatnonzero(score >= score.max() - spread / 1e4)):
            assert row == tied[0], (row, score.tolist(), picks)
        picks.append(row)
    if len(picks) < k:
        assert not np.isfinite(scores()).any()
    n_open = n - len(before) - len(barred)
    if len(picks) < min(k, n_open):
        assert result.stop_reason is StopReason.LIMIT
    else:
        assert result.stop_reason is (StopReason.EXHAUSTED if k > n_open else StopReason.COMPLETE)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_fewer_picks_within_limits_are_a_prefix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    terms = [
        make_term({**make_case(kind, rng, n, "floats"), "strength": float(rng.choice(STRENGTHS))})
        for kind in rng.choice(KINDS, rng.integers(0, 3))
    ]
    limits = [as_limit(make_limit(rng, n)) for _ in range(2)]
    most = solver.solve(terms, n_rows=n, n_picks=n, limits=limits).rows.tolist()
    few = int(rng.integers(0, len(most) + 1))
    assert solver.solve(terms, n_rows=n, n_picks=few, limits=limits).rows.tolist() == most[:few]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_limit_counts_what_was_in_the_sample_before(seed: int) -> None:
    """Without budgets, which are for new picks, continuing gives the rows of asking at once."""
    rng = np.random.default_rng(seed)
    n = 30
    terms = [make_term({**make_case(kind, rng, n, "floats"), "strength": 1.0}) for kind in rng.choice(KINDS, 2)]
    limits = [as_limit(limit) for limit in (make_limit(rng, n), make_limit(rng, n)) if limit["kind"] != "budget"]
    whole = solver.solve(terms, n_rows=n, n_picks=n, limits=limits).rows
    few = len(whole) // 2
    rest = solver.solve(terms, n_rows=n, n_picks=n, preselected=whole[:few], limits=limits).rows
    assert rest.tolist() == whole[few:].tolist()


def test_limits_of_larger_data_hold() -> None:
    """Enough rows that the solver watches a few and packs its bounds."""
    rng = np.random.default_rng(0)
    n = 6_000
    x = rng.standard_normal((n, 8)).astype(np.float32)
    groups, times, costs = rng.integers(0, 50, n), rng.random(n) * 1_000, rng.uniform(1, 5, n)
    terms = [solver.Diversity(x), solver.Weighting(rng.random(n))]
    limits = [AtMostPerGroup(groups, 5), LeastGap(times, 0.5, groups), CostBudget(costs, 400.0)]
    rows = solver.solve(terms, n_rows=n, n_picks=n, limits=limits).rows
    assert np.bincount(groups[rows]).max() <= 5
    for group in range(50):
        inside = np.sort(times[rows[groups[rows] == group]])
        assert (np.diff(inside) >= 0.5).all()
    assert costs[rows].sum() <= 400.0 * (1 + 1e-9)
    assert costs[rows].mean() < costs.mean()  # the cheap are preferred


def test_three_tenths_are_within_a_budget_of_three_tenths() -> None:
    rows = solver.solve([], n_rows=4, n_picks=4, limits=[CostBudget(np.full(4, 0.1), 0.3)]).rows
    assert rows.tolist() == [0, 1, 2]


def test_gain_per_cost_by_hand() -> None:
    weights, costs = np.array([10.0, 6.0, 6.0]), np.array([10.0, 3.0, 3.0])
    term = solver.Weighting(weights)
    budget = [CostBudget(costs, 12.0)]
    assert solver.solve([term], n_rows=3, n_picks=3, limits=budget).rows.tolist() == [1, 2]
    by_gain = [CostBudget(costs, 12.0, per_cost=False)]
    assert solver.solve([term], n_rows=3, n_picks=3, limits=by_gain).rows.tolist() == [0]


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (AtMostPerGroup(np.zeros(2, dtype=np.int64), 1), "AtMostPerGroup.groups must be one per candidate"),
        (AtMostPerGroup(np.zeros(3, dtype=np.int64), 0), "AtMostPerGroup.most must be at least 1, got 0"),
        (LeastGap(np.array([0.0, np.nan, 1.0]), 1.0), "LeastGap.values has 1 rows with NaN or infinity"),
        (LeastGap(np.zeros(3), 0.0), "LeastGap.least must be greater than 0, got 0"),
        (CostBudget(np.array([0.0, 1.0, 1.0]), 1.0), "CostBudget.costs must be greater than 0, got 0"),
        (CostBudget(np.ones(3), 0.0), "CostBudget.total must be greater than 0, got 0"),
    ],
)
def test_limits_that_cannot_be_used_are_refused(limit: Limit, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        solver.solve([], n_rows=3, n_picks=1, limits=[limit])
