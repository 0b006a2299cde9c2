"""The solver against a slow float64 reference, and the laws every sampling keeps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lightly_widget import solver
from lightly_widget.errors import Cancelled, InvalidTypeError, InvalidValueError
from lightly_widget.solver import (
    Balancing,
    Diversity,
    FacilityLocation,
    KernelCoverage,
    Solution,
    StopReason,
    SubpartDiversity,
    Term,
    Weighting,
)

from . import reference

KINDS = ("diversity", "subparts", "weights", "balancing", "facility", "kernel")
STRENGTHS = (1.0, -1.0, 2.5, -0.5, 0.0)
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def line(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)[:, None]


def solve(*terms: Term, n: int, k: int, **options: Any) -> Solution:
    return solver.solve(terms, n_rows=n, n_picks=k, **options)


def picks(*terms: Term, n: int, k: int, **options: Any) -> list[int]:
    return solve(*terms, n=n, k=k, **options).rows.tolist()


# --- cases for both engines -------------------------------------------------------------------------------------------


def make_case(kind: str, rng: np.random.Generator, n: int, style: str) -> dict[str, Any]:
    """A term as the reference wants it. Styles: plain floats, small integers (ties), many repeated rows."""

    def values(*shape: int) -> np.ndarray:
        if style == "integers":
            return rng.integers(0, 3, shape).astype(np.float32)
        if style == "repeats":
            return rng.standard_normal((3, *shape[1:])).astype(np.float32)[rng.integers(0, 3, shape[0])]
        return rng.standard_normal(shape).astype(np.float32)

    d = int(rng.integers(1, 5))
    if kind == "diversity":
        return {"kind": kind, "embeddings": values(n, d)}
    if kind == "kernel":
        weights = np.abs(values(n)).astype(np.float64) if rng.random() < 0.5 else None
        bandwidth = float(rng.choice([0.3, 0.7, 2.0]))
        usable = weights if weights is not None and weights.any() else None
        return {"kind": kind, "embeddings": values(n, d), "bandwidth": bandwidth, "weights": usable}
    if kind == "subparts":
        owner = rng.integers(0, n, int(rng.integers(0, 2 * n)))
        return {"kind": kind, "embeddings": values(len(owner), d), "rows": owner}
    if kind == "weights":
        return {"kind": kind, "weights": values(n).astype(np.float64)}
    if kind == "balancing":
        target = rng.integers(0, 4, d).astype(np.float64)
        target[rng.integers(d)] += 1
        return {"kind": kind, "counts": np.abs(values(n, d)), "target": target}
    k = int(rng.integers(0, 4))
    indices = rng.integers(-1, n, (n, k)).astype(np.int32)
    for row in indices:  # a neighbor appears once
        _, first = np.unique(row, return_index=True)
        row[np.setdiff1d(np.arange(k), first)] = -1
    similarities = rng.integers(0, 5, (n, k)) / 4 if style == "integers" else rng.random((n, k))
    return {"kind": kind, "indices": indices, "similarities": similarities.astype(np.float32)}


def make_term(case: dict[str, Any]) -> Term:
    a = case["strength"]
    match case["kind"]:
        case "diversity":
            return Diversity(case["embeddings"], a, case.get("minimum_distance"))
        case "subparts":
            return SubpartDiversity(case["embeddings"], case["rows"], a)
        case "weights":
            return Weighting(case["weights"], a)
        case "balancing":
            return Balancing(case["counts"], case["target"], a)
        case "kernel":
            return KernelCoverage(case["embeddings"], case["bandwidth"], a, case["weights"])
        case _:
            return FacilityLocation(case["indices"], case["similarities"], a)


def assert_as_reference(cases: list[dict[str, Any]], n: int, k: int, before: list[int], barred: list[int]) -> None:
    """Each pick is the best by the reference, given the picks before it; among ties, the lowest row."""
    result = solve(*map(make_term, cases), n=n, k=k, preselected=np.array(before), excluded=np.array(barred))
    selection = list(dict.fromkeys(before))
    for row in result.rows.tolist():
        score = reference.scores(cases, n, selection)
        score[barred] = -np.inf
        spread = 2e-12 * sum(abs(c["strength"]) for c in cases) * max(1.0, abs(score.max()))
        tied = np.flatnonzero(score >= score.max() - spread)
        clear = np.flatnonzero(score >= score.max() - spread / 100)
        assert row in tied, (row, score.tolist(), selection)
        if len(tied) == len(clear):
            assert row == tied[0], (row, score.tolist(), selection)
        selection.append(row)
    left = n - len(set(selection) | set(barred))
    if result.stop_reason is StopReason.COMPLETE:
        assert len(result.rows) == k
    elif result.stop_reason is StopReason.EXHAUSTED:
        assert left == 0
        assert len(result.rows) < k
    else:
        score = reference.scores(cases, n, selection)
        score[barred] = -np.inf
        assert left > 0
        assert not np.isfinite(score).any()


@pytest.mark.parametrize(
    "kinds", [c for r in (1, 2, 3) for c in itertools.combinations_with_replacement(KINDS, r)], ids="+".join
)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), style=st.sampled_from(["floats", "integers", "repeats"]))
def test_every_combination_picks_as_the_reference(kinds: tuple[str, ...], seed: int, style: str) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    cases = [{**make_case(kind, rng, n, style), "strength": float(rng.choice(STRENGTHS))} for kind in kinds]
    for case in cases:
        if case["kind"] == "diversity" and rng.random() < 0.3:
            case["minimum_distance"] = float(rng.choice([0.0, 0.5, 1.0, 1.5]))
    order = rng.permutation(n)
    before, barred = order[: rng.integers(0, 3)].tolist(), order[n - rng.integers(0, 2) :].tolist()
    assert_as_reference(cases, n, int(rng.integers(0, n + 2)), before, [r for r in barred if r not in before])


# --- numbers to check by hand -----------------------------------------------------------------------------------------


def test_diversity_on_a_line() -> None:
    result = solve(Diversity(line(10)), n=10, k=5)
    assert result.rows.tolist() == [0, 9, 4, 2, 6]
    assert result.gains.tolist() == [np.inf, 9, 4, 2, 2]


@pytest.mark.parametrize(("distance", "expected"), [(1.0, 5), (1.01, 3), (2.01, 2), (4.01, 1)])
def test_deduplication_on_a_line(distance: float, expected: int) -> None:
    result = solve(Diversity(line(5), minimum_distance=distance), n=5, k=5)
    assert len(result.rows) == expected
    assert result.stop_reason is (StopReason.COMPLETE if expected == 5 else StopReason.MINIMUM_DISTANCE)


def test_weighting_is_a_stable_sort() -> None:
    assert picks(Weighting(np.array([1.0, 2, 3])), n=3, k=2) == [2, 1]
    weights = np.array([2.0, -1, 2, 5, -1])
    assert picks(Weighting(weights), n=5, k=5) == [3, 0, 2, 1, 4]
    assert picks(Weighting(weights, -2.0), n=5, k=5) == [1, 4, 0, 2, 3]
    assert solve(Weighting(weights), n=5, k=2).gains.tolist() == [5, 2]


def test_two_weightings() -> None:
    assert picks(Weighting(np.array([1.0, 2, 3])), Weighting(np.array([6.0, 5, 3])), n=3, k=2) == [1, 2]


def test_balancing_by_hand() -> None:
    counts = np.array([[1, 0], [0.3, 0.7], [0, 1], [0, 1], [1, 1]])
    result = solve(Balancing(counts, np.array([0.5, 0.5])), n=5, k=2)
    assert result.rows.tolist() == [4, 1]
    shares = np.array([1.3, 1.7]) / 3
    assert result.gains == pytest.approx([0, np.sum(0.5 * np.log(0.5 / shares))])


def test_a_weight_moves_the_first_diverse_pick() -> None:
    assert picks(Diversity(line(5)), Weighting(np.array([0.0, 0, 10, 0, 0])), n=5, k=3) == [2, 0, 4]


def test_facility_location_prefers_the_row_that_stands_for_most() -> None:
    indices = np.array([[1], [-1], [1], [4], [-1]], dtype=np.int32)
    similarities = np.array([[0.5], [0], [0.5], [0.75], [0]], dtype=np.float32)
    result = solve(FacilityLocation(indices, similarities), n=5, k=5)
    assert result.rows.tolist() == [1, 4, 0, 2, 3]
    assert result.gains.tolist() == [2, 1.75, 0.5, 0.5, 0.25]


def test_subparts_rows_without_crops_come_last() -> None:
    term = SubpartDiversity(np.array([[0.0], [1], [5], [9], [4]], dtype=np.float32), np.array([1, 2, 2, 3, 3]))
    assert picks(term, n=4, k=4) == [1, 3, 2, 0]


# --- laws -------------------------------------------------------------------------------------------------------------


def random_terms(seed: int, n: int) -> list[Term]:
    rng = np.random.default_rng(seed)
    kinds = rng.choice(KINDS, int(rng.integers(1, 4)), replace=False)
    cases = [{**make_case(kind, rng, n, "floats"), "strength": float(rng.choice(STRENGTHS[:4]))} for kind in kinds]
    return [make_term(case) for case in cases]


@quick
@given(seed=st.integers(0, 2**32 - 1))
def test_fewer_picks_are_a_prefix_and_preselection_continues(seed: int) -> None:
    terms = random_terms(seed, 40)
    full = picks(*terms, n=40, k=25)
    assert picks(*terms, n=40, k=11) == full[:11]
    assert picks(*terms, n=40, k=14, preselected=np.array(full[:11])) == full[11:]


@quick
@example(seed=196)  # a tie that sums in float32 once hid
@given(seed=st.integers(0, 2**32 - 1))
def test_half_strength_twice_is_once(seed: int) -> None:
    terms = random_terms(seed, 30)
    halves = [type(t)(**{**vars(t), "strength": t.strength / 2}) for t in terms for _ in range(2)]
    assert picks(*halves, n=30, k=20) == picks(*terms, n=30, k=20)


@quick
@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([1e-12, 0.25, 3.0, 1e15]))
def test_scaling_weights_changes_nothing(seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    x, w, strength = rng.standard_normal((50, 3)).astype(np.float32), rng.random(50), float(rng.choice([1, -1]))
    expected = picks(Diversity(x), Weighting(w, strength), n=50, k=30)
    assert picks(Diversity(x), Weighting(w * factor, strength), n=50, k=30) == expected


@quick
@given(seed=st.integers(0, 2**32 - 1), exponent=st.sampled_from([-70, -40, 0, 20, 50]))
def test_moving_turning_and_scaling_embeddings_changes_nothing(seed: int, exponent: int) -> None:
    """Whole numbers, signed permutations, powers of two and whole shifts, so that the moves are exact."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-20, 20, (60, 4)).astype(np.float32)
    moved = (x[:, rng.permutation(4)] * rng.choice([-1, 1], 4) + rng.integers(-4000, 4000, 4)) * 2.0**exponent
    assert picks(Diversity(moved.astype(np.float32)), n=60, k=40) == picks(Diversity(x), n=60, k=40)


