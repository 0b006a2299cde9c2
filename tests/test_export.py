"""What goes out comes back the same, whole or not at all, and never over or outside of what it should."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lightly_widget import ingest
from lightly_widget.errors import (
    Cancelled,
    DiskFullError,
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetError,
    StorageError,
)
from lightly_widget.export import Export
from lightly_widget.export import files as export_files
from lightly_widget.export import names as export_names

some = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


class Samples:
    """A query in miniature."""

    def __init__(self, samples: pl.DataFrame, annotations: pl.DataFrame | None = None) -> None:
        self.samples = samples
        self.rows = annotations if annotations is not None else annotated()

    def to_polars(self) -> pl.DataFrame:
        return self.samples

    def annotations(self, annotation_source: str | None = None) -> pl.DataFrame:
        return self.rows if annotation_source is None else self.rows.filter(annotation_source=annotation_source)

    def embeddings(self, model_name: str | None = None) -> npt.NDArray[np.float32]:
        return np.arange(len(self.samples) * 3, dtype=np.float32).reshape(-1, 3)


def annotated(*rows: tuple[str, str, float | None, tuple[float, ...]], source: str = "truth") -> pl.DataFrame:
    schema = {"sample_id": pl.String, "annotation_source": pl.String} | ingest.ANNOTATION_SCHEMA
    full = [(sample, source, "object_detection", name, confidence, *box) for sample, name, confidence, box in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def images(*paths: str | Path, size: tuple[int, int] = (640, 480)) -> pl.DataFrame:
    names = [os.fspath(path) for path in paths]
    return pl.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(len(names))],
            "file_name": [Path(name).name for name in names],
            "file_path_abs": names,
            "width": [size[0]] * len(names),
            "height": [size[1]] * len(names),
            "tags": [["a", "b"] if i else [] for i in range(len(names))],
        },
        schema_overrides={"width": pl.Int32, "height": pl.Int32, "tags": pl.List(pl.String)},
    )


def pictures(folder: Path, *names: str, size: tuple[int, int] = (40, 20)) -> pl.DataFrame:
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number, 0, 0)).save(path)
    return images(*paths, size=size)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file in a folder with its content, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- files ------------------------------------------------------------------------------------------------------------


def writers(export: Export) -> dict[str, Any]:
    return {
        "txt": export.to_txt,
        "csv": export.to_csv,
        "parquet": export.to_parquet,
        "json": export.to_coco_object_detections,
    }


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet", "json"])
def test_nothing_is_overwritten_unasked_and_nothing_else_is_left(tmp_path: Path, kind: str) -> None:
    write = writers(Export(Samples(images("/d/a.png", "/d/b.png"))))[kind]
    (new_file := tmp_path.parent / "as everyone makes it").touch()
    target = tmp_path / "new" / "folder" / f"out.{kind}"
    assert write(target) == target
    content = target.read_bytes()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(new_file.stat().st_mode)
    target.write_bytes(b"precious")
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        write(target)
    assert tree(tmp_path) == {f"new/folder/out.{kind}": b"precious"}
    write(str(target), overwrite=True)
    assert tree(tmp_path) == {f"new/folder/out.{kind}": content}


def test_a_link_is_replaced_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "out.txt").symlink_to(tmp_path / "precious")
    export = Export(Samples(images("/d/a.png")))
    with pytest.raises(InvalidValueError, match="exists"):
        export.to_txt(tmp_path / "out.txt")
    export.to_txt(tmp_path / "out.txt", overwrite=True)
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "out.txt").read_text() == "/d/a.png\n"


@pytest.mark.parametrize("path", ["", "a\0b", "s3://bucket/x.csv", 3, None])
def test_paths_that_are_none_are_refused(path: Any) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError)):
        Export(Samples(images("/d/a.png"))).to_csv(path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if overwrite:
        (tmp_path / "x" / "y").mkdir(parents=True)
        (tmp_path / "x" / "y" / "a.csv").write_text("before")
    before = tree(tmp_path)
    monkeypatch.setattr(export_files.os, "fsync", full)
    with pytest.raises(DiskFullError):
        Export(Samples(images("/d/a.png"))).to_csv(tmp_path / "x" / "y" / "a.csv", overwrite=overwrite)
    assert tree(tmp_path) == before
    assert (tmp_path / "x").exists() == overwrite


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet", "json", "folder"])
def test_a_limit_on_the_size_of_files_is_a_clear_error(tmp_path: Path, kind: str) -> None:
    resource = pytest.importorskip("resource")
    samples = images(*[f"/data/{i}/{os.urandom(20).hex()}.png" for i in range(4000)])
    big = tmp_path / "in" / "big.png"
    big.parent.mkdir()
    big.write_bytes(bytes(200_000))
    export = Export(Samples(samples if kind != "folder" else images(big)))
    write = writers(export)[kind] if kind != "folder" else export.copy_files
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DiskFullError):
            write(tmp_path / "out" / "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    write(tmp_path / "out" / "x")


def test_where_there_are_no_hard_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(export_files.os, "link", unsupported)
    export = Export(Samples(images("/d/a.png")))
    export.to_txt(tmp_path / "a.txt")
    with pytest.raises(InvalidValueError, match="exists"):
        export.to_txt(tmp_path / "a.txt")
    assert tree(tmp_path) == {"a.txt": b"/d/a.png\n"}


def test_of_two_that_write_one_file_at_once_one_is_told(tmp_path: Path) -> None:
    exports = [Export(Samples(images(f"/d/{i}.png"))) for i in range(8)]
    told: list[Exception] = []

    def write(export: Export) -> None:
        try:
            export.to_txt(tmp_path / "a.txt")
        except LightlyWidgetError as error:
            told.append(error)

    threads = [threading.Thread(target=write, args=(export,)) for export in exports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 7
    assert len(tree(tmp_path)) == 1


# --- text and tables --------------------------------------------------------------------------------------------------


def test_txt_is_one_path_a_line_in_query_order(tmp_path: Path) -> None:
    path = Export(Samples(images("/d/b.png", "/d/a ü.png", "s3://b/c.png"))).to_txt(tmp_path / "a.txt")
    assert path.read_text(encoding="utf-8") == "/d/b.png\n/d/a ü.png\ns3://b/c.png\n"


@pytest.mark.parametrize("name", ["/d/a\nb.png", "/d/a\r.png", "/d/a\u2028b.png", "/d/a.png\n"])
def test_txt_refuses_what_would_be_two_lines(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValueError, match="line break"):
        Export(Samples(images("/d/a.png", name))).to_txt(tmp_path / "a.txt")
    assert tree(tmp_path) == {}


def test_txt_of_samples_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="to_csv"):
        Export(Samples(pl.DataFrame({"sample_id": ["a"], "text": ["hello"]}))).to_txt(tmp_path / "a.txt")


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['"', "\n", "\r\n", ",", "", " ", "=1+1", "null", '"",\n']
)
table = st.lists(
    st.tuples(
        text,
        text | st.none(),
        st.integers(-5, 5) | st.none(),
        st.floats(width=32) | st.none(),
        st.lists(text, max_size=2),
    ),
    max_size=5,
)


@some
@given(table)
def test_tables_come_back_the_same(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]) -> None:
    schema = {
        "sample_id": pl.String,
        "text": pl.String,
        "metadata.n": pl.Int64,
        "metadata.f": pl.Float32,
        "tags": pl.List(pl.String),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    folder = tmp_path_factory.getbasetemp()
    export = Export(Samples(frame))
    assert pl.read_parquet(export.to_parquet(folder / "t.parquet", overwrite=True)).equals(frame)
    path = export.to_csv(folder / "t.csv", overwrite=True)
    back = pl.read_csv(path, schema=schema | {"tags": pl.String})
    assert [json.loads(tags) for tags in back["tags"]] == frame["tags"].to_list()
    assert back.drop("tags").equals(frame.drop("tags"))


def test_csv_writes_nested_values_and_dates(tmp_path: Path) -> None:
    frame = pl.DataFrame({"sample_id": ["a"], "metadata.s": [{"b": [1, None]}], "d": [[None]]}).with_columns(
        created_at=pl.datetime(2024, 5, 6, time_zone="UTC"), days=pl.concat_list(pl.date(2024, 1, 2))
    )
    row = pl.read_csv(Export(Samples(frame)).to_csv(tmp_path / "t.csv")).to_dicts()[0]
    assert json.loads(row["metadata.s"]) == {"b": [1, None]}
    assert json.loads(row["days"]) == ["2024-01-02"]
    assert row["created_at"].startswith("2024-05-06T00:00:00")


def test_parquet_with_embeddings(tmp_path: Path) -> None:
    samples = Samples(images("/d/a.png", "/d/b.png"))
    export = Export(samples)
    assert "embedding" not in pl.read_parquet_schema(export.to_parquet(tmp_path / "0.parquet"))
    frame = pl.read_parquet(export.to_parquet(tmp_path / "1.parquet", embeddings=True))
    assert frame.schema["embedding"] == pl.Array(pl.Float32, 3)
    np.testing.assert_array_equal(frame["embedding"].to_numpy(), samples.embeddings())
    frame = pl.read_parquet(export.to_parquet(tmp_path / "2.parquet", embeddings=["m", "n"]))
    assert frame.columns[-2:] == ["embedding.m", "embedding.n"]
    assert (
        pl.read_parquet_schema(export.to_parquet(tmp_path / "3.parquet", embeddings="m")).names()[-1] == "embedding.m"
    )


def test_frames_are_the_query() -> None:
    samples = Samples(images("/d/a.png", "/d/b.png"))
    assert Export(samples).to_polars().equals(samples.samples)
    pandas = Export(samples).to_pandas()
    assert pandas["sample_id"].tolist() == ["s0", "s1"]


# --- COCO -------------------------------------------------------------------------------------------------------------

hostile = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
) | st.sampled_from(
    [
        "null",
        "0",
        "yes",
        "- a",
        ": b",
        "#",
        '"',
        "'",
        "\\",
        "\n",
        "../x",
        "{",
        "\ufeff",
        "\x7f",
        "\x85",
        "é",
        "e\u0301",
        "\u202e",
        "😀",
    ]
)
folders = st.sampled_from(["", "a/", "a/b/", "A/"])
stems = st.sampled_from(["x", "X", "y", "é", "e\u0301", "x-2"])
suffixes = st.sampled_from([".png", ".jpg", ".JPG", ""])
names = st.lists(st.tuples(folders, stems, suffixes).map("".join), unique=True, min_size=1, max_size=8)


@st.composite
def labeled(draw: st.DrawFn) -> Samples:
    samples = images(*[f"/data/{name}" for name in draw(names)])
    classes = draw(st.lists(hostile, min_size=1, max_size=3))
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        x, y = draw(st.floats(0, 600, width=32)), draw(st.floats(0, 440, width=32))
        width, height = draw(st.floats(1, 40, width=32)), draw(st.floats(1, 40, width=32))
        confidence = draw(st.none() | st.floats(0, 1, width=32))
        rows.append(
            (
                draw(st.sampled_from(samples["sample_id"].to_list())),
                draw(st.sampled_from(classes)),
                confidence,
                (x, y, width, height),
            )
        )
    return Samples(samples, annotated(*rows))


def by_path(samples: Samples) -> pl.DataFrame:
    joined = samples.rows.join(samples.samples.select("sample_id", "file_path_abs"), on="sample_id")
    return joined.select("file_path_abs", *ingest.ANNOTATION_SCHEMA)


@some
@given(labeled())
def test_coco_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, samples: Samples) -> None:
    path = tmp_path_factory.getbasetemp() / "out.json"
    Export(samples).to_coco_object_detections(path, images_root="/data", overwrite=True)
    scan = ingest.read_coco(path, "/data")
    assert scan.images.equals(samples.samples.select(scan.images.columns))
    assert scan.class_names == sorted(set(samples.rows["class_name"]))
    left, right = (frame.sort(pl.all(), nulls_last=True) for frame in (scan.annotations, by_path(samples)))
    boxes = ["x", "y", "width", "height"]
    assert left.drop(boxes).sort(pl.all()).equals(right.drop(boxes).sort(pl.all()))
    # x + width - x loses the last bits of a width
    np.testing.assert_allclose(left.select(boxes).to_numpy(), right.select(boxes).to_numpy(), rtol=1e-6, atol=1e-9)


def test_coco_is_valid_for_pycocotools(tmp_path: Path) -> None:
    coco_module = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    boxes = annotated(
        ("s1", "dog", None, (10.1, 20, 30, 40)),
        ("s0", "cat", None, (0, 0, 640, 480)),
        ("s1", "cat", None, (1, 2, 3, 4)),
    )
    samples = Samples(images("/d/a/x.png", "/d/b/x.png"), boxes)
    path = Export(samples).to_coco_object_detections(tmp_path / "c.json")
    truth = coco_module.COCO(str(path))
    assert [image["file_name"] for image in truth.loadImgs(truth.getImgIds())] == ["a/x.png", "b/x.png"]
    entries = truth.loadAnns(truth.getAnnIds(imgIds=[2]))
    assert [(entry["bbox"], entry["iscrowd"]) for entry in entries] == [([10.1, 20, 30, 40], 0), ([1, 2, 3, 4], 0)]
    assert entries[0]["area"] == pytest.approx(1200)
    assert len({entry["id"] for entry in truth.loadAnns(truth.getAnnIds())}) == 3
    assert min(truth.getImgIds() + truth.getCatIds() + truth.getAnnIds()) == 1
    found = truth.loadRes(
        [{key: entry[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0} for entry in entries]
    )
    judge = evaluation.COCOeval(truth, found, "bbox")
    judge.params.imgIds = [2]
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_coco_class_order_can_be_given(tmp_path: Path) -> None:
    export = Export(Samples(images("/d/a.png"), annotated(("s0", "cat", None, (1, 2, 3, 4)))))
    data = json.loads(export.to_coco_object_detections(tmp_path / "c.json", class_names=["dog", "cat"]).read_text())
    assert data["categories"] == [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    assert data["annotations"][0]["category_id"] == 2
    for bad in (["dog"], ["cat", "cat"]):
        with pytest.raises(InvalidValueError, match="class_names"):
            export.to_coco_object_detections(tmp_path / "d.json", class_names=bad)
    with pytest.raises(InvalidTypeError):
        export.to_coco_object_detections(tmp_path / "d.json", class_names="cat")
    assert list(tree(tmp_path)) == ["c.json"]


def test_sources_are_never_mixed(tmp_path: Path) -> None:
    box = ("s0", "cat", None, (1.0, 2.0, 3.0, 4.0))
    both = annotated(box).vstack(annotated(box, source="model"))
    export = Export(Samples(images("/d/a.png"), both))
    for write in (export.to_coco_object_detections, export.to_yolo_object_detections):
        with pytest.raises(InvalidValueError, match="'model', 'truth'"):
            write(tmp_path / "x")
    with pytest.raises(InvalidValueError, match="annotation_source"):
        export.to_torch()
    path = export.to_coco_object_detections(tmp_path / "x", annotation_source="model")
    assert len(json.loads(path.read_text())["annotations"]) == 1


def test_images_outside_the_root_and_samples_without_size_are_refused(tmp_path: Path) -> None:
    export = Export(Samples(images("/d/a.png", "/e/a.png")))
    with pytest.raises(InvalidValueError, match="images_root"):
        export.to_coco_object_detections(tmp_path / "c.json", images_root="/d")
    with pytest.raises(InvalidValueError, match="1 of 2"):
        Export(Samples(images("/d/a", "/d/b").with_columns(width=pl.Series([1, None])))).to_coco_object_detections(
            tmp_path / "c.json"
        )
    with pytest.raises(InvalidValueError):
        Export(Samples(pl.DataFrame({"sample_id": ["a"]}))).to_yolo_object_detections(tmp_path / "y")
    assert tree(tmp_path) == {}


# --- YOLO -------------------------------------------------------------------------------------------------------------


def test_yolo_comes_back_the_same_with_images_and_is_read_by_labelformat(tmp_path: Path) -> None:
    formats = pytest.importorskip("labelformat.formats")
    samples = pictures(tmp_path / "in", "a/x.png", "b/x.png", "b/x.jpg", "b/y.png")
    boxes = annotated(
        ("s0", "cat", 0.5, (0, 0, 40, 20)), ("s2", "dog", None, (10, 5, 20, 5)), ("s1", "cat", None, (1, 2, 3, 4))
    )
    folder = Export(Samples(samples, boxes)).to_yolo_object_detections(tmp_path / "out", images="copy")
    scan = ingest.read_yolo(folder / "data.yaml")
    assert len(scan.images) == 4
    assert scan.class_names == ["cat", "dog"]
    origin = {
        Path(path).read_bytes(): sample
        for path, sample in zip(samples["file_path_abs"], samples["sample_id"], strict=True)
    }
    back = {}
    for row in scan.annotations.to_dicts():
        back[origin[Path(row["file_path_abs"]).read_bytes()]] = (
            row["class_name"],
            *(round(row[key], 4) for key in ("x", "y", "width", "height")),
        )
    assert back == {"s0": ("cat", 0, 0, 40, 20), "s2": ("dog", 10, 5, 20, 5), "s1": ("cat", 1, 2, 3, 4)}
    reader = formats.YOLOv8ObjectDetectionInput(folder / "data.yaml", "train")
    assert sum(len(label.objects) for label in reader.get_labels()) == 3


def test_yolo_links_and_confidences(tmp_path: Path) -> None:
    samples = pictures(tmp_path / "in", "a.png")
    export = Export(Samples(samples, annotated(("s0", "cat", 0.25, (0, 0, 40, 20)))))
    folder = export.to_yolo_object_detections(tmp_path / "out", with_confidence=True)
    assert (folder / "images" / "train" / "a.png").readlink() == tmp_path / "in" / "a.png"
    assert (folder / "labels" / "train" / "a.txt").read_text() == "0 0.5 0.5 1 1 0.25\n"
    bare = export.to_yolo_object_detections(tmp_path / "bare", images="none")
    assert sorted(tree(bare)) == [".lightly_widget_export.json", "data.yaml", "labels/train/a.txt"]
    assert (bare / "labels" / "train" / "a.txt").read_text() == "0 0.5 0.5 1 1\n"


@some
@given(labeled())
def test_yolo_label_files_never_meet(tmp_path_factory: pytest.TempPathFactory, samples: Samples) -> None:
    given_names = [path.removeprefix("/data/") for path in samples.samples["file_path_abs"]]
    placed = [PurePosixPath(name) for name in export_names.unique_names(given_names, by_stem=True)]
    assert len({export_names._same(str(path.with_name(path.stem))) for path in placed}) == len(placed)
    assert [path.parent for path in placed] == [PurePosixPath(name).parent for name in given_names]
    assert [path.suffix for path in placed] == [PurePosixPath(name).suffix for name in given_names]
    folder = tmp_path_factory.mktemp("yolo") / "out"
    try:
        Export(samples).to_yolo_object_detections(folder, images="none")
    except InvalidValueError:
        assert not folder.exists()
        return
    written = list((folder / "labels").rglob("*.txt"))
    assert len(written) == len(samples.samples)
    assert sum(path.read_text().count("\n") for path in written) == len(samples.rows)


@some
@given(st.lists(hostile, unique=True, min_size=1, max_size=6))
def test_hostile_class_names_survive_yaml(tmp_path_factory: pytest.TempPathFactory, classes: list[str]) -> None:
    yaml = pytest.importorskip("yaml")
    boxes = annotated(*[("s0", name, None, (1, 2, 3, 4)) for name in classes])
    folder = tmp_path_factory.mktemp("names") / "out"
    Export(Samples(images("/d/a.png"), boxes)).to_yolo_object_detections(folder, images="none")
    config = yaml.safe_load((folder / "data.yaml").read_bytes())
    assert config == {"train": "images/train", "nc": len(classes), "names": dict(enumerate(sorted(classes)))}


def test_yolo_label_files_that_would_meet_are_refused_without_images(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="symlink"):
        Export(Samples(images("/d/x.png", "/d/x.jpg"))).to_yolo_object_detections(tmp_path / "y", images="none")
    assert tree(tmp_path) == {}


def test_yolo_splits_share_a_folder_and_their_class_numbers(tmp_path: Path) -> None:
    samples = pictures(tmp_path / "in", "a.png", "b.png")
    train = Samples(samples.head(1), annotated(("s0", "dog", None, (1, 2, 3, 4))))
    val = Samples(samples.tail(1), annotated(("s1", "cat", None, (1, 2, 3, 4)), ("s1", "dog", None, (1, 2, 3, 4))))
    folder = Export(train).to_yolo_object_detections(tmp_path / "out")
    Export(val).to_yolo_object_detections(folder, split="val")
    scan = ingest.read_yolo(folder / "data.yaml")
    assert scan.class_names == ["dog", "cat"]
    assert {name: [Path(path).name for path in paths] for name, paths in scan.tags.items()} == {
        "train": ["a.png"],
        "val": ["b.png"],
    }
    assert dict(zip(scan.annotations["class_name"], scan.annotations["file_path_abs"], strict=True)).keys() == {
        "dog",
        "cat",
    }
    before = tree(folder)
    with pytest.raises(InvalidValueError, match="overwrite=True"):
        Export(val).to_yolo_object_detections(folder, split="val")
    with pytest.raises(InvalidValueError, match="must begin"):
        Export(train).to_yolo_object_detections(folder, class_names=["cat", "dog"], overwrite=True)
    assert tree(folder) == before


@pytest.mark.parametrize("split", ["", "../x", "a/b", "a: b", "names", "nc", 3, "\0"])
def test_yolo_splits_are_plain_words(tmp_path: Path, split: Any) -> None:
    with pytest.raises(InvalidValueError, match="split"):
        Export(Samples(images("/d/a.png"))).to_yolo_object_detections(tmp_path / "y", split=split, images="none")


def test_overwriting_takes_away_what_the_export_wrote_and_nothing_else(tmp_path: Path) -> None:
    samples = pictures(tmp_path / "in", "a.png", "b.png")
    folder = Export(Samples(samples)).to_yolo_object_detections(tmp_path / "out", images="copy")
    mine = folder / "images" / "train" / "mine.png"
    mine.write_text("mine")
    Export(Samples(samples.tail(1))).to_yolo_object_detections(folder, images="copy", overwrite=True)
    assert sorted(tree(folder)) == [
        ".lightly_widget_export.json", "data.yaml", "images/train/b.png", "images/train/mine.png", "labels/train/b.txt",
    ]  # fmt: skip
    assert mine.read_text() == "mine"


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symlinks", [False, True])
def test_files_are_copied_in_their_folders(tmp_path: Path, symlinks: bool) -> None:
    samples = pictures(tmp_path / "in", "a/x.png", "b/x.png", "b/x.jpg")
    folder = Export(Samples(samples)).copy_files(tmp_path / "out", symlinks=symlinks)
    assert sorted(set(tree(folder)) - {".lightly_widget_export.json"}) == ["a/x.png", "b/x.jpg", "b/x.png"]
    assert (folder / "a" / "x.png").is_symlink() == symlinks
    assert (folder / "a" / "x.png").read_bytes() == (tmp_path / "in" / "a" / "x.png").read_bytes()
    with pytest.raises(InvalidValueError, match="3 files"):
        Export(Samples(samples)).copy_files(folder)
    Export(Samples(samples)).copy_files(folder, overwrite=True)
    assert not (folder / "a" / "x.png").is_symlink()


def test_names_that_meet_on_some_disks_are_told_apart() -> None:
    placed = export_names.unique_names(["a/x.png", "A/X.png", "é.png", "e\u0301.png", "a-2/x.png"], by_stem=False)
    assert len({export_names._same(name) for name in placed}) == 5
    assert placed[0] == "a/x.png"


def test_remote_images_are_copied(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe({"/out/a/x.png": b"1", "/out/b/x.png": b"2"})
    export = Export(Samples(images("memory:///out/a/x.png", "memory:///out/b/x.png")))
    try:
        folder = export.copy_files(tmp_path / "out")
        assert (folder / "a" / "x.png").read_bytes() + (folder / "b" / "x.png").read_bytes() == b"12"
        with pytest.raises(InvalidValueError, match="remote"):
            export.copy_files(tmp_path / "links", symlinks=True)
    finally:
        system.rm("/out", recursive=True)


def test_missing_images_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    samples = pictures(tmp_path / "in", "a.png", "b.png")
    (tmp_path / "in" / "b.png").unlink()
    with pytest.raises(InvalidValueError, match="1 images are not there"):
        Export(Samples(samples)).copy_files(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("way", ["copy", "links", "yolo"])
def test_images_are_never_exported_onto_themselves(tmp_path: Path, way: str) -> None:
    export = Export(Samples(pictures(tmp_path, "a.png", "images/train/b.png")))
    before = tree(tmp_path)
    write = {
        "copy": export.copy_files,
        "links": partial(export.copy_files, symlinks=True),
        "yolo": export.to_yolo_object_detections,
    }[way]
    with pytest.raises(InvalidValueError, match="choose another folder"):
        write(tmp_path, overwrite=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["images", "images/train"])
def test_no_export_leaves_its_folder_by_a_link(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (folder / name).parent.mkdir(parents=True)
    (folder / name).symlink_to(outside)
    export = Export(Samples(pictures(tmp_path / "in", "a.png")))
    with pytest.raises(InvalidValueError, match="is a link"):
        export.to_yolo_object_detections(folder, overwrite=True)
    assert tree(outside) == {}


@pytest.mark.parametrize("path", ["memory:///d/../../x.png", "memory:///d/./x.png", "memory:///d//x.png"])
def test_no_export_leaves_its_folder_by_a_name(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidValueError):
        Export(Samples(images("memory:///d/a.png", path))).copy_files(tmp_path / "deep" / "out")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"parts": {}}',
        '{"names": [], "parts": 3}',
        '{"names": [], "parts": {"train": [3]}}',
        '{"names": [], "parts": {"train": ["../../precious"]}}',
    ],
)
def test_a_manifest_that_was_tampered_with_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "precious").write_text("precious")
    folder = tmp_path / "a" / "out"
    folder.mkdir(parents=True)
    (folder / ".lightly_widget_export.json").write_text(text)
    with pytest.raises(InvalidValueError, match="damaged"):
        Export(Samples(images("/d/a.png"))).to_yolo_object_detections(folder, images="none", overwrite=True)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_failure_while_moving_in_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = pictures(tmp_path / "in", "a.png", "b.png", "c/d.png")
    export = Export(Samples(samples, annotated(("s0", "cat", None, (1, 2, 3, 4)))))
    folder = Export(Samples(samples.head(2))).to_yolo_object_detections(tmp_path / "out", images="copy")
    before, folders = tree(tmp_path), sorted(tmp_path.rglob("*"))
    rename, left = Path.rename, 0

    def fail_in_time(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_in_time)
    for fails_at in range(1, 100):
        left = fails_at
        try:
            export.to_yolo_object_detections(folder, images="copy", overwrite=True)
        except StorageError:
            assert tree(tmp_path) == before
            assert sorted(tmp_path.rglob("*")) == folders
        else:
            break
    assert fails_at > 10
    assert (folder / "images" / "train" / "c" / "d.png").is_file()


def test_a_cancelled_export_leaves_nothing(tmp_path: Path) -> None:
    def stop(fraction: float) -> None:
        raise Cancelled("enough")

    export = Export(Samples(pictures(tmp_path / "in", "a.png")))
    for folder in (tmp_path / "out", tmp_path / "deep" / "out"):
        with pytest.raises(Cancelled):
            export.copy_files(folder, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


# --- torch ------------------------------------------------------------------------------------------------------------


def test_torch_dataset_gives_images_boxes_and_classes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    samples = pictures(tmp_path, "a.png", "b.png", size=(7, 5))
    boxes = annotated(("s1", "dog", None, (1, 2, 3, 4)), ("s1", "cat", None, (0, 0, 7, 5)))
    label = ("s0", "another", "classification", "emu", None, None, None, None, None)
    rows = boxes.vstack(pl.DataFrame([label], schema=boxes.schema, orient="row"))
    dataset = Export(Samples(samples, rows)).to_torch()
    assert isinstance(dataset, torch.utils.data.Dataset)
    assert len(dataset) == 2
    assert dataset.classes == ["cat", "dog", "emu"]
    image, target = dataset[1]
    assert image.shape == (3, 5, 7)
    assert image.dtype == torch.uint8
    assert image[0].eq(1).all()
    assert target["sample_id"] == "s1"
    assert target["label"] == -1
    assert target["boxes"].tolist() == [[1, 2, 4, 6], [0, 0, 7, 5]]
    assert target["labels"].tolist() == [1, 0]
    _, target = dataset[0]
    assert target["label"] == 2
    assert target["boxes"].shape == (0, 4)
    sizes = Export(Samples(samples, rows)).to_torch(transform=lambda picture: picture.size)
    assert [size for size, _ in sizes] == [(7, 5)] * 2
    with pytest.raises(InvalidTypeError):
        Export(Samples(samples)).to_torch(transform=3)  # type: ignore[arg-type]
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(StorageError, match=r"a\.png"):
        dataset[0]


def test_torch_dataset_of_texts_loads_in_worker_processes() -> None:
    data = pytest.importorskip("torch.utils.data")
    frame = pl.DataFrame({"sample_id": ["a", "b"], "text": ["hello", "world"]})
    assert [word for word, _ in Export(Samples(frame)).to_torch(transform=str.upper)] == ["HELLO", "WORLD"]
    loader = data.DataLoader(
        Export(Samples(frame)).to_torch(), num_workers=1, collate_fn=list, multiprocessing_context="spawn"
    )
    assert [batch[0][0] for batch in loader] == ["hello", "world"]
