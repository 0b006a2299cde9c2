"""Bad input at every door of a dataset: a typed error, the dataset as before, and the next call works."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lightly_widget import Dataset, Explorer, ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.errors import InvalidTypeError, LightlyWidgetError, LightlyWidgetWarning, no_progress
from tests import odd_values

door = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


class Door:
    """A dataset that is compared with itself after each refusal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for number in range(3):
            path = folder / "images" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (40, 20)).save(path)
        self.dataset = ImageDataset.create("doors", folder / "home")
        self.dataset.add_images_from_path(folder / "images", embed=False)
        self.dataset.add_embeddings("m", np.eye(3))
        self.dataset.query()[:1].add_tag("old")
        self.ids = self.dataset.query().sample_ids.to_list()
        self.calls = 0

    def state(self) -> tuple[Any, ...]:
        loaded = ImageDataset.load("doors", self.folder / "home")
        query = loaded.query()
        return (
            query.to_polars().rows(),
            query.annotations().rows(),
            query.embeddings("m").tolist(),
            loaded.tags.counts(),
        )

    def refuses(self, call: Callable[[], object]) -> bool:
        """Whether the call was refused; if so, nothing has changed and the dataset still takes a write."""
        before = self.state()
        if not self.raises(call):
            return False
        assert self.state() == before
        self.write()
        return True

    def raises(self, call: Callable[[], object]) -> str:
        """The name of the error that the call was refused with, '' if it was not; if so, nothing was written."""
        version = core_of(self.dataset).snapshot().version
        message = ""
        try:
            call()
        except LightlyWidgetError as error:
            message, name = str(error), type(error).__name__
        else:
            return ""
        assert 0 < len(message) < 4000
        assert core_of(self.dataset).snapshot().version == version
        return name

    def write(self) -> None:
        self.calls += 1
        self.dataset.metadata.update({self.ids[0]: {"calls": self.calls}})
        assert self.dataset[0].metadata["calls"] == self.calls


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    return Door(tmp_path_factory.mktemp("door"))


HUGE = "t" * 1_000_000


@pytest.mark.parametrize("name", [HUGE, "", "\0", "a\0b", "\ud800", None, 3, b"x", ["a"], float("nan")])
def test_tag_names_that_cannot_be(open_door: Door, name: Any) -> None:
    query = open_door.dataset.query()
    assert open_door.refuses(lambda: query.add_tag(name))
    assert open_door.refuses(lambda: open_door.dataset.tags.rename("old", name))


def test_tag_names_that_look_alike_stay_apart(tmp_path: Path) -> None:
    dataset = Door(tmp_path).dataset
    names = [unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"), "\u05e9\u05dc\u05d5\u05dd", "É"]
    for number, name in enumerate(names):
        dataset.query()[: number % 3 + 1].add_tag(name)
    loaded = ImageDataset.load("doors", tmp_path / "home")
    assert {name: loaded.tags.counts()[name] for name in names} == dict(zip(names, [1, 2, 3, 1], strict=True))


@pytest.mark.parametrize(
    "vectors",
    [
        np.full((3, 2), np.nan),
        np.array([[0.0], [np.inf], [0.0]]),
        np.zeros((3, 0)),
        np.zeros((0, 3)),
        np.zeros((2, 2)),
        np.zeros((4, 2)),
        np.zeros(3),
        np.array([["a"], ["b"], ["c"]]),
        [[1.0], [1.0, 2.0], [3.0]],
        [None, [1.0], [1.0]],
        None,
        "abc",
        pl.Series(["a", "b", "c"]),
    ],
    ids=str,
)
def test_embeddings_that_cannot_be(open_door: Door, vectors: Any) -> None:
    assert open_door.refuses(lambda: open_door.dataset.add_embeddings("new", vectors))


@pytest.mark.parametrize("pick", [[0, 0], [0, None], [0, "unknown"], [0, HUGE], [0, 3], "text", 3, [0, "\0"]], ids=str)
def test_ids_of_embeddings_that_cannot_be(open_door: Door, pick: Any) -> None:
    ids = [open_door.ids[0] if item == 0 else item for item in pick] if isinstance(pick, list) else pick
    assert open_door.refuses(lambda: open_door.dataset.add_embeddings("new", np.zeros((2, 2)), sample_ids=ids))


def test_embeddings_twice_or_of_another_size_are_refused(open_door: Door) -> None:
    assert open_door.refuses(lambda: open_door.dataset.add_embeddings("m", np.ones((3, 3))))
    assert open_door.refuses(lambda: open_door.dataset.add_embeddings("m", np.ones((3, 2)), replace=True))


def coco(folder: Path, **annotation: Any) -> Path:
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]} | annotation
    data = {
        "images": [{"id": 1, "file_name": "0.png", "width": 4000, "height": 2000}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [box],
    }
    path = folder / "images" / "c.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    "annotation",
    [
        {"bbox": [100, 2, 3, 4]},  # inside the image that the file claims, outside the real one
        {"bbox": [1, 2, 0, 4]},
        {"bbox": [1, 2, -3, 4]},
        {"bbox": [1, 2, float("nan"), 4]},
        {"bbox": [1, 2, 3]},
        {"score": 1.5},
        {"image_id": 2},
        {"category_id": 2},
    ],
    ids=str,
)
def test_boxes_that_cannot_be(open_door: Door, annotation: dict[str, Any]) -> None:
    path = coco(open_door.folder, **annotation)
    assert open_door.refuses(lambda: open_door.dataset.add_annotations_from_coco(path))
    assert open_door.refuses(lambda: open_door.dataset.add_samples_from_coco(path, embed=False))


