"""Probes and learning curves: held-out samples stay out, shuffled labels give no gain, sentences only where certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from lightly_widget.errors import InvalidValueError
from lightly_widget.worth import (
    default_budgets,
    fit_probe,
    hold_out,
    iou,
    label_doubt,
    learning_curve,
    match_boxes,
    out_of_fold,
    uncertainty,
)


def blobs(
    n: int, d: int = 16, classes: int = 4, seed: int = 0, spread: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Classes of unequal size around centers of their own."""
    rng = np.random.default_rng(seed)
    shares = 1.0 / np.arange(1, classes + 1)
    codes = rng.choice(classes, size=n, p=shares / shares.sum())
    centers = rng.normal(size=(classes, d)) * 2
    return (centers[codes] + spread * rng.normal(size=(n, d))).astype(np.float32), codes


def one_per_class_first(codes: NDArray[np.int64]):  # type: ignore[no-untyped-def]
    """A sampler that knows the labels and deals the classes out in turn: better than random on unequal classes."""

    def pick(pool: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        turn = np.zeros(len(pool))
        for code in np.unique(codes[pool]):
            of_class = np.flatnonzero(codes[pool] == code)
            turn[of_class] = np.arange(len(of_class))
        return pool[np.argsort(turn, kind="stable")][:count]

    return pick


def as_they_come(pool: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return pool[:count]


# -- the probe ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d"), [(40, 8), (40, 300)])
def test_the_probe_is_scikit_learns_logistic_regression(n: int, d: int) -> None:
    """Working in the span of the samples changes nothing, with more and with fewer samples than dimensions."""
    vectors, codes = blobs(n + 200, d, classes=3)
    probe = fit_probe(vectors[:n], codes[:n])
    centered = (vectors - vectors[:n].mean(axis=0)).astype(np.float64)
    scale = np.sqrt(np.square(centered[:n]).sum(axis=1).mean())
    reference = LogisticRegression(C=probe.regularization, max_iter=5_000, tol=1e-8)
    reference.fit(centered[:n] / scale, codes[:n])
    expected = reference.predict_proba(centered[n:] / scale)
    np.testing.assert_allclose(probe.probabilities(vectors[n:]), expected, atol=2e-2)
    assert (probe.predict(vectors[n:]) == reference.predict(centered[n:] / scale)).mean() > 0.98


def test_two_classes_and_one_class() -> None:
    vectors, codes = blobs(60, classes=2)
    probe = fit_probe(vectors, codes)
    assert (probe.predict(vectors) == codes).mean() > 0.9
    np.testing.assert_allclose(probe.probabilities(vectors).sum(axis=1), 1, rtol=1e-5)
    only = fit_probe(vectors, np.full(60, 7))
    assert set(only.predict(vectors)) == {7}


def test_no_samples_is_an_error() -> None:
    with pytest.raises(InvalidValueError, match="at least one labeled sample"):
        fit_probe(np.empty((0, 4), dtype=np.float32), np.empty(0, dtype=np.int64))


def test_out_of_fold_names_the_flipped_labels() -> None:
    """A sample's own label has no say in its out-of-fold probability: flipped labels come out as improbable."""
    vectors, codes = blobs(300, classes=3, spread=0.7)
    flipped = np.random.default_rng(1).choice(300, 15, replace=False)
    wrong = codes.copy()
    wrong[flipped] = (codes[flipped] + 1) % 3
    probabilities = out_of_fold(vectors, wrong)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    of_label = probabilities[np.arange(300), wrong]
    assert np.isin(np.argsort(of_label)[:15], flipped).mean() > 0.9


# -- what is held out --------------------------------------------------------------------------------------------------


@given(
    codes=st.lists(st.integers(-1, 4), min_size=1, max_size=200).map(np.array),
    seed=st.integers(0, 5),
    share=st.floats(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_held_out_samples_are_labeled_and_not_kept(codes: NDArray[np.int64], seed: int, share: float) -> None:
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(codes)) < share)
    rows = hold_out(codes, kept=kept, seed=seed)
    assert (codes[rows] >= 0).all()
    assert not np.isin(rows, kept).any()
    assert len(np.unique(rows)) == len(rows) <= len(codes) // 4
    for code in range(5):
        free = np.count_nonzero(np.delete(codes, kept) == code)
        assert abs(np.count_nonzero(codes[rows] == code) - free / 4) <= 2


def test_what_is_held_out_is_never_sampled_from() -> None:
    vectors, codes = blobs(400)
    seen: list[NDArray[np.int64]] = []

    def spy(pool: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        seen.append(pool)
        return pool[:count]

    kept = np.arange(10)
    learning_curve(vectors, codes, {"spy": spy}, [10, 20], kept=kept, n_random=2)
    (pool,) = seen
    held_out = hold_out(codes, kept=kept)
    assert not np.isin(pool, held_out).any()
    assert not np.isin(pool, kept).any()
    with pytest.raises(InvalidValueError, match="held out"):
        learning_curve(vectors, codes, {"cheat": lambda pool, count: held_out[:count]}, [10], n_random=2)


# -- curves ------------------------------------------------------------------------------------------------------------


def test_a_better_sampler_is_seen_to_be_better() -> None:
    vectors, codes = blobs(1_500, classes=12, spread=1.6)
    curve = learning_curve(vectors, codes, {"in turn": one_per_class_first(codes)}, [24, 48, 96, 192])
    ours = curve.curves[0]
    assert (ours.balanced_accuracy > curve.random.balanced_high)[:2].all()
    assert (np.diff(curve.random.accuracy) > 0).all()


def test_shuffled_labels_give_no_gain() -> None:
    """Labels that say nothing about the vectors leave nothing to win: few intervals miss zero, and no better ones."""
    vectors, codes = blobs(600)
    certain = 0
    for seed in range(8):
        shuffled = np.random.default_rng(seed).permutation(codes)
        curve = learning_curve(vectors, shuffled, {"first": as_they_come}, [30, 90], n_random=5, seed=seed)
        certain += np.count_nonzero(np.abs(curve.curves[0].gain) > curve.curves[0].margin)
    assert certain <= 3


def test_the_same_seed_gives_the_same_curve() -> None:
    vectors, codes = blobs(300)
    first, again = (learning_curve(vectors, codes, {"a": as_they_come}, [10, 40], n_random=3) for _ in range(2))
    np.testing.assert_array_equal(first.curves[0].accuracy, again.curves[0].accuracy)
    np.testing.assert_array_equal(first.random.accuracy, again.random.accuracy)


def test_findings_say_nothing_of_noise() -> None:
    vectors, codes = blobs(200, spread=4.0)
    curve = learning_curve(vectors, codes, {"diverse": as_they_come}, [10, 12], n_random=4)
    said = " ".join(curve.findings())
    assert "no difference from random" in said
    assert "nothing that can be measured" in said


def test_findings_count_in_random_labels() -> None:
    vectors, codes = blobs(4_000, classes=30, spread=1.2)
    curve = learning_curve(vectors, codes, {"in turn": one_per_class_first(codes)}, [30, 60, 120, 240, 480])
    said = " ".join(curve.findings())
    assert "points above random" in said
    assert "random ones do" in said


def test_progress_runs_to_the_end_and_can_cancel() -> None:
    vectors, codes = blobs(100)
    told: list[float] = []
    learning_curve(vectors, codes, {"a": as_they_come}, [10, 20], n_random=2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learning_curve(vectors, codes, {"a": as_they_come}, [10], n_random=2, progress=stop)


def test_as_a_frame() -> None:
    vectors, codes = blobs(200)
    frame = learning_curve(vectors, codes, {"a": as_they_come}, [10, 20], n_random=2).to_polars()
    assert frame["strategy"].to_list() == ["a", "a", "random", "random"]
    assert frame["n_labels"].to_list() == [10, 20, 10, 20]
    assert frame["accuracy"].is_between(0, 1).all()
    assert frame.filter(strategy="random")["gain"].is_null().all()


@pytest.mark.parametrize(
    ("codes", "budgets", "match"),
    [
        (np.zeros(100), [10], "at least two classes"),
        (np.full(100, -1), [10], "at least two classes"),
        (np.arange(100) % 2, [], "ascending"),
        (np.arange(100) % 2, [20, 10], "ascending"),
        (np.arange(100) % 2, [0, 10], "ascending"),
        (np.arange(100) % 2, [90], "too few for a budget of 90"),
    ],
)
def test_bad_input_is_named(codes: NDArray[np.int64], budgets: list[int], match: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    with pytest.raises(InvalidValueError, match=match):
        learning_curve(vectors, codes.astype(np.int64), {"a": as_they_come}, budgets)


@given(st.integers(1, 100_000))
def test_default_budgets_ascend_to_n(n: int) -> None:
    budgets = default_budgets(n)
    assert list(budgets) == sorted(set(budgets))
    assert budgets[-1] == n
    assert len(budgets) <= 6


# -- uncertainty and likely errors -------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(1, 30), st.integers(0, 100))
def test_uncertainty_is_what_its_words_say(k: int, n: int, seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.full(k, 0.5), size=n)
    found = uncertainty(probabilities)
    np.testing.assert_array_equal(found.guess, probabilities.argmax(axis=1))
    np.testing.assert_allclose(found.confidence, probabilities.max(axis=1))
    ranked = np.sort(probabilities, axis=1)
    runner_up = ranked[:, -2] if k > 1 else np.zeros(n)
    np.testing.assert_allclose(found.margin, ranked[:, -1] - runner_up)
    assert ((found.entropy >= 0) & (found.entropy <= 1)).all()


def test_entropy_ends_at_its_ends() -> None:
    found = uncertainty(np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]))
    np.testing.assert_allclose(found.entropy, [0, 1])
    np.testing.assert_allclose(found.margin, [1, 0])


def test_doubt_is_zero_for_the_best_guess_and_one_for_a_certain_other() -> None:
    probabilities = np.array([[0.7, 0.3], [1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(label_doubt(probabilities, np.array([0, 0, 1])), [0, 0, 1])


# -- boxes -------------------------------------------------------------------------------------------------------------

BOXES = st.lists(
    st.tuples(
        st.floats(0, 50), st.floats(0, 50), st.floats(0, 40), st.floats(0, 40), st.integers(0, 2), st.floats(0, 1)
    ),
    max_size=8,
)


def test_iou_by_hand() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 2, 2], [5, 5, 1, 1], [0, 0, 0, 0]])
    expected = [[1, 1 / 7, 0, 0], [1 / 7, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(iou(boxes, boxes), expected)


@given(BOXES, BOXES, st.floats(0.05, 1))
def test_matches_are_pairs_of_one_class_with_enough_overlap(predicted: list, labeled: list, least: float) -> None:  # type: ignore[type-arg]
    p = np.array(predicted, dtype=np.float64).reshape(-1, 6)
    t = np.array(labeled, dtype=np.float64).reshape(-1, 6)
    found = match_boxes(p[:, :4], p[:, 4].astype(int), p[:, 5], t[:, :4], t[:, 4].astype(int), least_iou=least)
    matched = np.flatnonzero(found.of_prediction >= 0)
    overlaps = iou(p[:, :4], t[:, :4])
    for row in matched:
        other = found.of_prediction[row]
        assert found.of_label[other] == row
        assert p[row, 4] == t[other, 4]
        assert overlaps[row, other] >= least
    assert found.false_positives == len(p) - len(matched)
    assert found.false_negatives == len(t) - len(matched)
    free = (found.of_prediction < 0)[:, None] & (found.of_label < 0)[None, :] & (p[:, None, 4] == t[None, :, 4])
    assert not (free & (overlaps >= least)).any()


def test_the_surest_prediction_chooses_first() -> None:
    label = np.array([[0, 0, 10, 10]])
    predicted = np.array([[0, 0, 10, 9], [0, 0, 10, 10]])
    found = match_boxes(predicted, np.zeros(2, int), np.array([0.9, 0.5]), label, np.zeros(1, int))
    assert found.of_prediction.tolist() == [0, -1]
    assert (found.false_positives, found.false_negatives) == (1, 0)
