"""Label Studio: what goes out comes back, in the form that its documentation gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import lightly_widget as lw
from lightly_widget.errors import LightlyWidgetWarning

W, H = 320, 200


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("a.png", "b.png", "sub/c.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (W, H)).save(folder / name)
    return folder


@pytest.fixture
def images(pictures: Path, tmp_path: Path) -> lw.ImageDataset:
    dataset = lw.ImageDataset.create("boxes", tmp_path / "data", durability="os")
    dataset.add_images_from_path(pictures, embed=False)
    return dataset


@pytest.fixture
def texts(tmp_path: Path) -> lw.Dataset:
    frame = pl.DataFrame({"text": ["good", "bad", "odd", "same", "same"]})
    return lw.Dataset.from_polars(frame, name="texts", path=tmp_path / "data")


def add_boxes(dataset: lw.ImageDataset, folder: Path, boxes: list[tuple[int, str, list[float]]]) -> None:
    names = [Path(path).relative_to(folder).as_posix() for path in dataset.query().to_polars()["file_path_abs"]]
    classes = sorted({name for _, name, _ in boxes})
    coco = {
        "images": [{"id": i, "file_name": name, "width": W, "height": H} for i, name in enumerate(names)],
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes)],
        "annotations": [
            {"id": i, "image_id": image, "category_id": classes.index(name), "bbox": box, "area": 1, "iscrowd": 0}
            for i, (image, name, box) in enumerate(boxes)
        ],
    }
    path = folder.parent / "coco.json"
    path.write_text(json.dumps(coco))
    dataset.add_annotations_from_coco(path, folder)


def write(path: Path, tasks: Any) -> Path:
    path.write_text(json.dumps(tasks))
    return path


def classes_of(dataset: lw.Dataset, source: str) -> dict[str, str]:
    frame = dataset.query().annotations(source)
    return dict(frame.select("sample_id", pl.col("class_name").cast(pl.String)).iter_rows())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    boxes=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["car", "Zürich <b>", "雪"]),
            st.tuples(st.floats(0, 200), st.floats(0, 100), st.floats(1, 100), st.floats(1, 90)).map(list),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_boxes_come_back(
    boxes: list[tuple[int, str, list[float]]], pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round")
    dataset = lw.ImageDataset.create("boxes", folder, durability="os")
    dataset.add_images_from_path(pictures, embed=False)
    add_boxes(dataset, pictures, boxes)
    path = dataset.query().export.to_label_studio(folder / "tasks.json", overwrite=True)
    assert dataset.add_annotations_from_label_studio(path, annotation_source="back") == len(boxes)
    columns = ["sample_id", "class_name", "x", "y", "width", "height"]
    before = dataset.query().annotations("ground_truth").select(columns).sort(columns[:3])
    after = dataset.query().annotations("back").select(columns).sort(columns[:3])
    assert before["class_name"].to_list() == after["class_name"].to_list()
    for name in columns[2:]:
        assert after[name].to_list() == pytest.approx(before[name].to_list(), abs=1e-3)


def test_tasks_are_as_documented(images: lw.ImageDataset, pictures: Path, tmp_path: Path) -> None:
    add_boxes(images, pictures, [(0, "car", [32.0, 50.0, 160.0, 100.0])])
    path = images.query().export.to_label_studio(tmp_path / "tasks.json", url_prefix="/data/local-files/?d=")
    first, second, third = json.loads(path.read_text())
    (label,) = first["annotations"][0]["result"]
    assert label["type"] == "rectanglelabels"
    assert label["value"] == {
        "x": pytest.approx(10),
        "y": pytest.approx(25),
        "width": pytest.approx(50),
        "height": pytest.approx(50),
        "rotation": 0,
        "rectanglelabels": ["car"],
    }
    assert (label["original_width"], label["original_height"]) == (W, H)
    assert first["data"]["image"] == "/data/local-files/?d=a.png"
    assert [set(task) for task in (second, third)] == [{"data"}, {"data"}]
    assert third["data"]["image"].endswith("sub/c.png")


def test_classes_come_back_and_predictions_do_not(texts: lw.Dataset, tmp_path: Path) -> None:
    ids = texts.query().sample_ids.to_list()
    texts.labels.add_classifications({ids[0]: "yes", ids[1]: "no"}, "mine")
    path = texts.query().export.to_label_studio(tmp_path / "tasks.json", annotation_source="mine")
    assert texts.add_annotations_from_label_studio(path) == 2
    assert classes_of(texts, "label_studio") == {ids[0]: "yes", ids[1]: "no"}
    guesses = texts.query().export.to_label_studio(tmp_path / "g.json", annotation_source="mine", as_predictions=True)
    assert json.loads(guesses.read_text())[0]["predictions"][0]["model_version"] == "mine"
    with pytest.raises(ValueError, match="none of the 0 labeled tasks shows a sample"):
        texts.add_annotations_from_label_studio(guesses)


def choice(name: str | None, **task: Any) -> dict[str, Any]:
    result = [] if name is None else [{"type": "choices", "value": {"choices": [name]}}]
    return {"data": {"text": "good"}, "annotations": [{"result": result}], **task}


def test_the_labeled_are_preselected_in_the_next_batch(texts: lw.Dataset, tmp_path: Path) -> None:
    ids = texts.query().sample_ids.to_list()
    tasks = [choice("yes", data={"sample_id": ids[3]}), choice("no", data={"text": "bad"})]
    texts.add_annotations_from_label_studio(write(tmp_path / "l.json", tasks), tag_name="labeled")
    result = texts.query().sampling().preview(2, [lw.RandomStrategy()], preselected_tag_name="labeled")
    assert result.preselected_ids == [ids[3], ids[1]]
    assert not set(result.new_ids) & {ids[3], ids[1]}


def test_the_last_annotation_that_was_not_skipped_counts(texts: lw.Dataset, tmp_path: Path) -> None:
    ids = texts.query().sample_ids.to_list()

    def given_class(name: str, **fields: Any) -> dict[str, Any]:
        return {"result": [{"type": "choices", "value": {"choices": [name]}}], **fields}

    task = choice("", annotations=[given_class("first"), given_class("second"), given_class("x", was_cancelled=True)])
    texts.add_annotations_from_label_studio(write(tmp_path / "l.json", [task]))
    assert classes_of(texts, "label_studio") == {ids[0]: "second"}
    texts.add_annotations_from_label_studio(write(tmp_path / "l.json", [choice("third")]))
    assert classes_of(texts, "label_studio") == {ids[0]: "third"}
    assert texts.add_annotations_from_label_studio(write(tmp_path / "l.json", [choice(None)])) == 0
    assert "label_studio" not in texts.labels.sources()


def test_uploads_and_local_files_are_found_by_name(images: lw.ImageDataset, tmp_path: Path) -> None:
    by_name = {Path(row["file_path_abs"]).name: row["sample_id"] for row in images.query().to_polars().to_dicts()}
    shown = {
        "a.png": "/data/upload/3/1a2b3c4d-a.png",
        "b.png": "/data/local-files/?d=somewhere/b.png",
        "c.png": "https://example.com/x/c.png",
    }
    tasks = [choice(name, data={"image": url}) for name, url in shown.items()]
    images.add_annotations_from_label_studio(write(tmp_path / "l.json", tasks))
    assert classes_of(images, "label_studio") == {by_name[name]: name for name in shown}  # type: ignore[arg-type]


def test_strangers_and_ambiguous_texts_are_counted_in_a_warning(texts: lw.Dataset, tmp_path: Path) -> None:
    tasks = [choice("yes"), choice("yes", data={"text": "same"}), choice("yes", data={"text": "unknown"})]
    with pytest.warns(LightlyWidgetWarning, match="2 labeled tasks show no sample .*: 'same', 'unknown'"):
        assert texts.add_annotations_from_label_studio(write(tmp_path / "l.json", tasks)) == 1


RECTANGLE = {
    "type": "rectanglelabels",
    "value": {"x": 0, "y": 0, "width": 10, "height": 10, "rectanglelabels": ["car"]},
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be parsed"),
        ("{}", "must hold a list of tasks, got {}"),
        ([{"id": 1}], "task 0 has no 'data'"),
        ([{"data": {"text": "good"}, "annotations": 3}], "task 0 has 'annotations' that are not a list"),
        ([choice("", annotations=[{"result": 5}])], "task 0 has a 'result' that is not a list: 5"),
        ([choice("", annotations=[{"result": [{"type": "choices", "value": 3}]}])], "label without 'choices'"),
        ([choice("", annotations=[{"result": [RECTANGLE]}])], "has a box, and the sample .* has no size"),
    ],
)
def test_files_of_another_shape_are_refused_and_nothing_is_written(
    texts: lw.Dataset, tmp_path: Path, content: Any, words: str
) -> None:
    path = tmp_path / "l.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=words):
        texts.add_annotations_from_label_studio(path)
    assert texts.labels.sources() == {}


def test_turned_boxes_and_both_types_are_refused(images: lw.ImageDataset, tmp_path: Path) -> None:
    value: Any = RECTANGLE["value"]
    turned = {"type": "rectanglelabels", "value": value | {"rotation": 30}}
    both = [RECTANGLE, {"type": "choices", "value": {"choices": ["street"]}}]
    task = {"data": {"image": "a.png"}}
    with pytest.raises(ValueError, match="a box turned by 30 degrees"):
        images.add_annotations_from_label_studio(
            write(tmp_path / "l.json", [task | {"annotations": [{"result": [turned]}]}])
        )
    path = write(tmp_path / "l.json", [task | {"annotations": [{"result": both}]}])
    with pytest.raises(ValueError, match=re.escape("annotation_type='classification'")):
        images.add_annotations_from_label_studio(path)
    assert images.add_annotations_from_label_studio(path, annotation_type="object_detection") == 1
    assert images.add_annotations_from_label_studio(path, annotation_source="c", annotation_type="classification") == 1