@quick
@given(seed=st.integers(0, 2**32 - 1))
def test_permuting_rows_permutes_picks(seed: int) -> None:
    """Up to ties, which random floats have none of after a fixed first pick."""
    rng = np.random.default_rng(seed)
    n = 50
    x, w, c = rng.standard_normal((n, 3)).astype(np.float32), rng.random(n), rng.random((n, 3))
    order = rng.permutation(n)
    target = np.array([1.0, 2.0, 3.0])
    first = picks(Diversity(x), Weighting(w), Balancing(c, target), n=n, k=25)
    second = picks(Diversity(x[order]), Weighting(w[order]), Balancing(c[order], target), n=n, k=25)
    assert order[second].tolist() == first


@pytest.mark.parametrize(
    ("n", "d", "k"), [(3000, 2, 1500), (9000, 16, 2000), (3000, 64, 300), (1500, 700, 100), (8300, 256, 100)]
)
def test_diverse_picks_of_larger_data_are_exact(n: int, d: int, k: int) -> None:
    """Large enough for active sets, stale bounds and guesses; compared with every distance in float64."""
    rng = np.random.default_rng(d)
    centers = rng.standard_normal((40, d)) * 3 / np.sqrt(np.arange(1, d + 1))
    x = (centers[rng.integers(0, 40, n)] + rng.standard_normal((n, d)) / np.arange(1, d + 1) + 30).astype(np.float32)
    x[1000:1200] = x[:200]
    result = solve(Diversity(x), n=n, k=k)
    nearest, row = np.full(n, np.inf), 0
    for pick, gain in zip(result.rows.tolist(), result.gains.tolist(), strict=True):
        assert pick == row
        assert gain == pytest.approx(np.sqrt(nearest[row]), rel=1e-12)
        distance = np.square(np.subtract(x, x[row], dtype=np.float64)).sum(axis=1)
        nearest = np.minimum(nearest, distance)
        row = int(np.argmax(nearest >= nearest.max() * (1 - 1e-13)))