def test_bad_boxes_can_be_left_out_on_request(tmp_path: Path) -> None:
    dataset = Door(tmp_path).dataset
    with pytest.warns(LightlyWidgetWarning, match="1 of 1 annotations were left out"):
        dataset.add_annotations_from_coco(coco(tmp_path, bbox=[100, 2, 3, 4]), invalid="drop")
    assert dataset.query().annotations().is_empty()
    dataset.add_annotations_from_coco(coco(tmp_path))
    assert dataset.query().annotations().select("x", "y", "width", "height").rows() == [(1, 2, 3, 4)]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.just("\ud800")
    | st.binary(max_size=2)
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2) | st.tuples(inner)
    ),
    max_leaves=4,
)


# "@0" stands for the id of the first sample; the doors put it in.
some_ids = st.sampled_from(["@0", "@1", "@2", "unknown"])
bad_input = (
    values
    | st.sampled_from([HUGE, "a\0b", "\u202eabc", "e\u0301", "../x", " ", "old"])
    | arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 3)), elements=st.floats())
    | st.lists(some_ids | values, max_size=4)
    | st.dictionaries(some_ids, values | st.dictionaries(st.sampled_from(["a", "b", "a.b", ""]), values), max_size=3)
)


def with_ids(value: Any, ids: list[str]) -> Any:
    """The value with the ids that "@0", "@1" and "@2" stand for."""
    if isinstance(value, str) and value.startswith("@"):
        return ids[int(value[1:])] if value[1:] in {"0", "1", "2"} else value
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    return {with_ids(key, ids): item for key, item in value.items()} if isinstance(value, dict) else value


def below(folder: Path, value: Any) -> Any:
    """The value with its texts as paths below a folder: one of them might be '/'."""
    if isinstance(value, str):
        return f"{folder}/{value}"
    return [below(folder, item) for item in value] if isinstance(value, list | tuple | dict) else value


def knock(open_door: Door, value: Any) -> list[str]:
    """Bring a value to every door of the dataset; what became of each: the name of our error, or 'taken'."""
    dataset, ids = open_door.dataset, open_door.ids
    value = with_ids(value, ids)
    outcomes = []
    for call in (
        lambda: dataset.add_embeddings("generated", value, sample_ids=ids[:1]),
        lambda: dataset.add_embeddings("whole", value),
        lambda: dataset.add_embeddings("generated", [[1.0]], sample_ids=value),
        lambda: dataset.labels.add_classifications(value),
        lambda: dataset.labels.add_classifications({ids[0]: value}),
        lambda: dataset.add_annotations_from_coco(value),
        lambda: dataset.add_images_from_path(
            below(open_door.folder / "none", value), embed=False, progress=no_progress
        ),
        lambda: dataset.query().add_tag(value),
        lambda: dataset.select(value).to_list(),
        lambda: dataset.match(value).to_list(),
        lambda: dataset.tags.rename("old", value) or dataset.tags.rename(value, "old"),
        lambda: dataset.metadata.update({ids[0]: {"generated": value}}),
        lambda: dataset.metadata.update(value),
        lambda: dataset.get_sample(value),
        lambda: Dataset.from_polars(value, name="generated", path=open_door.folder),
        lambda: dataset.query().sampling().random(value, "generated"),
    ):
        before = len(dataset)
        outcomes.append(open_door.raises(call) or "taken")
        assert len(dataset) == before
    open_door.write()
    for name in {"generated", "whole"} & set(dataset.embeddings.list()):
        dataset.embeddings.delete(name)
    for name in set(dataset.tags) - {"old"}:
        dataset.tags.delete(name)
    shutil.rmtree(open_door.folder / "generated", ignore_errors=True)
    return outcomes


@pytest.mark.filterwarnings("ignore::lightly_widget.errors.LightlyWidgetWarning")
@door
@given(bad_input)
def test_generated_arguments_are_taken_or_refused(open_door: Door, value: Any) -> None:
    knock(open_door, value)


# -- every public callable, every odd value ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_every_public_callable_takes_odd_values_or_refuses_them_in_our_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # relative paths of exports end up there
    world = odd_values.World(tmp_path)
    found = [outcome for name in world.names() for outcome in odd_values.outcomes(world, name, every=4)]
    foreign = [f"{outcome.call}: {outcome.kind}: {outcome.foreign}" for outcome in found if outcome.foreign is not None]
    assert len(found) > 8_000
    assert not foreign, f"{len(foreign)} of {len(found)}: " + "\n".join(foreign)


def test_an_explorer_takes_only_a_dataset_and_a_query(open_door: Door) -> None:
    with pytest.raises(InvalidTypeError, match="dataset must be a Dataset, got 'doors'"):
        Explorer("doors")  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="query must be a Query, got 'old'"):
        Explorer(open_door.dataset, "old")  # type: ignore[arg-type]
