"""Figures: the traces hold the data, and text of the data stays text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

from lightly_widget import plots
from lightly_widget.errors import MissingDependencyError
from lightly_widget.sampling import Sampling, SamplingResult
from lightly_widget.strategies import AnnotationClassBalancingStrategy, EmbeddingDiversityStrategy, RandomStrategy
from tests.memory_view import MemoryDataset

EVIL = '<a href="https://example.org/?x">$\\href{x}{y}$</a>\u202e<b>& %{x}'


@pytest.fixture
def data() -> MemoryDataset:
    rng = np.random.default_rng(0)
    dataset = MemoryDataset(40, {"m": rng.normal(size=(40, 5)).astype(np.float32)}, tags={"old": ["id1", "id2"]})
    dataset.values["city"] = pl.Series(rng.choice(["rome", "2", EVIL], 40))
    return dataset.label(rng.choice(["cat", EVIL], 40, p=[0.8, 0.2]).tolist())


def sample(data: MemoryDataset, *strategies: Any, n: int = 6, preselected: str | None = "old") -> SamplingResult:
    return Sampling(data.view()).preview(n, strategies or [EmbeddingDiversityStrategy()], preselected)


def trace(figure: Any, name: str) -> Any:
    (found,) = [item for item in figure.data if item.name == name]
    return found


def test_the_sample_is_drawn_at_its_places(data: MemoryDataset) -> None:
    result = sample(data)
    positions = np.random.default_rng(1).normal(size=(40, 2))
    figure = plots.embedding(result, positions)
    for name, rows in [
        ("candidates", np.arange(40)),
        ("preselected", np.array([1, 2])),
        ("picked", result.rows),
    ]:
        found = trace(figure, name)
        assert np.array_equal(np.column_stack([found.x, found.y]), positions[rows])
    assert figure.data[-1].name == "picked"  # on top of the others
    assert trace(figure, "picked").marker.size > trace(figure, "candidates").marker.size
    hover = trace(figure, "picked").customdata
    assert [entry[0] for entry in hover] == result.new_ids
    assert [entry[1] for entry in hover] == [f"<br>pick {rank}" for rank in range(1, 7)]


def test_without_positions_the_plot_shows_the_embeddings(data: MemoryDataset) -> None:
    found = trace(plots.embedding(sample(data)), "candidates")
    assert len(found.x) == 40
    assert np.std(found.x) >= np.std(found.y) > 0
    data.models.clear()
    with pytest.raises(ValueError, match="needs one embedding model"):
        plots.embedding(sample(data, RandomStrategy()))


def test_classes_are_colored_and_the_many_others_are_gray(data: MemoryDataset) -> None:
    classes: list[str | None] = [f"class {i % 12}" for i in range(38)] + [None, None]
    figure = plots.embedding(sample(data), np.zeros((40, 2)), classes)
    drawn = {item.name: len(item.x) for item in figure.data if item.name not in {"picked", "preselected"}}
    assert sum(drawn.values()) == 40
    assert len(drawn) == 9
    assert drawn["others"] == 40 - sum(count for name, count in drawn.items() if name != "others")
    colors = [item.marker.color for item in figure.data]
    assert len(set(colors)) == len(colors)


@pytest.mark.parametrize("positions", [np.zeros((39, 2)), np.zeros((40, 3)), np.full((40, 2), np.nan)])
def test_positions_that_are_none(positions: np.ndarray, data: MemoryDataset) -> None:
    with pytest.raises(ValueError, match="positions"):
        plots.embedding(sample(data), positions)
    with pytest.raises(ValueError, match="color_by has 1 entries"):
        plots.embedding(sample(data), np.zeros((40, 2)), ["a"])


def test_the_coverage_curve_is_beside_random(data: MemoryDataset) -> None:
    result = sample(data, n=20, preselected=None)
    figure = plots.coverage(result)
    curve = result.coverage_curve()
    assert curve is not None
    assert list(trace(figure, "sample").x) == list(trace(figure, "random").x) == curve.at
    assert trace(figure, "sample").y == pytest.approx(curve.radius)
    assert trace(figure, "random").y == pytest.approx(curve.random_radius)
    assert figure.layout.title.text.lower() == curve.sentence
    assert list(trace(plots.coverage(result, [5, 20]), "sample").x) == [5, 20]
    data.models.clear()
    with pytest.raises(ValueError, match="no coverage to draw"):
        plots.coverage(sample(data, RandomStrategy()))


def test_shares_of_pool_sample_random_and_target(data: MemoryDataset) -> None:
    balanced = sample(data, AnnotationClassBalancingStrategy("uniform"))
    figure = plots.shares(balanced)
    (shares,) = balanced.shares
    assert list(trace(figure, "candidates").y) == shares.pool
    assert list(trace(figure, "sample").y) == shares.sample
    assert list(trace(figure, "random").y) == shares.random
    assert list(trace(figure, "target").y) == [0.5, 0.5]
    plain = plots.shares(sample(data, RandomStrategy()))
    assert "target" not in {item.name for item in plain.data}
    by_city = plots.shares(balanced, metadata_key="city")
    assert "2" in by_city.layout.xaxis.ticktext
    with pytest.raises(ValueError, match="give one of them"):
        plots.shares(balanced, "labels", "city")
    data.labels = data.labels.clear()
    with pytest.raises(ValueError, match="no shares to draw"):
        plots.shares(sample(data, RandomStrategy()))


def test_at_most_forty_classes_are_drawn() -> None:
    data = MemoryDataset(100).label([f"class{i}" for i in range(100)])
    figure = plots.shares(Sampling(data.view()).preview(5, [RandomStrategy()]))
    assert {len(item.x) for item in figure.data} == {40}


def test_text_of_the_data_is_never_markup(data: MemoryDataset) -> None:
    result = sample(data, AnnotationClassBalancingStrategy("uniform"))
    classes = data.labels["class_name"]
    for figure in (
        plots.embedding(result, np.zeros((40, 2)), classes),
        plots.shares(result),
        plots.shares(result, metadata_key="city"),
    ):
        text = figure.to_json()
        assert "&lt;a href=" in text.replace("\\u0026", "&")
        assert "<a " not in text
        assert "\\u003ca " not in text
        assert "$" not in text
        assert "\u202e" not in text
        assert "\\u202e" not in text


def test_long_text_is_shortened() -> None:
    assert plots.plain_text("x" * 10**6) == "x" * 59 + "…"
    assert plots.plain_text("<" * 60) == "&lt;" * 60
    assert plots.plain_text("a\nb\x00") == "a b "


def test_without_plotly_the_error_says_what_to_install(data: MemoryDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'lightly-widget\[plots\]'"):
        plots.coverage(sample(data))


def test_plotly_is_loaded_on_use_only() -> None:
    code = "import sys, lightly_widget.plots; print('plotly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
