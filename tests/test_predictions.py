"""Probes and predictions: what a model says of samples, as metadata and annotations, beside the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget.errors import InvalidValueError, LightlyWidgetError, UnknownNameError


@pytest.fixture
def texts(tmp_path: Path) -> lw.Dataset:
    """120 samples of three classes, the last 30 unlabeled, the first three labeled wrong."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 120)
    vectors = (rng.normal(size=(3, 6))[codes] * 3 + rng.normal(size=(120, 6)) * 0.5).astype(np.float32)
    dataset = lw.Dataset.from_polars(
        pl.DataFrame({"text": [f"text {i}" for i in range(120)]}), name="texts", path=tmp_path
    )
    dataset.add_embeddings("m", vectors)
    labels = np.where(np.arange(120) < 3, (codes + 1) % 3, codes)
    ids = dataset.to_polars()["sample_id"]
    dataset.labels.add_classifications({ids[i]: f"class {labels[i]}" for i in range(90)})
    dataset.metadata.update(pl.DataFrame({"sample_id": ids, "truth": [f"class {code}" for code in codes]}))
    return dataset


@pytest.fixture
def images(tmp_path: Path) -> lw.ImageDataset:
    """Two pictures; the first has a labeled box."""
    for name in ("a.png", "b.png"):
        Image.new("RGB", (100, 100)).save(tmp_path / name)
    dataset = lw.ImageDataset.create("boxes", tmp_path / "home")
    dataset.add_images_from_path(tmp_path, embed=False)
    a = ids_of(dataset)["a.png"]
    boxes = {
        "sample_id": [a],
        "class_name": ["cell"],
        "confidence": [1.0],
        "x": [10],
        "y": [10],
        "width": [20],
        "height": [20],
    }
    dataset.add_predictions(pl.DataFrame(boxes), name="truth")
    return dataset


def ids_of(dataset: lw.ImageDataset) -> dict[str, str]:
    return {Path(sample.file_path_abs).name: sample.sample_id for sample in dataset}


# -- probes ------------------------------------------------------------------------------------------------------------


def test_a_probe_names_classes_and_doubts_wrong_labels(texts: lw.Dataset) -> None:
    report = texts.fit_probe()
    assert (report.n_labeled, report.n_unlabeled) == (90, 30)
    assert report.classes == ("class 0", "class 1", "class 2")
    assert report.accuracy >= 87 / 90 - 0.02
    frame = texts.to_polars()
    assert (frame["metadata.probe_class"] == frame["metadata.truth"]).mean() > 0.97
    doubtful = texts.order_by("metadata.probe_doubt", descending=True)[:3].to_polars()["text"].to_list()
    assert sorted(doubtful) == ["text 0", "text 1", "text 2"]
    assert frame["metadata.probe_doubt"].null_count() == 30
    for key in ("confidence", "margin", "entropy", "uncertainty"):
        assert frame[f"metadata.probe_{key}"].is_between(0, 1 + 1e-6).all()


def test_what_a_probe_wrote_weights_a_sampling_and_is_undone(texts: lw.Dataset) -> None:
    texts.fit_probe("ground_truth", name="mine")
    picks = texts.query().sampling().metadata_weighting(5, "unsure", metadata_key="mine_uncertainty")
    largest = texts.metadata["mine_uncertainty"].sort(descending=True).head(5)
    assert picks.to_polars()["metadata.mine_uncertainty"].to_list() == largest.to_list()
    texts.undo()
    texts.undo()
    assert not [key for key in texts.metadata if key.startswith("mine")]


def test_a_probe_needs_two_classes(texts: lw.Dataset) -> None:
    texts.metadata.update({texts[0].sample_id: {"one": "x"}})
    with pytest.raises(InvalidValueError, match="at least two classes"):
        texts.fit_probe("one")


# -- predicted classes -------------------------------------------------------------------------------------------------


def test_probabilities_of_several_classes(texts: lw.Dataset) -> None:
    ids = [sample.sample_id for sample in texts[:2]]
    truth = texts.labels.counts()
    names = list(truth)
    rows = [(ids[0], names[0], 0.7), (ids[0], names[1], 0.3), (ids[1], names[2], 1.0)]
    keys = texts.add_predictions(
        pl.DataFrame(rows, schema=["sample_id", "class_name", "confidence"], orient="row"), labels="ground_truth"
    )
    frame = texts.to_polars().head(3)
    assert set(keys) == {f"model_{key}" for key in ("class", "confidence", "margin", "entropy", "uncertainty", "doubt")}
    assert frame["metadata.model_class"].to_list() == [names[0], names[2], None]
    np.testing.assert_allclose(frame["metadata.model_margin"].head(2), [0.4, 1.0])
    assert texts.labels.sources()["model"] == "classification"
    doubt = frame["metadata.model_doubt"]
    assert doubt[2] is None
    assert 0 <= doubt[0] <= 1