@pytest.mark.parametrize("mix", ["alone", "weighted", "negative", "minimum", "subparts"])
def test_torch_gives_the_same_picks(mix: str) -> None:
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    n = 900
    x = np.concatenate([rng.integers(0, 4, (n // 2, 6)), rng.standard_normal((n // 2, 6))]).astype(np.float32)
    terms: list[Term] = {
        "alone": [Diversity(x)],
        "weighted": [Diversity(x), Weighting(rng.random(n))],
        "negative": [Diversity(x, -1.0)],
        "minimum": [Diversity(x, minimum_distance=1.5)],
        "subparts": [SubpartDiversity(x, rng.integers(0, n, n))],
    }[mix]
    here, there = solve(*terms, n=n, k=200), solve(*terms, n=n, k=200, device="cpu")
    assert here.rows.tolist() == there.rows.tolist()
    assert here.gains == pytest.approx(there.gains, rel=1e-12)


def test_an_unknown_device_is_refused() -> None:
    pytest.importorskip("torch")
    with pytest.raises(InvalidValueError, match="device 'abacus' cannot be used"):
        solve(Diversity(line(4)), n=4, k=2, device="abacus")


def test_all_rows_alike_are_picked_in_order() -> None:
    x = np.full((5000, 8), 0.3, dtype=np.float32)
    result = solve(Diversity(x), n=5000, k=50)
    assert result.rows.tolist() == list(range(50))
    assert result.gains[1:].tolist() == [0.0] * 49


@pytest.mark.parametrize("room", [48_000_000, 50_000])
@pytest.mark.parametrize(("n", "d", "k", "most"), [(1500, 24, 200, 8192), (2500, 12, 60, 400)])
def test_coverage_of_larger_data_is_exact(
    n: int, d: int, k: int, most: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With repeated rows, more rows than targets, and room for few similarities; beside the plain float64 greedy."""
    monkeypatch.setattr("lightly_widget.solver.kernel.MOST_KEPT", room)
    monkeypatch.setattr("lightly_widget.solver.kernel.MOST_TARGETS", most)
    rng = np.random.default_rng(d)
    centers = rng.standard_normal((30, d)) * 2
    x = (centers[rng.integers(0, 30, n)] + rng.standard_normal((n, d)) + 5).astype(np.float32)
    x[n // 2 : n // 2 + 300] = x[:300]
    result = solve(KernelCoverage(x), n=n, k=k)
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    targets = z if n <= most else z[np.sort(np.random.default_rng(0).choice(n, most, replace=False))]
    likeness = np.exp((2 * z @ targets.T - 2) / 0.7**2)
    best, free = np.zeros(len(targets)), np.ones(n, dtype=bool)
    for pick, gain in zip(result.rows.tolist(), result.gains.tolist(), strict=True):
        more = np.where(free, np.maximum(likeness - best, 0).sum(axis=1), -1)
        assert pick == np.flatnonzero(more >= more.max() - 1e-11)[0]
        assert gain == pytest.approx(more[pick] / len(targets), abs=1e-12)
        best, free[pick] = np.maximum(best, likeness[pick]), False


def test_coverage_by_hand() -> None:
    """Directions about the mean 0: two to the right, one to the left; the mean itself has none."""
    term = KernelCoverage(np.array([[1.0], [2.0], [-3.0], [0.0]], dtype=np.float32), bandwidth=1.0)
    result = solve(term, n=4, k=4)
    assert result.rows.tolist() == [0, 2, 3, 1]
    far, near = np.exp(-4.0), np.exp(-1.0)
    expected = [(2 + far + near) / 4, (1 - far) / 4, (1 - near) / 4, 0]
    assert result.gains == pytest.approx(expected)


def test_inverted_coverage_of_larger_data_is_exact() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((600, 5)).astype(np.float32)
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    likeness = np.exp((2 * z @ z.T - 2) / 0.4**2)
    best, free = np.zeros(600), np.ones(600, dtype=bool)
    for pick in picks(KernelCoverage(x, 0.4, -1.0), n=600, k=80):
        more = np.where(free, np.maximum(likeness - best, 0).sum(axis=1), np.inf)
        assert pick == np.flatnonzero(more <= more.min() + 1e-11)[0]
        best, free[pick] = np.maximum(best, likeness[pick]), False


@pytest.mark.parametrize("strength", [1.0, -1.0])
def test_weighted_coverage_of_larger_data_is_exact(strength: float) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((900, 6)).astype(np.float32)
    weights = rng.exponential(size=900) ** 3 * (rng.random(900) < 0.7)
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    likeness = np.exp((2 * z @ z.T - 2) / 0.5**2)
    best, free = np.zeros(900), np.ones(900, dtype=bool)
    shares = weights / weights.mean()
    for pick in picks(KernelCoverage(x, 0.5, strength, weights), n=900, k=100):
        more = strength * (np.maximum(likeness - best, 0) * shares).sum(axis=1)
        more[~free] = -np.inf
        assert pick == np.flatnonzero(more >= more.max() - 1e-11 * shares.max())[0]
        best, free[pick] = np.maximum(best, likeness[pick]), False


@pytest.mark.parametrize(("repeated", "unit"), [(False, 1), (True, 1), (False, 2.0**90)])
def test_balancing_of_larger_data_is_exact(repeated: bool, unit: float) -> None:
    """Large enough for the bounds on the cross-entropy; compared with logarithms of everything."""
    rng = np.random.default_rng(5)
    n, c = 4000, 20
    counts = rng.poisson(3.0, (n, c)) * (rng.random((n, c)) < 0.3)
    if repeated:
        counts = counts[rng.integers(0, n // 4, n)]
    counts[:, 7] = 0
    counts[3990:, 9] += 1
    target = rng.random(c)
    result = solve(Balancing((counts * unit).astype(np.float32), target), n=n, k=120)
    sums, share = np.zeros(c), target / target.sum()
    free = np.ones(n, dtype=bool)
    for pick in result.rows.tolist():
        total = sums + counts
        with np.errstate(invalid="ignore"):
            p = np.nan_to_num(total / total.sum(axis=1, keepdims=True))
        entropy = np.where(free, -(np.log(np.maximum(p, 1e-7)) @ share), np.inf)
        assert entropy[pick] <= entropy.min() * (1 + 1e-12)
        assert pick == np.flatnonzero(entropy <= entropy.min() * (1 + 1e-12))[0]
        sums, free[pick] = sums + counts[pick], False


@pytest.mark.parametrize("strengths", [(1.0, 1.0, 1.0), (2.0, -1.0, 0.5), (-1.0, 1.0, 1.0)])
def test_combinations_of_larger_data_are_exact(strengths: tuple[float, ...]) -> None:
    rng = np.random.default_rng(1)
    n = 1500
    x, w = rng.standard_normal((n, 16)).astype(np.float32), rng.random(n)
    counts, target = np.eye(5)[rng.integers(0, 5, n)], np.array([1.0, 2, 3, 1, 1])
    a, b, c = strengths
    rows = picks(Diversity(x, a), Weighting(w, b), Balancing(counts, target, c), n=n, k=60)
    wide, share = x.astype(np.float64), target / target.sum()
    taken: list[int] = []
    for pick in rows:
        score = b * np.log(w)
        if taken:
            between = ((wide[:, None] - wide[taken]) ** 2).sum(axis=2)
            own = between[taken]
            np.fill_diagonal(own, np.inf)
            base = own.min(axis=1).sum() if len(taken) > 1 else 0.0
            free = np.setdiff1d(np.arange(n), taken)
            score = np.full(n, -np.inf)
            score[free] = a * np.log(base + between[free].min(axis=1)) + b * np.log(w[taken].sum() + w[free])
        total = counts[taken].sum(axis=0) + counts
        p = np.maximum(total / total.sum(axis=1, keepdims=True), 1e-7)
        score = score - c * np.log(-(np.log(p) @ share))
        score[taken] = -np.inf
        assert score[pick] >= score.max() - 1e-11
        taken.append(pick)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([4, 40, 100]))
def test_watching_a_few_rows_changes_no_pick(seed: int, size: int) -> None:
    """Beside scoring all rows for every pick, as sizes below four times the watched rows do."""
    rng = np.random.default_rng(seed)
    n = 500
    style = str(rng.choice(["floats", "integers", "repeats"]))
    kinds = rng.choice(KINDS, int(rng.integers(1, 4)))
    cases = [{**make_case(kind, rng, n, style), "strength": float(rng.choice(STRENGTHS[:4]))} for kind in kinds]
    terms = [make_term(case) for case in cases]
    if rng.random() < 0.5:  # shares of weights and classes that many rows have
        weights, counts = np.exp(rng.standard_normal(n)), np.eye(4)[rng.integers(0, 4, n)]
        terms += [Weighting(weights, float(rng.choice(STRENGTHS[:4]))), Balancing(counts, np.ones(4), 2.0)]
    options = {"n": n, "k": 80, "preselected": rng.permutation(n)[: int(rng.integers(0, 3))]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightly_widget.solver.race.WATCHED", 1000)
        expected = picks(*terms, **options)
        patch.setattr("lightly_widget.solver.race.WATCHED", size)
        assert picks(*terms, **options) == expected


# --- limits, canceling, errors ---------------------------------------------------------------------------------------


def test_excluded_rows_are_never_picked_and_the_rest_runs_out() -> None:
    result = solve(Diversity(line(6)), n=6, k=9, excluded=np.array([0, 5]))
    assert result.rows[0] == 1
    assert sorted(result.rows.tolist()) == [1, 2, 3, 4]
    assert result.stop_reason is StopReason.EXHAUSTED


@pytest.mark.parametrize("terms", [[], [Weighting(np.ones(3), 0.0)]])
def test_nothing_switched_on_takes_rows_in_order(terms: list[Term]) -> None:
    assert picks(*terms, n=3, k=2) == [0, 1]


def test_no_rows_and_no_picks() -> None:
    assert solve(Diversity(np.empty((0, 3), np.float32)), n=0, k=4).stop_reason is StopReason.EXHAUSTED
    assert solve(Diversity(line(3)), n=3, k=0).stop_reason is StopReason.COMPLETE


def test_blocks_add_up_and_closing_stops() -> None:
    x = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32)
    steps = solver.iterate([Diversity(x)], n_rows=500, n_picks=400)
    first = next(block for block in steps if len(block.rows))
    assert first.rows[0] == 0
    assert 0 < first.fraction <= 1
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_signs_of_life_come_before_the_first_pick(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that jumps a second at every look, each step of the preparation is a sign of life."""
    clock = itertools.count()
    monkeypatch.setattr("lightly_widget.solver.greedy.time.perf_counter", lambda: float(next(clock)))
    x = np.random.default_rng(0).standard_normal((3000, 1000)).astype(np.float32)
    blocks = list(solver.iterate([Diversity(x)], n_rows=3000, n_picks=2))
    assert len(blocks[0].rows) == 0
    assert blocks[0].fraction == 0
    assert sum(len(block.rows) for block in blocks) == 2


def test_progress_may_cancel() -> None:
    def stop(fraction: float) -> None:
        raise Cancelled(f"at {fraction}")

    with pytest.raises(Cancelled):
        solve(Diversity(line(9)), n=9, k=3, progress=stop)


def test_memory_mapped_embeddings(tmp_path: Any) -> None:
    x = np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert picks(Diversity(mapped), n=300, k=40) == picks(Diversity(x), n=300, k=40)


NAN = np.array([[0.0], [np.nan], [1.0], [np.inf]], dtype=np.float32)
BAD: list[tuple[str, Term]] = [
    ("Diversity.embeddings has 2 rows with NaN or infinity, the first is row 1", Diversity(NAN)),
    ("SubpartDiversity.embeddings has 2 rows", SubpartDiversity(NAN, np.arange(4))),
    ("Weighting.weights has 1 rows", Weighting(np.array([1, 2, np.nan, 3]))),
    ("Balancing.counts has 1 rows", Balancing(np.array([[1.0], [2], [np.nan], [3]]), np.ones(1))),
    ("expected one for each of 4 candidates", Diversity(line(3))),
    ("must be float32, got float64", Diversity(line(4).astype(np.float64))),
    ("must be a 2-d array", Diversity(np.zeros(4, np.float32))),
    ("rows of length 0", Diversity(np.zeros((4, 0), np.float32))),
    ("minimum_distance must be finite and at least 0", Diversity(line(4), minimum_distance=-1.0)),
    ("minimum_distance must be finite", Diversity(line(4), minimum_distance=float("nan"))),
    ("KernelCoverage.embeddings has 2 rows with NaN or infinity, the first is row 1", KernelCoverage(NAN)),
    ("KernelCoverage.bandwidth must be finite and greater than 0, got 0", KernelCoverage(line(4), 0)),
    ("KernelCoverage.bandwidth must be finite", KernelCoverage(line(4), float("inf"))),
    ("strength must be finite", Diversity(line(4), float("nan"))),
    ("one per candidate", Weighting(np.ones(3))),
    ("must not be negative", Balancing(-np.ones((4, 2)), np.ones(2))),
    ("one share for each of 2 classes", Balancing(np.ones((4, 2)), np.ones(3))),
    ("above 0 in sum", Balancing(np.ones((4, 2)), np.zeros(2))),
    ("must be in 0…3, got 0…4", SubpartDiversity(line(2), np.array([0, 4]))),
    ("one row per crop", SubpartDiversity(line(2), np.array([0]))),
    ("must agree", FacilityLocation(np.zeros((4, 2), np.int32), np.zeros((4, 1), np.float32))),
    ("must be in −1…3", FacilityLocation(np.full((4, 1), 4, np.int32), np.zeros((4, 1), np.float32))),
    ("must be in 0…1", FacilityLocation(np.zeros((4, 1), np.int32), np.full((4, 1), 2, np.float32))),
]


@pytest.mark.parametrize(("message", "term"), BAD, ids=[m for m, _ in BAD])
def test_what_cannot_be_used_is_refused_by_name(message: str, term: Term) -> None:
    with pytest.raises(InvalidValueError) as caught:
        solve(term, n=4, k=4)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [1.5, True, "3", None])
def test_counts_of_picks_must_be_whole(value: Any) -> None:
    with pytest.raises(InvalidTypeError, match="n_picks must be an integer"):
        solver.solve([], n_rows=3, n_picks=value)


def test_rows_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="n_picks must be at least 0"):
        solve(n=3, k=-1)
    with pytest.raises(InvalidValueError, match="preselected holds 1 rows outside"):
        solve(Diversity(line(3)), n=3, k=1, preselected=np.array([3]))
    with pytest.raises(InvalidValueError, match="excluded holds 2 rows outside"):
        solve(Diversity(line(3)), n=3, k=1, excluded=np.array([-1, 0, 7]))


def test_thousands_of_random_inputs_pass_or_are_refused() -> None:
    """Extreme magnitudes, empty and repeated rows, any strengths: no crash, no warning, no row twice."""
    rng = np.random.default_rng(0)
    for _ in range(4_000):
        n = int(rng.integers(0, 7))
        terms = []
        for kind in rng.choice(KINDS, int(rng.integers(0, 3))):
            if n == 0 and kind in {"subparts", "facility", "balancing", "kernel"}:
                continue
            case = make_case(kind, rng, n, str(rng.choice(["floats", "integers"])))
            for key in ("embeddings", "weights", "counts"):
                if case.get(key) is not None and rng.random() < 0.3:
                    case[key] = case[key] * case[key].dtype.type(10.0 ** int(rng.integers(-30, 30)))
            terms.append(make_term({**case, "strength": float(rng.choice([*STRENGTHS, 1e3, 1e-9]))}))
        k = int(rng.integers(0, 9))
        result = solve(*terms, n=n, k=k, preselected=rng.permutation(n)[: int(rng.integers(0, 2))])
        assert len(set(result.rows.tolist())) == len(result.rows) <= k
        assert not np.isnan(result.gains).any()


# --- coverage radius --------------------------------------------------------------------------------------------------


def test_coverage_radius_by_hand() -> None:
    found = solver.coverage(line(10), np.array([0, 9, 4]), at=[1, 3, 2])
    assert found.radius == pytest.approx([9, 2, 4])
    assert found.mean == pytest.approx([4.5, 1.0, 2.0])


def test_coverage_radius_agrees_with_all_distances() -> None:
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((700, 9)) + 100).astype(np.float32)
    rows = rng.permutation(700)[:50]
    found = solver.coverage(x, rows, at=[1, 20, 50])
    distance = np.linalg.norm(x[:, None].astype(np.float64) - x[rows], axis=2)
    nearest = [distance[:, :k].min(axis=1) for k in (1, 20, 50)]
    assert found.radius == pytest.approx([d.max() for d in nearest], rel=1e-3)
    assert found.mean == pytest.approx([d.mean() for d in nearest], rel=1e-3)


def test_coverage_refuses_lengths_it_does_not_have() -> None:
    with pytest.raises(InvalidValueError, match="at must be lengths in 1…2"):
        solver.coverage(line(5), np.array([0, 1]), at=[3])


def test_class_shares_below_one_in_ten_million_count_as_that() -> None:
    # Row 2 brings a missing class, but only a share of 5e-8: below the floor it wins nothing and costs a little.
    counts = np.array([[2e7, 0], [0, 0], [0, 1]])
    term = {"kind": "balancing", "counts": counts, "target": [0.5, 0.5], "strength": 1.0}
    expected = reference.greedy([term], 3, 2, [0])
    assert expected == [1, 2]
    found = solver.solve([Balancing(counts, np.array([0.5, 0.5]))], n_rows=3, n_picks=2, preselected=np.array([0]))
    assert found.rows.tolist() == expected
