"""The explorer's worth of labels, labels given by hand, and limits; with a stand-in browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import lightly_widget as lw
from lightly_widget.sampling.metrics import CoverageCurve
from tests.test_widget import Front

N = 240


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> lw.Dataset:
    """Four groups that embeddings tell apart, of very unequal size."""
    rng = np.random.default_rng(0)
    code = rng.choice(4, N, p=[0.7, 0.2, 0.06, 0.04])
    vectors = (rng.standard_normal((4, 8))[code] * 2 + rng.standard_normal((N, 8))).astype(np.float32)
    names = np.array(["car", "bus", "tram", "boat"])[code].tolist()
    frame = pl.DataFrame({"text": ["-"] * N, "city": [f"c{i % 5}" for i in range(N)], "kind": names})
    dataset = lw.Dataset.from_polars(frame, name="streets", path=tmp_path_factory.mktemp("worth"))
    dataset.add_embeddings("toy", vectors)
    ids = dataset.query().to_polars()["sample_id"].to_list()
    dataset.labels.add_classifications(dict(zip(ids, names, strict=True)), "truth")
    return dataset


@pytest.fixture
def front(dataset: lw.Dataset) -> Iterator[Front]:
    front = Front(dataset)
    front.ask("hello", protocol=1)
    yield front
    front.close()


def labels_of(dataset: lw.Dataset, source: str) -> dict[str, str]:
    if source not in dataset.labels.sources():
        return {}
    frame = dataset.query().annotations(source)
    return dict(frame.select("sample_id", pl.col("class_name").cast(pl.String)).iter_rows())


# Worth ----------------------------------------------------------------------------------------------------------------


def test_the_worth_of_a_sample_beside_b_and_random(front: Front) -> None:
    front.sample_now(n_samples_to_select=12)
    front.ask("compare", op="keep")
    front.sample_now(n_samples_to_select=12, strategies=[{"type": "random", "strength": 1.0}])
    answer = front.ask("worth", n_samples_to_select=12, labels="truth")[-1]
    curves = answer["curves"]
    assert [curve["name"] for curve in curves["curves"]] == ["A", "B"]
    assert curves["budgets"][-1] == 12
    for curve in curves["curves"]:
        assert len(curve["accuracy"]) == len(curve["balanced"]) == len(curves["budgets"])
        assert all(0 <= value <= 1 for value in curve["accuracy"])
    assert all(low <= high for low, high in zip(curves["accuracy"]["low"], curves["accuracy"]["high"], strict=True))
    assert (curves["n_labeled"], curves["n_held_out"]) == (N, N // 4)
    assert any(finding.startswith("A: ") for finding in answer["findings"])


def test_the_panel_and_python_measure_the_same(front: Front, dataset: lw.Dataset) -> None:
    front.sample_now(n_samples_to_select=12)
    curves = front.ask("worth", n_samples_to_select=12, labels="kind")[-1]["curves"]
    expected = front.sample.worth("kind")
    assert curves["budgets"] == list(expected.budgets)
    assert curves["curves"][0]["accuracy"] == expected.curves[0].accuracy.tolist()


def test_b_of_other_candidates_is_left_out_and_said_so(front: Front, dataset: lw.Dataset) -> None:
    front.sample_now(n_samples_to_select=12)
    front.ask("compare", op="keep")
    front.ask("select_points", op="replace", points=list(range(200)))
    front.sample_now(n_samples_to_select=12, candidates={"from": "selection"})
    answer = front.ask("worth", n_samples_to_select=12, labels="truth")[-1]
    assert [curve["name"] for curve in answer["curves"]["curves"]] == ["This sample"]
    assert answer["findings"][-1].startswith("B is left out")


def test_without_labels_the_coverage_curve_and_its_bend(front: Front) -> None:
    front.sample_now(n_samples_to_select=80)
    answer = front.ask("worth", n_samples_to_select=80, labels=None)[-1]
    assert answer["curves"] is None
    assert answer["coverage"]["at"][-1] == 80
    assert answer["knee"] is None or answer["knee"] in answer["coverage"]["at"]


def test_the_bend_of_a_coverage_curve() -> None:
    at = list(range(1, 101))
    none = np.zeros(100)
    bent = CoverageCurve(at, np.maximum(1 - np.arange(100) / 10, 0.1), none, none, none)
    assert bent.knee == 10
    straight = CoverageCurve(at, np.linspace(1, 0, 100), none, none, none)
    assert straight.knee is None


def test_worth_needs_a_sample_and_known_labels(front: Front) -> None:
    assert "press Sample" in front.ask("worth", n_samples_to_select=5, labels="truth")[-1]["message"]
    front.sample_now()
    assert "'trut'" in front.ask("worth", n_samples_to_select=5, labels="trut")[-1]["message"]


def test_samples_of_other_candidates_are_refused_beside(dataset: lw.Dataset) -> None:
    whole = dataset.query().sampling().preview(20, [lw.RandomStrategy()])
    part = dataset.query()[:100].sampling().preview(20, [lw.RandomStrategy()])
    with pytest.raises(ValueError, match=r"beside\[0\] must be a sample of the same candidates"):
        whole.worth("truth", beside=[part])


# Labels ---------------------------------------------------------------------------------------------------------------


def test_labels_are_given_changed_taken_away_and_undone(front: Front, dataset: lw.Dataset) -> None:
    ids = front._session.points.ids([0, 1, 2])
    assert front.ask("label", source="mine", class_name="cat", points=[0, 1, 2])[-1]["count"] == 3
    assert labels_of(dataset, "mine") == dict.fromkeys(ids, "cat")
    assert {"name": "mine", "type": "classification", "classes": ["cat"]} in front.info["sources"]
    assert front.ask("colors", color_by={"by": "label", "key": "mine"})[-1]["note"] == f"{N - 3} of {N} are unlabeled"
    front.ask("label", source="mine", class_name="dog", points=[1])
    front.ask("label", source="mine", class_name=None, points=[2])
    assert labels_of(dataset, "mine") == {ids[0]: "cat", ids[1]: "dog"}
    assert front.ask("undo_label")[-1]["can_undo"]
    assert labels_of(dataset, "mine") == {ids[0]: "cat", ids[1]: "dog", ids[2]: "cat"}
    front.ask("undo_label")
    assert labels_of(dataset, "mine") == dict.fromkeys(ids, "cat")
    assert not front.ask("undo_label")[-1]["can_undo"]
    assert labels_of(dataset, "mine") == {}
    assert "nothing to undo" in front.ask("undo_label")[-1]["message"]


def test_the_selection_is_labeled_and_the_filter_of_the_unlabeled_follows(front: Front) -> None:
    unlabeled = {
        "op": "not",
        "item": {
            "op": "annotated",
            "type": None,
            "criteria": {"op": "compare", "field": "annotation_source", "cmp": "==", "value": "by hand"},
        },
    }
    front.ask("filter", filter=unlabeled)
    assert front.last("mask", mask="filter")[0]["count"] == N
    front.ask("select_points", op="replace", points=[3, 4])
    front.ask("label", source="by hand", class_name="cat", points=None)
    assert front.last("mask", mask="filter")[0]["count"] == N - 2
    front.ask("undo_label")
    assert front.last("mask", mask="filter")[0]["count"] == N


def test_what_cannot_be_labeled_changes_nothing(front: Front, dataset: lw.Dataset) -> None:
    front.ask("select", op="clear")
    version = len(dataset.history())
    for fields, words in [
        ({"source": "mine", "class_name": "cat", "points": None}, "empty selection"),
        ({"source": "mine", "class_name": "cat", "points": [N]}, str(N)),
        ({"source": "mine", "class_name": " ", "points": [0]}, "class_name"),
    ]:
        answer = front.ask("label", **fields)[-1]
        assert answer["kind"] == "error"
        assert words in answer["message"]
    assert len(dataset.history()) == version


# Limits ---------------------------------------------------------------------------------------------------------------


def test_a_sample_keeps_to_the_limits_and_undo_brings_them_back(front: Front) -> None:
    limits: list[dict[str, Any]] = [{"type": "at_most", "metadata_key": "city", "most": 2}]
    front.limits = limits
    answer = front.sample_now(n_samples_to_select=50, limits=limits)
    assert (answer["n"], answer["stop_reason"]) == (10, "limit")
    assert answer["spec"]["limits"] == limits
    assert front.sample.to_polars()["metadata.city"].value_counts()["count"].to_list() == [2] * 5
    front.limits = []
    assert front.sample_now(n_samples_to_select=50)["n"] == 50
    front.ask("undo")
    assert front.limits == limits


def test_limits_are_checked_from_both_sides(front: Front) -> None:
    front.limits = [lw.AtMost("city", 3)]
    assert front.limits == [{"type": "at_most", "metadata_key": "city", "most": 3}]
    with pytest.raises(Exception, match="at_most"):
        front.limits = [{"type": "at_least"}]
    wrong = [{"type": "at_most", "metadata_key": "city", "most": 0}]
    assert front.sample_now(limits=wrong)["kind"] == "error"
    assert "'town'" in front.sample_now(limits=[{"type": "at_most", "metadata_key": "town", "most": 1}])["message"]