def test_the_rest_of_a_confidence_is_spread_over_the_other_classes(texts: lw.Dataset) -> None:
    sample_id = texts[0].sample_id
    table = pl.DataFrame({"sample_id": [sample_id], "class_name": ["class 0"], "confidence": [0.6]})
    texts.add_predictions(table, labels="ground_truth")
    (margin,) = texts[:1].to_polars()["metadata.model_margin"]
    assert margin == pytest.approx(0.6 - 0.2)


# -- predicted boxes ---------------------------------------------------------------------------------------------------


def test_boxes_are_matched_with_the_labels(images: lw.ImageDataset) -> None:
    by_name = ids_of(images)
    a, b = by_name["a.png"], by_name["b.png"]
    table = pl.DataFrame(
        {
            "sample_id": [a, a, b],
            "class_name": ["cell", "cell", "cell"],
            "confidence": [0.9, 0.4, 0.8],
            "x": [11.0, 60.0, 0.0],
            "y": [10.0, 60.0, 0.0],
            "width": [20.0, 20.0, 10.0],
            "height": [20.0, 20.0, 10.0],
        }
    )
    images.add_predictions(table, name="net", labels="truth")
    frame = images.select([a, b]).to_polars()
    assert frame["metadata.net_false_positives"].to_list() == [1, 1]
    assert frame["metadata.net_false_negatives"].to_list() == [0, 0]
    assert images.labels.sources() == {"truth": "object_detection", "net": "object_detection"}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sample_id": ["nobody"]}, "nobody"),
        ({"confidence": [1.5]}, "confidence"),
        ({"confidence": [None]}, "confidence"),
        ({"class_name": [None]}, "class"),
        ({"x": [-50.0], "y": [0.0], "width": [10.0], "height": [10.0]}, "box"),
        ({"x": [1.0]}, "width"),
    ],
)
def test_bad_predictions_are_refused_whole(images: lw.ImageDataset, change: dict, match: str) -> None:  # type: ignore[type-arg]
    before = images.to_polars()
    row = {"sample_id": [images[0].sample_id], "class_name": ["cell"], "confidence": [0.5]} | change
    with pytest.raises(LightlyWidgetError, match=match):
        images.add_predictions(pl.DataFrame(row), name="net")
    assert images.to_polars().equals(before)
    assert "net" not in images.labels.sources()


def test_unknown_labels_and_missing_columns_are_named(images: lw.ImageDataset, texts: lw.Dataset) -> None:
    box = {"x": [1.0], "y": [1.0], "width": [5.0], "height": [5.0]}
    row = {"sample_id": [images[0].sample_id], "class_name": ["cell"], "confidence": [0.5]}
    with pytest.raises(UnknownNameError, match="nothing"):
        images.add_predictions(pl.DataFrame(row | box), labels="nothing")
    with pytest.raises(InvalidValueError, match="confidence"):
        images.add_predictions(pl.DataFrame(row).drop("confidence"))
    with pytest.raises(InvalidValueError, match="boxes need images"):
        texts.add_predictions(pl.DataFrame(row | {"sample_id": [texts[0].sample_id]} | box))


def test_twice_the_same_class_is_refused(texts: lw.Dataset) -> None:
    sample_id = texts[0].sample_id
    table = pl.DataFrame({"sample_id": [sample_id] * 2, "class_name": ["a"] * 2, "confidence": [0.5, 0.1]})
    with pytest.raises(InvalidValueError, match="twice"):
        texts.add_predictions(table)


# -- through the façade ------------------------------------------------------------------------------------------------


def test_the_dataset_compares_strategies(texts: lw.Dataset) -> None:
    curve = texts.learning_curve([lw.RandomStrategy()], labels="ground_truth", budgets=[10, 30], n_random=2)
    assert curve.budgets == (10, 30)
    assert curve.n_labeled == 90


def test_an_engine_serves_a_query(texts: lw.Dataset) -> None:
    engine = lw.LocalEngine(1, rows_per_partition=50)
    result = texts.query().sampling(engine=engine).diverse(6, "in_parts")
    assert len(set(result.sample_ids)) == 6
    assert texts.tags.counts()["in_parts"] == 6
