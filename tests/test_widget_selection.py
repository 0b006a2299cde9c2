"""What can be done with the selection and with large pictures: invert, tag, ids, boxes, saving over a tag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageOps

import lightly_widget as lw
from lightly_widget.wire.replies import LabeledBox
from tests.test_widget import Front, N, make_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    return make_dataset(tmp_path, np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))


@pytest.fixture
def front(dataset: Any) -> Iterator[Front]:
    front = Front(dataset)
    front.ask("hello", protocol=1)
    yield front
    front.close()


def test_inverting_twice_gives_the_selection_back_and_stays_within_the_filter(front: Front) -> None:
    front.ask("select_points", op="replace", points=[3, 11, 12])
    front.ask("select", op="invert")
    assert front.mask("selection") == [point for point in range(N) if point not in {3, 11, 12}]
    front.ask("select", op="invert")
    assert front.mask("selection") == [3, 11, 12]
    front.filter = lw.SampleField.tags.contains("ten")
    front.ask("select", op="invert")
    assert front.mask("selection") == [10, *range(13, 20)]
    front.ask("select", op="clear")
    front.ask("select", op="invert")
    assert front.mask("selection") == list(range(10, 20))


def test_a_polygon_goes_with_no_inversion(front: Front) -> None:
    ref = {"buffer": 0, "dtype": "f32", "shape": [3, 2]}
    said = front.ask("select", op="invert", polygon=ref, buffers=[np.zeros(6, np.float32).tobytes()])[-1]
    assert "op='invert' takes no polygon" in said["message"]


def test_the_selection_is_tagged_and_named(front: Front, dataset: Any) -> None:
    ids = dataset.query().sample_ids.to_list()
    front.ask("select_points", op="replace", points=[5, 15])
    assert front.ask("selected_ids")[-1] | {"seq": 0, "id": 0} == {
        "kind": "selected_ids", "ids": [ids[5], ids[15]], "count": 2, "seq": 0, "id": 0, "done": True,
    }  # fmt: skip
    assert front.ask("tag_selection", name="mine")[-1]["count"] == 2
    assert dataset.tags["mine"].sample_ids.to_list() == [ids[5], ids[15]]
    assert {"name": "mine", "count": 2} in front.info["tags"]
    front.ask("tag_selection", name="ten")
    assert dataset.tags.counts()["ten"] == 11, "what the tag had stays"
    dataset.undo()
    assert dataset.tags.counts()["ten"] == 10


@pytest.mark.parametrize("request_", [{"kind": "selected_ids"}, {"kind": "tag_selection", "name": "x"}])
def test_without_a_selection_there_is_nothing_to_do(front: Front, request_: Any) -> None:
    assert "nothing is selected" in front.ask(**request_)[-1]["message"]


def test_an_emptied_selection_is_none(front: Front, dataset: Any) -> None:
    front.ask("select_points", op="replace", points=[5])
    front.selection = []
    assert "nothing is selected" in front.ask("tag_selection", name="none")[-1]["message"]
    assert "none" not in dataset.tags


def test_a_filter_on_a_tag_follows_what_is_tagged(front: Front) -> None:
    front.filter = (lw.SampleField.tags.contains("ten")).to_dict()
    assert len(front.mask("filter")) == 10
    front.ask("select_points", op="replace", points=[50, 51])
    front.ask("tag_selection", name="ten")
    assert len(front.mask("filter")) == 12


def test_a_tag_is_replaced_only_when_asked_to(front: Front, dataset: Any) -> None:
    front.sample_now(n_samples_to_select=4)
    save = {"name": "ten", "n_samples_to_select": 4}
    assert "there is a tag of that name" in front.ask("save_tag", **save, grow=False)[-1]["message"]
    assert front.ask("save_tag", **save, grow=False, replace=True)[-1]["count"] == 4
    assert dataset.tags["ten"].sample_ids.to_list() == front.sample.sample_ids[:4]
    dataset.undo()
    assert dataset.tags.counts()["ten"] == 10
    said = front.ask("save_tag", **save, grow=True, replace=True)[-1]
    assert "exclude each other" in said["message"]
    result = dataset.query().sampling().preview(3, [lw.RandomStrategy()])
    with pytest.raises(ValueError, match="exclude each other"):
        result.save_as("ten", grow=True, replace=True)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_lie_where_the_upright_picture_shows_them(tmp_path: Path, orientation: int) -> None:
    (tmp_path / "images").mkdir()
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[4:9, 6:20] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "images" / "a.png"
    Image.fromarray(pixels).save(path, exif=exif)
    dataset = lw.ImageDataset.create("boxes", path=tmp_path / "data")
    dataset.add_images_from_path(path.parent, embed=False, progress=lambda fraction: None)
    boxes = {"images": [{"id": 1, "file_name": "images/a.png", "width": 40, "height": 20}],
             "categories": [{"id": 1, "name": "dog"}],
             "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [6, 4, 14, 5]}]}  # fmt: skip
    labels = tmp_path / "coco.json"
    labels.write_text(json.dumps(boxes))
    dataset.add_annotations_from_coco(labels)
    front = Front(dataset)
    [said] = front.ask("detail", point=0)
    front.close()
    shown = np.asarray(ImageOps.exif_transpose(Image.open(path)))[..., 0] > 128
    rows, columns = np.nonzero(shown)
    [box] = [LabeledBox(**entry) for entry in said["boxes"]]
    assert box.label == "dog"
    edges = [box.x, box.y, box.x + box.width, box.y + box.height]
    height, width = shown.shape
    wanted = [columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height]
    assert edges == pytest.approx(wanted)


def test_a_table_has_no_boxes(front: Front) -> None:
    assert front.ask("detail", point=0)[-1]["boxes"] == []


def test_a_key_that_some_candidates_lack_is_named_with_how_many(tmp_path: Path) -> None:
    frame = pl.DataFrame({"depth": [1.0, None, 3.0, None, 5.0, None]})
    dataset = lw.Dataset.from_polars(frame, embeddings=np.eye(6, dtype=np.float32), name="gaps", path=tmp_path)
    front = Front(dataset)
    weigh = [{"type": "metadata_weighting", "strength": 1.0, "metadata_key": "depth"}]
    said = front.sample_now(n_samples_to_select=2, strategies=weigh)
    assert said["missing"] == {"key": "depth", "count": 3}
    front.ask("filter", filter={"op": "not", "item": {"op": "is_null", "field": "metadata.depth"}})
    assert front.sample_now(n_samples_to_select=2, strategies=weigh, candidates={"from": "filter"})["n"] == 2
    assert front.sample_now(n_samples_to_select=2, strategies=[])["missing"] is None
    front.close()
