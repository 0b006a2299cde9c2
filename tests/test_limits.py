"""Limits: in the solver against a slow reference, and through the API, the recipe and the code that it makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lightly_widget as lw
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


# --- through the API --------------------------------------------------------------------------------------------------


@pytest.fixture
def frames(tmp_path: Path) -> lw.Dataset:
    """Sixty frames of six videos, ten each, a second apart."""
    n = 60
    frame = pl.DataFrame(
        {
            "text": [f"frame {i}" for i in range(n)],
            "video": [f"v{i // 10}" for i in range(n)],
            "time_s": [float(i % 10) for i in range(n)],
            "taken": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=i % 10) for i in range(n)],
            "seconds": [1.0 + i % 3 for i in range(n)],
            "sharp": np.random.default_rng(1).random(n),
        }
    )
    dataset = lw.Dataset.from_polars(frame, name="frames", path=tmp_path)
    dataset.add_embeddings("toy", np.random.default_rng(0).standard_normal((n, 6)).astype(np.float32))
    return dataset


def columns(frame: pl.DataFrame) -> pl.DataFrame:
    """With the metadata under their own names."""
    return frame.rename({name: name.removeprefix("metadata.") for name in frame.columns})


ALL_STRATEGIES: list[Any] = [
    lw.EmbeddingDiversityStrategy(),
    lw.EmbeddingDeduplicationStrategy(0.1),
    lw.EmbeddingRepresentativeStrategy(),
    lw.EmbeddingRepresentativeStrategy(scope="local"),
    lw.EmbeddingTypicalityStrategy(),
    lw.MetadataWeightingStrategy("sharp"),
    lw.MetadataWeightingStrategy("sharp", strength=-1.0),
    lw.MetadataBalancingStrategy("video"),
    lw.RandomStrategy(stratify_by="video"),
]


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: f"{strategy.type}{strategy.strength:+g}")
def test_limits_hold_in_every_strategy(frames: lw.Dataset, strategy: lw.strategies.Strategy) -> None:
    sampling = frames.query().sampling(limits=[lw.AtMost("video", 3), lw.Gap("time_s", 3, within="video")])
    result = sampling.preview(60, [strategy])
    picked = columns(result.to_polars())
    assert 0 < picked.height <= 18
    assert picked["video"].value_counts()["count"].max() <= 3
    for _, times in picked.group_by("video"):
        assert (times["time_s"].sort().diff().drop_nulls() >= 3).all()
    assert result.stop_reason is StopReason.LIMIT
    assert result.message.startswith(f"stopped at {result.n_new} of 60: no other sample is within the limits (AtMost(")
    assert sampling.preview(5, [strategy]).new_ids == result.new_ids[:5]


def test_a_budget_takes_the_place_of_the_count(frames: lw.Dataset) -> None:
    sampling = frames.query().sampling(limits=[lw.Budget("seconds", 20)])
    result = sampling.preview(None, [lw.MetadataWeightingStrategy("sharp")])
    picked = columns(result.to_polars())
    assert 18 <= picked["seconds"].sum() <= 20
    by_gain = (
        columns(frames.query().to_polars())
        .with_columns(worth=pl.col("sharp") / pl.col("seconds"))
        .sort(-pl.col("worth"))
    )
    assert picked["sample_id"][0] == by_gain["sample_id"][0]
    assert (
        picked["sharp"].sum() > by_gain.sort(-pl.col("sharp")).filter(pl.col("seconds").cum_sum() <= 20)["sharp"].sum()
    )
    with pytest.raises(TypeError, match="n_samples_to_select must be an integer, got None; only a Budget"):
        frames.query().sampling().preview(None, [lw.RandomStrategy()])


def test_a_random_sample_does_not_look_for_what_is_cheap(frames: lw.Dataset) -> None:
    free = frames.query().sampling().preview(5, [lw.RandomStrategy()])
    within = frames.query().sampling(limits=[lw.Budget("seconds", 1_000)]).preview(5, [lw.RandomStrategy()])
    assert within.new_ids == free.new_ids


def test_the_gap_of_times_is_in_seconds_or_a_timedelta(frames: lw.Dataset) -> None:
    by_number = frames.query().sampling(limits=[lw.Gap("time_s", 4, within="video")]).preview(60, [lw.RandomStrategy()])
    by_time = frames.query().sampling(limits=[lw.Gap("taken", 4, within="video")]).preview(60, [lw.RandomStrategy()])
    assert by_time.new_ids == by_number.new_ids
    assert lw.Gap("taken", timedelta(minutes=1)) == lw.Gap("taken", 60.0)


def test_limits_are_part_of_the_recipe_and_of_its_code(frames: lw.Dataset) -> None:
    limits = [lw.AtMost("video", 2), lw.Gap("time_s", 5.0, within="video"), lw.Budget("seconds", 12.0)]
    result = frames.query().sampling(limits=limits).preview(20, [lw.EmbeddingDiversityStrategy()])
    assert [limit["type"] for limit in result.recipe["limits"]] == ["at_most", "gap", "budget"]
    assert frames.run(result.recipe).new_ids == result.new_ids
    code = result.to_python()
    assert "lw.AtMost(metadata_key='video', most=2)" in code
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert scope["result"].new_ids == result.new_ids
    older = {key: value for key, value in result.recipe.items() if key != "limits"}
    assert frames.run(older).n_new == 20


def test_partitions_keep_to_the_limits(frames: lw.Dataset) -> None:
    engine = lw.LocalEngine(1, rows_per_partition=25)
    limits = [lw.AtMost("video", 2)]
    result = frames.query().sampling(limits=limits, engine=engine).preview(30, [lw.EmbeddingDiversityStrategy()])
    assert columns(result.to_polars())["video"].value_counts()["count"].to_list() == [2] * 6
    assert result.stop_reason is StopReason.LIMIT


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (lw.AtMost("video", 2), r"limits must be a list of limits, got AtMost\("),
        (["video"], r"limits\[0\] must be a limit such as AtMost\('video', 2\), got 'video'"),
        ([{"type": "at_least"}], r"limits\[0\]: .*'at_least'.*'at_most'"),
        ([lw.AtMost("vidoe", 2)], "'vidoe'.*'video'"),
        ([lw.Gap("video", 2)], r"Gap: 'video' must hold numbers or times, got String \(first: 'v0'"),
        ([lw.Budget("time_s", 2)], "'time_s' is not greater than 0 for 6 of 60 candidates"),
    ],
)
def test_limits_that_fit_nothing_are_refused(frames: lw.Dataset, limits: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        frames.query().sampling(limits=limits).preview(3, [lw.RandomStrategy()])


def test_missing_values_are_refused_with_the_way_out(frames: lw.Dataset) -> None:
    some = frames.query().to_polars()["sample_id"].head(2).to_list()
    frames.metadata.update({sample_id: {"shot": "a"} for sample_id in some})
    with pytest.raises(ValueError, match=r"AtMost: 'shot' is missing for 58 of 60 .*\.match\(NOT\("):
        frames.query().sampling(limits=[lw.AtMost("shot", 2)]).preview(3, [lw.RandomStrategy()])


@pytest.mark.parametrize("make", [lambda: lw.AtMost("video", 0), lambda: lw.Gap("t", 0.0), lambda: lw.Budget("", 1)])
def test_limits_check_themselves(make: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
