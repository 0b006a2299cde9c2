"""The façade as users hold it: real files in, real files out, through every door of a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget.dataset import core_of
from lightly_widget.errors import (
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetWarning,
    StorageError,
    UnknownNameError,
)
from lightly_widget.ingest.pictures import open_file
from tests.test_ingest import png_that_claims

F = lw.ImageSampleField
BCCD = Path(__file__).parents[2] / "shared" / "data" / "bccd"
FILES = ("train/cat/a.png", "train/cat/b.jpg", "train/dog/a.png", "val/cat/c.png", "val/dog/d.PNG")
SIZES = {name: (40 + 4 * i, 20 + i) for i, name in enumerate(FILES)}


class Means:
    """Embeds an image, local or remote, as its mean color and its size."""

    name, dimension, kind = "means", 5, "image"

    def embed(self, items: Sequence[Path | str]) -> npt.NDArray[np.float32]:
        rows = []
        for item in items:
            with open_file(item) as file, Image.open(file) as image:
                rows.append([*np.asarray(image.convert("RGB")).mean((0, 1)), *image.size])
        return np.array(rows, dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures in two levels of folders; the left half of each is red, the right half blue."""
    for name, size in SIZES.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", size, (255, 0, 0))
        image.paste((0, 0, 255), (size[0] // 2, 0, *size))
        image.save(path)
    return tmp_path / "images"


@pytest.fixture
def empty(tmp_path: Path) -> lw.ImageDataset:
    return lw.ImageDataset.create("facade", tmp_path / "home")


@pytest.fixture
def full(empty: lw.ImageDataset, folder: Path) -> lw.ImageDataset:
    """The pictures with embeddings, folder tags and one box each."""
    empty.add_images_from_path(folder, embed=Means(), tag_depth=1)
    empty.add_annotations_from_coco(coco_file(folder), folder)
    return empty


def coco_file(folder: Path, **change: Any) -> Path:
    """A COCO file outside of the image folder: the left half of every image is a 'left'."""
    sizes = list(SIZES.items())
    data = {
        "images": [{"id": i, "file_name": name, "width": w, "height": h} for i, (name, (w, h)) in enumerate(sizes)],
        "categories": [{"id": 7, "name": "left"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 7, "bbox": [0, 0, w // 2, h], "score": 0.5}
            for i, (_, (w, h)) in enumerate(sizes)
        ],
    } | change
    path = folder.parent / "labels.json"
    path.write_text(json.dumps(data))
    return path


def yolo_file(folder: Path) -> Path:
    """YOLO's layout with a box in the middle of every image; splits are train and val."""
    for name, size in SIZES.items():
        split, rest = name.split("/", 1)
        image = folder.parent / "yolo" / "images" / split / rest.replace("/", "_")
        label = folder.parent / "yolo" / "labels" / split / f"{image.stem}.txt"
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(image)
        label.write_text("0 0.5 0.5 0.5 0.5\n")
    path = folder.parent / "yolo" / "data.yaml"
    path.write_text("train: images/train\nval: images/val\nnames: [middle]\n")
    return path


def again(dataset: Any) -> Any:
    """The same dataset, loaded from the disk."""
    return type(dataset).load(dataset.name, Path(dataset.uri).parent)


def names_of(dataset: lw.ImageDataset) -> list[str]:
    return dataset.to_polars()["file_path_abs"].to_list()


def boxes_of(dataset: lw.ImageDataset) -> dict[str, tuple[Any, ...]]:
    paths = dataset.to_polars().select("sample_id", "file_path_abs")
    frame = dataset.query().annotations().join(paths, on="sample_id")
    columns = ("class_name", "x", "y", "width", "height", "confidence")
    return {row["file_path_abs"]: tuple(row[name] for name in columns) for row in frame.to_dicts()}


# -- images in ---------------------------------------------------------------------------------------------------------


def test_a_file_a_glob_a_list_and_a_folder_find_the_same_images(empty: lw.ImageDataset, folder: Path) -> None:
    def add(path: Any) -> int:
        return empty.add_images_from_path(path, embed=False)

    assert add(folder / FILES[0]) == 1
    assert add(str(folder / "*" / "cat" / "*.png")) == 1
    assert add([folder / FILES[1], folder / FILES[0], folder / "train"]) == 2
    assert add(folder) == 1
    assert add([]) == 0
    assert sorted(names_of(again(empty))) == sorted(str(folder / name) for name in FILES)
    sizes = again(empty).to_polars().select("file_path_abs", "width", "height").rows()
    assert {(str(folder / name), *size) for name, size in SIZES.items()} == set(sizes)
    with pytest.raises(InvalidValueError, match="no file or folder"):
        add(folder / "nothing")
    with pytest.warns(LightlyWidgetWarning, match=r"1 files could not be read.*no such file"):
        assert add([folder / "nothing", folder]) == 0


def test_a_limit_counts_new_images(empty: lw.ImageDataset, folder: Path) -> None:
    added = [empty.add_images_from_path(folder, embed=False, limit=2) for _ in range(4)]
    assert added == [2, 2, 1, 0]
    assert len(set(names_of(again(empty)))) == 5
    for limit, error in ((-1, InvalidValueError), (1.5, InvalidTypeError), ("2", InvalidTypeError)):
        with pytest.raises(error, match="limit"):
            empty.add_images_from_path(folder, embed=False, limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("depth", "counts"),
    [(0, {}), (1, {"train": 3, "val": 2}), (2, {"train": 3, "val": 2, "cat": 3, "dog": 2})],
)
def test_folder_names_become_tags(empty: lw.ImageDataset, folder: Path, depth: int, counts: dict[str, int]) -> None:
    empty.add_images_from_path(folder, embed=False, tag_depth=depth)
    assert again(empty).tags.counts() == counts


def test_adding_twice_adds_nothing(empty: lw.ImageDataset, folder: Path) -> None:
    empty.add_images_from_path(folder, embed=Means(), tag_depth=2)
    empty.match(F.file_name == "b.jpg").remove_tag("cat")
    version, frame = core_of(empty).snapshot().version, empty.to_polars()
    assert empty.add_images_from_path(folder, embed=Means(), tag_depth=2) == 0
    assert core_of(empty).snapshot().version == version
    assert again(empty).to_polars().equals(frame)
    assert empty.undo() == "remove_tag"


def test_adding_twice_tags_what_is_new_alone(empty: lw.ImageDataset, folder: Path) -> None:
    empty.add_images_from_path(folder / "val", embed=False)
    empty.add_images_from_path(folder, embed=False, tag_depth=1)
    assert empty.tags.counts() == {"train": 3}


@pytest.fixture
def remote(folder: Path) -> Iterator[str]:
    """The same pictures in a file system that is not this machine's."""
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    for name in FILES:
        system.pipe(f"/facade/images/{name}", (folder / name).read_bytes())
    yield "memory://facade/images"
    system.rm("/facade", recursive=True)


def test_a_url_is_embedded_cropped_shown_and_copied_like_a_folder(
    empty: lw.ImageDataset, folder: Path, remote: str, tmp_path: Path
) -> None:
    local = lw.ImageDataset.create("local", tmp_path / "home")
    local.add_images_from_path(folder, embed=Means(), tag_depth=2)
    local.add_annotations_from_coco(coco_file(folder), folder)
    assert empty.add_images_from_path(remote, embed=Means(), tag_depth=2) == 5
    assert empty.add_images_from_path(f"{remote}/*/cat/*.png", embed=False) == 0
    empty.add_annotations_from_coco(coco_file(folder), remote)
    assert empty.tags.counts() == local.tags.counts()
    assert all(name.startswith("memory://") for name in names_of(empty))
    np.testing.assert_array_equal(empty.query().embeddings(), local.query().embeddings())
    for dataset in (empty, local):
        picks = dataset.query().sampling().subpart_diversity(3, "parts")
        assert len(picks.sample_ids) == 3
    ours, theirs = (
        core_of(d).candidates(d.query()).crop_embeddings(None, None, lambda f: None)[0] for d in (empty, local)
    )
    np.testing.assert_array_equal(ours, theirs)
    empty.query().export.copy_files(tmp_path / "copies")
    for name in FILES:
        assert (tmp_path / "copies" / name).read_bytes() == (folder / name).read_bytes()


def test_the_default_model_embeds_local_and_remote_images_alike(
    empty: lw.ImageDataset, folder: Path, remote: str
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite_pytorch")
    empty.add_images_from_path(folder)
    empty.add_images_from_path(remote)
    assert empty.embeddings.list() == ["efficientnet-lite0"]
    vectors = empty.query().embeddings()
    assert vectors.shape == (10, 1280)
    np.testing.assert_allclose(vectors[:5], vectors[5:], atol=1e-4)


def test_damaged_pictures_and_bombs_are_named_and_the_others_embedded(empty: lw.ImageDataset, folder: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite_pytorch")
    limit = Image.MAX_IMAGE_PIXELS
    assert limit is not None
    for times in (2, 28):
        (folder / f"bomb{times}.png").write_bytes(png_that_claims(times * limit // 1000, 1000))
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "whole.png")
    (folder / "half.png").write_bytes((folder / "whole.png").read_bytes()[:6000])
    with pytest.warns(LightlyWidgetWarning) as caught:
        assert empty.add_images_from_path(folder) == 8
    said = " ".join(str(warning.message) for warning in caught)
    assert all(name in said for name in ("bomb2.png", "bomb28.png", "half.png"))
    vectors, ids = empty.embeddings.get()
    bad = {"bomb2.png", "half.png"}
    assert ids.to_list() == [s.sample_id for s in empty if s.file_name not in bad]
    assert np.isfinite(vectors).all()
    with pytest.raises(InvalidValueError, match="2 of 8 samples have no embedding"):
        empty.query().sampling().diverse(2, "picks")


# -- labels in ---------------------------------------------------------------------------------------------------------


def test_samples_from_coco_and_the_same_source_again(empty: lw.ImageDataset, folder: Path) -> None:
    path = coco_file(folder)
    assert empty.add_samples_from_coco(path, folder, embed=Means()) == 5
    expected = {str(folder / name): ("left", 0, 0, w // 2, h, 0.5) for name, (w, h) in SIZES.items()}
    assert boxes_of(again(empty)) == expected
    assert empty.embeddings.list() == ["means"]
    assert empty.add_samples_from_coco(path, folder, embed=False) == 0
    assert boxes_of(again(empty)) == expected
    assert empty.add_annotations_from_coco(path, folder, annotation_source="model") == 5
    assert empty.query().annotations().height == 10
    empty.labels.delete("model")
    assert boxes_of(again(empty)) == expected


def test_samples_from_yolo_and_the_same_source_again(empty: lw.ImageDataset, folder: Path) -> None:
    path = yolo_file(folder)
    assert empty.add_samples_from_yolo(path, "val", embed=False) == 2
    assert empty.add_samples_from_yolo(path, embed=False) == 3
    assert empty.tags.counts() == {"val": 2, "train": 3}
    assert {box[:1] + box[3:] for box in boxes_of(again(empty)).values()} == {
        ("middle", w / 2, h / 2, None) for w, h in SIZES.values()
    }
    assert empty.add_samples_from_yolo(path, embed=False) == 0
    assert empty.add_annotations_from_yolo(path) == 5
    assert empty.query().annotations().height == 5
    with pytest.raises(InvalidValueError, match="unknown split 'tst'"):
        empty.add_samples_from_yolo(path, "tst")


def test_samples_from_pascal_voc_by_labelformat(empty: lw.ImageDataset) -> None:
    if not BCCD.is_dir():
        pytest.skip("the BCCD images (shared/data/bccd) are not on this machine")
    formats = pytest.importorskip("labelformat.formats")

    def voc() -> Any:
        return formats.PascalVOCObjectDetectionInput(BCCD / "Annotations", "RBC,WBC,Platelets")

    with pytest.raises(InvalidValueError, match=r"^2 of 4,888 annotations"):
        empty.add_samples_from_labelformat(voc(), BCCD / "JPEGImages", embed=False)
    assert len(empty) == 0
    with pytest.warns(LightlyWidgetWarning, match="2 of 4,888"):
        assert (
            empty.add_samples_from_labelformat(voc(), BCCD / "JPEGImages", invalid="drop", embed=False)
            == empty.query().annotations()["sample_id"].n_unique()
            == 364
        )
    counts = dict(again(empty).query().annotations()["class_name"].value_counts().iter_rows())
    assert counts == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    with pytest.warns(LightlyWidgetWarning, match="2 of 4,888"):
        added = empty.add_annotations_from_labelformat(voc(), BCCD / "JPEGImages", invalid="drop")
    assert added == empty.query().annotations().height == 4886
    large = empty.match(lw.ObjectDetectionQuery.match(lw.ObjectDetectionField.class_name == "WBC"))
    assert 300 < len(large) < 364


@pytest.mark.parametrize("add", ["add_samples_from_coco", "add_annotations_from_coco"])
def test_a_wrong_folder_of_images_is_said_and_adds_nothing(full: lw.ImageDataset, folder: Path, add: str) -> None:
    version = core_of(full).snapshot().version
    options: dict[str, Any] = {"embed": False} if "samples" in add else {}
    with pytest.raises(InvalidValueError, match=r"none of the 5 images.*images/train.*images_root") as caught:
        getattr(full, add)(coco_file(folder), folder / "train", **options)
    assert str(folder / "train" / FILES[0]) in str(caught.value)
    assert core_of(full).snapshot().version == version
    with pytest.raises(InvalidValueError, match="none of the 5 images"):
        getattr(full, add)(coco_file(folder), **options)  # the folder of the JSON file


def test_some_missing_images_are_named_and_the_others_added(empty: lw.ImageDataset, folder: Path) -> None:
    (folder / FILES[2]).unlink()
    with pytest.warns(LightlyWidgetWarning, match=rf"1 files could not be read.*{FILES[2]}.*no such file"):
        assert empty.add_samples_from_coco(coco_file(folder), folder, embed=False) == 4
    assert len(boxes_of(empty)) == 4
    with pytest.warns(LightlyWidgetWarning, match="1 of 5 images are not in the dataset; their labels were left out"):
        assert empty.add_annotations_from_coco(coco_file(folder), folder) == 4


def test_classes_from_folders_columns_and_dicts_replace_their_source(full: lw.ImageDataset, folder: Path) -> None:
    ids = full.query().sample_ids.to_list()

    def classes(source: str) -> dict[str, str]:
        frame = again(full).query().annotations(source)
        assert frame["sample_id"].is_unique().all()
        return dict(frame.select("sample_id", "class_name").iter_rows())

    full.labels.add_classifications_from_folders(annotation_source="animal")
    assert classes("animal") == {s.sample_id: Path(s.file_path_abs).parent.name for s in full}
    full.labels.add_classifications_from_folders(level=2, annotation_source="animal")
    assert classes("animal") == {s.sample_id: Path(s.file_path_abs).parts[-3] for s in full}
    full.labels.add_classifications({ids[0]: "horse", folder / FILES[4]: 4, names_of(full)[1]: None}, "animal")
    assert [classes("animal").get(i) for i in ids] == ["horse", None, "train", "val", "4"]
    table = pd.DataFrame({"path": [str(folder / name) for name in FILES], "kind": list("abcde"), "sure": [0.5] * 5})
    full.labels.add_classifications_from_column(
        table, "kind", key="path", confidence="sure", annotation_source="animal"
    )
    by_path = {s.file_path_abs: s.sample_id for s in full}
    assert classes("animal") == {by_path[p]: k for p, k in zip(table["path"], table["kind"], strict=True)}
    assert set(full.query().annotations("animal")["confidence"]) == {0.5}
    wanted = full.match(lw.ClassificationQuery.match(lw.ClassificationField.class_name == "c"))
    assert wanted.sample_ids.to_list() == [by_path[str(folder / FILES[2])]]
    with pytest.raises(UnknownNameError, match="neither a sample id nor a path"):
        full.labels.add_classifications({"nobody": "x"})
    with pytest.raises(UnknownNameError, match="unknown column 'knd'"):
        full.labels.add_classifications_from_column(table, "knd", key="path")
    with pytest.raises(InvalidValueError, match="object_detection annotations, not 'classification'"):
        full.labels.add_classifications({ids[0]: "x"}, annotation_source="ground_truth")


# -- tables in ---------------------------------------------------------------------------------------------------------


def test_tables_of_every_make_become_the_same_dataset(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sample_id": ["b", "a", "c"], "text": ["x", "ü", None], "n": [3, None, 1]})
    vectors = np.arange(6.0).reshape(3, 2)
    frame.write_parquet(tmp_path / "t.parquet")
    makes: dict[str, Callable[[], Any]] = {
        "polars": lambda: frame,
        "lazy": frame.lazy,
        "arrow": frame.to_arrow,
        "pandas": lambda: frame.to_pandas(),
        "parquet": lambda: tmp_path / "t.parquet",
    }
    for name, make in makes.items():
        lw.Dataset.from_polars(make(), vectors, name=name, path=tmp_path / "home")
        loaded = lw.Dataset.load(name, tmp_path / "home")
        assert loaded.to_polars().select("sample_id", "text").equals(frame.select("sample_id", "text")), name
        assert loaded.to_polars()["metadata.n"].to_list() == [3, None, 1], name
        np.testing.assert_array_equal(loaded.query().embeddings(), vectors.astype(np.float32))
        assert core_of(loaded).media == "text"
        assert loaded[:2].sampling().diverse(2, "both").sample_ids in (["b", "a"], ["a", "b"])
    with_column = frame.with_columns(v=pl.Series(vectors, dtype=pl.Array(pl.Float64, 2)))
    loaded = lw.Dataset.from_polars(with_column, "v", name="column", path=tmp_path / "home")
    np.testing.assert_array_equal(loaded.query().embeddings(), vectors.astype(np.float32))


# -- metadata ----------------------------------------------------------------------------------------------------------


def test_metadata_is_promoted_or_refused(full: lw.ImageDataset) -> None:
    first, second = full[0], full[1]
    first.metadata["score"] = np.int16(3)
    first.metadata["camera"] = {"iso": 100}
    assert again(full).metadata.types() == {"score": "integer", "camera.iso": "integer"}
    second.metadata["score"] = 0.5
    assert again(full).metadata.types() == {"score": "float", "camera.iso": "integer"}
    assert again(full)[0].metadata["score"] == 3.0
    assert full.match(F.metadata["score"] < 1).to_list() == [second]
    assert full.match(F.metadata["camera.iso"] == 100).to_list() == [first]
    version = core_of(full).snapshot().version
    with pytest.raises(InvalidTypeError, match="'score' holds float values and cannot take string"):
        full.metadata.update({second.sample_id: {"new": 1, "score": "high"}})
    assert core_of(full).snapshot().version == version
    assert "new" not in full.metadata.types()


# -- crops -------------------------------------------------------------------------------------------------------------


def test_crops_are_what_the_boxes_hold_and_made_once(full: lw.ImageDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, rows = core_of(full).candidates(full.query()).crop_embeddings("means", None, lambda f: None)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    inside = np.array([[255, 0, 0, s.width // 2, s.height] for s in full])
    np.testing.assert_allclose(vectors, inside, atol=8)  # one of them is a JPEG
    monkeypatch.setattr(Means, "embed", lambda self, items: pytest.fail("embedded twice"))
    kept, _ = core_of(full).candidates(full.query()).crop_embeddings("means", None, lambda f: None)
    np.testing.assert_array_equal(kept, vectors)
    result = full.query().sampling().subpart_diversity(2, "parts")
    assert again(full).tags["parts"].sample_ids.to_list() == list(result.sample_ids)


def test_crops_of_files_that_are_gone_say_what_to_do(full: lw.ImageDataset, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "moved")
    with pytest.raises(StorageError, match=r"cannot be cut out.*dataset\.relocate"):
        full.query().sampling().subpart_diversity(2, "parts")
    assert "parts" not in full.tags
    full.relocate(folder, tmp_path / "moved")
    assert len(full.query().sampling().subpart_diversity(2, "parts").sample_ids) == 2


# -- out ---------------------------------------------------------------------------------------------------------------


def test_lists_and_tables_out(full: lw.ImageDataset, tmp_path: Path) -> None:
    query = full.order_by(F.width.desc())[:3]
    lines = query.export.to_txt(tmp_path / "list.txt").read_text().splitlines()
    assert lines == [s.file_path_abs for s in query]
    assert pl.read_csv(query.export.to_csv(tmp_path / "t.csv"))["width"].to_list() == [56, 52, 48]
    frame = pl.read_parquet(query.export.to_parquet(tmp_path / "t.parquet", embeddings="means"))
    np.testing.assert_array_equal(frame["embedding.means"].to_numpy(), query.embeddings("means"))
    assert frame.drop("embedding.means").equals(query.export.to_polars())
    assert query.export.to_pandas()["width"].tolist() == [56, 52, 48]
    for write in (query.export.to_txt, query.export.to_csv, query.export.to_parquet):
        (tmp_path / "there").write_text("mine")
        with pytest.raises(InvalidValueError, match="overwrite=True"):
            write(tmp_path / "there")
        assert (tmp_path / "there").read_text() == "mine"


def test_coco_out_is_valid_for_pycocotools_and_comes_back(full: lw.ImageDataset, folder: Path, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    path = full.query().export.to_coco_object_detections(tmp_path / "out.json", images_root=folder)
    api = coco.COCO(str(path))
    assert sorted(image["file_name"] for image in api.loadImgs(api.getImgIds())) == sorted(FILES)
    found = api.loadAnns(api.getAnnIds(iscrowd=False))
    assert len(found) == 5
    assert all(a["area"] == a["bbox"][2] * a["bbox"][3] for a in found)
    other = lw.ImageDataset.create("back", tmp_path / "home")
    assert other.add_samples_from_coco(path, folder, embed=False) == 5
    assert boxes_of(other) == boxes_of(full)


def test_yolo_out_keeps_equal_names_apart_and_comes_back(full: lw.ImageDataset, tmp_path: Path) -> None:
    folder = full.query().export.to_yolo_object_detections(tmp_path / "yolo", images="copy", with_confidence=True)
    labels = [path.relative_to(folder) for path in folder.rglob("*.txt")]
    images = [path.relative_to(folder / "images") for path in folder.rglob("images/**/*.*")]
    assert len(labels) == len(images) == 5
    assert sum(path.name == "a.txt" for path in labels) == 2
    other = lw.ImageDataset.create("back", tmp_path / "home")
    assert other.add_samples_from_yolo(folder / "data.yaml", embed=False) == 5
    assert other.tags.counts() == {"train": 5}
    ours = sorted(boxes_of(full).values(), key=str)
    for box, expected in zip(sorted(boxes_of(other).values(), key=str), ours, strict=True):
        assert box[0] == expected[0]
        assert box[1:] == pytest.approx(expected[1:], abs=1e-3)


def test_torch_reads_the_pictures_with_their_boxes(full: lw.ImageDataset) -> None:
    torch = pytest.importorskip("torch")
    data = full.query().export.to_torch()
    assert len(data) == 5
    for sample, (image, target) in zip(full, data, strict=True):
        assert image.shape == (3, sample.height, sample.width)
        assert target["sample_id"] == sample.sample_id
        assert target["boxes"].tolist() == [[0, 0, sample.width // 2, sample.height]]
    assert data.classes == ["left"]
    batches = torch.utils.data.DataLoader(data, batch_size=2, collate_fn=list)
    assert [len(batch) for batch in batches] == [2, 2, 1]


@pytest.mark.parametrize("symlinks", [False, True])
def test_copies_keep_their_folders(full: lw.ImageDataset, folder: Path, tmp_path: Path, symlinks: bool) -> None:
    query = full.match(F.tags.contains("train"))
    out = query.export.copy_files(tmp_path / "out", symlinks=symlinks)
    copies = [path for path in out.rglob("*.*") if path.is_file() and not path.name.startswith(".")]
    assert sorted(str(path.relative_to(out)) for path in copies) == ["cat/a.png", "cat/b.jpg", "dog/a.png"]
    assert all(path.is_symlink() == symlinks for path in copies)
    assert (out / "dog" / "a.png").read_bytes() == (folder / "train/dog/a.png").read_bytes()
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        query.export.copy_files(tmp_path / "out")


def test_a_moved_folder_is_found_again(full: lw.ImageDataset, folder: Path, tmp_path: Path) -> None:
    before = boxes_of(full)
    folder.rename(tmp_path / "new place")
    with pytest.raises(InvalidValueError, match="not there any more"):
        full.query().export.copy_files(tmp_path / "out")
    assert full.relocate(folder, tmp_path / "new place") == 5
    moved = again(full)
    assert {p.replace(str(tmp_path / "new place"), str(folder)): box for p, box in boxes_of(moved).items()} == before
    assert moved.add_images_from_path(tmp_path / "new place", embed=False) == 0
    assert moved.tags.counts() == {"train": 3, "val": 2}
    moved.query().export.copy_files(tmp_path / "out")
