"""What gets in is checked whole: everything odd about files, labels and arrays is named in an error of ours."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys
import unicodedata
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lightly_widget import ingest
from lightly_widget.errors import (
    Cancelled,
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetError,
    LightlyWidgetWarning,
    MissingDependencyError,
    StorageError,
    UnknownNameError,
)
from lightly_widget.ingest import images

BCCD = Path(__file__).parents[2] / "shared" / "data" / "bccd"
FORMATS = {
    "jpg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "bmp": "BMP",
    "tif": "TIFF",
    "ppm": "PPM",
    "jp2": "JPEG2000",
}

many = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def picture(path: Path, size: tuple[int, int] = (7, 5)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 200, 30)).save(path, FORMATS.get(path.suffix[1:].lower(), "PNG"))
    return path


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def names(scan: ingest.ImageScan) -> list[str]:
    return scan.frame["file_name"].to_list()


# --- scanning ---------------------------------------------------------------------------------------------------------


def test_scan_finds_images_recursively_in_any_case_with_sizes_the_right_way_round(tmp_path: Path) -> None:
    picture(tmp_path / "b.JPG", (7, 5))
    picture(tmp_path / "sub" / "deep" / "a.Png", (11, 3))
    (tmp_path / "notes.txt").write_text("no image")
    picture(tmp_path / ".ipynb_checkpoints" / "copy.png")
    scan = ingest.scan_images(tmp_path)
    assert scan.frame.rows() == [
        ("b.JPG", str(tmp_path / "b.JPG"), 7, 5),
        ("a.Png", str(tmp_path / "sub" / "deep" / "a.Png"), 11, 3),
    ]
    assert dict(scan.frame.schema) == ingest.IMAGE_SCHEMA
    assert scan.unreadable == []


def test_every_way_of_naming_images_gives_the_same_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "x" / "a.png")
    monkeypatch.chdir(tmp_path)
    ways: list[Any] = [
        "x",
        Path("x"),
        "x/a.png",
        "x/*.png",
        "**/*.png",
        "./x/../x",
        ["x", "x/a.png", "x/*"],
        f"file://{tmp_path}/x",
    ]
    for way in ways:
        assert ingest.scan_images(way).frame["file_path_abs"].to_list() == [str(tmp_path / "x" / "a.png")], way


def test_brackets_in_a_real_name_are_no_glob(tmp_path: Path) -> None:
    picture(tmp_path / "set[1]" / "a*.png")
    picture(tmp_path / "set1" / "b.png")
    assert names(ingest.scan_images(tmp_path / "set[1]")) == ["a*.png"]


def test_known_images_are_skipped_unread_and_the_limit_counts_new_ones(tmp_path: Path) -> None:
    for i in range(6):
        picture(tmp_path / f"{i}.png")
    (tmp_path / "0.png").write_bytes(b"broken, yet known")
    scan = ingest.scan_images(tmp_path, known={str(tmp_path / "0.png")}, limit=2)
    assert names(scan) == ["1.png", "2.png"]
    assert scan.known == [str(tmp_path / "0.png")]
    assert ingest.scan_images(tmp_path, known=set(map(str, tmp_path.iterdir()))).frame.is_empty()
    assert ingest.scan_images(tmp_path, limit=0).frame.is_empty()


def test_tag_depth_takes_the_first_folder_names(tmp_path: Path) -> None:
    cat, dog, top = (str(picture(tmp_path / name)) for name in ("train/cat/1.png", "val/dog/old/2.png", "3.png"))
    assert ingest.scan_images(tmp_path).tags == {}
    assert ingest.scan_images(tmp_path, tag_depth=1).tags == {"train": [cat], "val": [dog]}
    assert ingest.scan_images(tmp_path, tag_depth=2).tags == {"train": [cat], "cat": [cat], "val": [dog], "dog": [dog]}
    assert ingest.scan_images(str(tmp_path / "*"), tag_depth=1).tags == {"train": [cat], "val": [dog]}
    assert ingest.scan_images(tmp_path, tag_depth=1, known={cat}).tags["train"] == [cat]
    assert not any(top in paths for paths in ingest.scan_images(tmp_path, tag_depth=3).tags.values())


def test_the_unreadable_are_named_and_stop_nothing(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")  # opening it would wait for ever
    (tmp_path / "folder.png").mkdir()
    scan = ingest.scan_images(tmp_path)
    assert names(scan) == ["good.png"]
    assert {Path(bad.path).name for bad in scan.unreadable} == {"empty.png", "text.jpg", "dangling.png", "pipe.png"}
    assert all(bad.reason for bad in scan.unreadable)
    listed = ingest.scan_images([tmp_path / "good.png", tmp_path / "gone.png", "\0"])
    assert names(listed) == ["good.png"]
    assert len(listed.unreadable) == 2


def test_linked_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    picture(tmp_path / "real" / "a.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "data")
    scan = ingest.scan_images(tmp_path / "data")
    assert scan.frame["file_path_abs"].to_list() == [str(tmp_path / "data" / "link" / "a.png")]


@pytest.mark.parametrize("suffix", FORMATS)
def test_images_cut_anywhere_are_read_or_named(tmp_path: Path, suffix: str) -> None:
    whole = picture(tmp_path / f"whole.{suffix}", (64, 48)).read_bytes()
    cuts = sorted({int(at) for at in np.linspace(0, len(whole) - 1, 40)})
    for cut in cuts:
        (tmp_path / f"{cut:06}.{suffix}").write_bytes(whole[:cut])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan = ingest.scan_images(tmp_path)
    assert len(scan.frame) + len(scan.unreadable) == len(cuts) + 1
    assert "000000." + suffix in {Path(bad.path).name for bad in scan.unreadable}
    assert set(scan.frame.select("width", "height").rows()) == {(64, 48)}


def test_image_bombs_neither_crash_nor_warn(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    assert limit is not None
    for times in (1, 2, 28):
        (tmp_path / f"{times}.png").write_bytes(png_that_claims(times * limit // 1000 + (times == 1), 1000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan = ingest.scan_images(tmp_path)
    assert names(scan) == ["1.png", "2.png"]
    assert [Path(bad.path).name for bad in scan.unreadable] == ["28.png"]
    assert "MAX_IMAGE_PIXELS" in scan.unreadable[0].reason


def test_a_scan_leaves_the_filters_of_warnings_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    before, during = list(warnings.filters), []
    real = images.read_size
    monkeypatch.setattr(images, "read_size", lambda path: during.append(list(warnings.filters)) or real(path))
    assert names(ingest.scan_images(tmp_path)) == ["a.png"]
    assert during == [before]


def test_names_stay_as_they_are_and_distinct(tmp_path: Path) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "é.png")
    odd = [
        composed,
        decomposed,
        "\u202egnp.exe.png",
        "שלום.png",
        "a\nb.png",
        "q\"u,o'te.png",
        "😀 .png",
        "-rf.png",
        "%2e%2e.png",
    ]
    for name in odd:
        picture(tmp_path / name)
    scan = ingest.scan_images(tmp_path)
    assert sorted(names(scan)) == sorted(odd)
    assert scan.frame["file_path_abs"].n_unique() == len(odd)


def test_a_name_that_is_not_utf8_is_named_not_fatal(tmp_path: Path) -> None:
    good = picture(tmp_path / "good.png")
    os.link(good, os.fsencode(tmp_path) + b"/\xff.png")
    scan = ingest.scan_images(tmp_path)
    assert names(scan) == ["good.png"]
    assert "UTF-8" in scan.unreadable[0].reason
    scan.unreadable[0].path.encode()


@pytest.mark.parametrize(
    "bad", ["", "\0", "a\0b.png", "/no/such/folder", "/no/such/*.png", "\ud800", "nope://x/y", "x" * 100_000]
)
def test_a_path_to_nothing_is_refused(bad: str) -> None:
    with pytest.raises(LightlyWidgetError) as caught:
        ingest.scan_images(bad)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("bad", [3, None, b"x", 1.5])
def test_what_is_no_path_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidTypeError):
        ingest.scan_images(bad)


@pytest.mark.parametrize("bad", [{"limit": -1}, {"limit": True}, {"tag_depth": -1}, {"tag_depth": 1.5}])
def test_counts_are_checked(tmp_path: Path, bad: dict[str, Any]) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError)):
        ingest.scan_images(tmp_path, **bad)


def test_memory_file_system_folder_file_and_glob() -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    buffer = io.BytesIO()
    Image.new("RGB", (9, 4)).save(buffer, "PNG")
    for name in ("/scan/cat/a.PNG", "/scan/dog/b.png", "/scan/.hidden/c.png"):
        system.pipe(name, buffer.getvalue())
    system.pipe("/scan/broken.jpg", b"no")
    try:
        scan = ingest.scan_images("memory://scan", tag_depth=1)
        assert names(scan) == ["a.PNG", "b.png"]
        assert set(scan.frame.select("width", "height").rows()) == {(9, 4)}
        assert sorted(scan.tags) == ["cat", "dog"]
        assert len(scan.unreadable) == 1
        again = ingest.scan_images(["memory://scan/*/*.png", "memory://scan/cat/a.PNG"])
        assert set(again.frame["file_path_abs"]) == set(scan.frame["file_path_abs"])
        assert ingest.scan_images("memory://scan", known=set(scan.frame["file_path_abs"])).frame.is_empty()
        with pytest.raises(InvalidValueError, match="no file or folder"):
            ingest.scan_images("memory://elsewhere")
    finally:
        system.rm("/scan", recursive=True)


def test_progress_can_stop_a_scan(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")

    def stop(fraction: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ingest.scan_images(tmp_path, progress=stop)
    seen: list[float] = []
    ingest.scan_images(tmp_path, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


# --- annotations ------------------------------------------------------------------------------------------------------

SIZES = pl.DataFrame({"sample_id": ["a", "b", "text"], "width": [640, 30, None], "height": [480, 40, None]})


def boxes(*rows: tuple[Any, ...]) -> pl.DataFrame:
    schema = {"sample_id": pl.String, "annotation_type": pl.String, "class_name": pl.String, "confidence": pl.Float64}
    return pl.DataFrame(
        list(rows), schema=schema | dict.fromkeys(("x", "y", "width", "height"), pl.Float64), orient="row"
    )


def detection(
    x: float, y: float, w: float, h: float, sample: str = "a", confidence: float | None = None
) -> tuple[Any, ...]:
    return (sample, "object_detection", "cat", confidence, x, y, w, h)


def test_sound_annotations_pass_with_their_dtypes() -> None:
    frame = boxes(
        detection(0, 0, 640, 480, confidence=1.0),
        detection(639, 479, 1.5, 1.5, confidence=0.0),  # within the tolerance of a pixel
        ("text", "classification", "cat", 0.5, None, None, None, None),
    )
    checked = ingest.check_annotations(frame, SIZES)
    assert checked.schema["x"] == pl.Float32
    assert checked.rows() == frame.rows()


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (detection(-2, 0, 5, 5), "outside"),
        (detection(0, -2, 5, 5), "outside"),
        (detection(638, 0, 5, 5), "outside"),
        (detection(0, 478, 5, 5), "outside"),
        (detection(0, 0, 35, 39, "b"), "outside"),  # fits b lying, not b standing
        (detection(0, 0, 0, 5), "area"),
        (detection(0, 0, 5, -1), "area"),
        (detection(NAN, 0, 5, 5), "finite"),
        (detection(0, 0, INF, 5), "finite"),
        (detection(0, 0, 5, 5, confidence=1.01), "confidence"),
        (detection(0, 0, 5, 5, confidence=-0.1), "confidence"),
        (detection(0, 0, 5, 5, confidence=NAN), "confidence"),
        (detection(0, 0, 5, 5, "nobody"), "no known"),
        (detection(0, 0, 5, 5, "text"), "no size"),
        (("a", "object_detection", "cat", None, 1, 2, None, 3), "lacks"),
        (("a", "classification", "cat", None, 1, 2, 3, 4), "with a box"),
        (("a", "classification", "", None, None, None, None, None), "no class"),
        (("a", "classification", None, None, None, None, None, None), "no class"),
        (("a", "pose", "cat", None, None, None, None, None), "neither"),
        (("a", None, "cat", None, None, None, None, None), "neither"),
        ((None, "classification", "cat", None, None, None, None, None), "no known"),
    ],
)
def test_each_fault_is_refused_in_words(row: tuple[Any, ...], words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        ingest.check_annotations(boxes(detection(0, 0, 5, 5), row), SIZES)


def test_all_faults_are_counted_and_five_named() -> None:
    frame = boxes(*[detection(0, 0, 5, 5) if i % 2 else detection(-50, 0, i + 1, 5) for i in range(40)])
    with pytest.raises(InvalidValueError, match=r"^20 of 40 annotations .* and 15 more") as caught:
        ingest.check_annotations(frame, SIZES)
    assert [f"row {i} " in str(caught.value) for i in (0, 2, 4, 6, 8, 10)] == [True] * 5 + [False]


def test_dropping_is_asked_for_and_said() -> None:
    frame = boxes(detection(0, 0, 5, 5), detection(0, 0, 0, 0))
    with pytest.warns(LightlyWidgetWarning, match="1 of 2"):
        assert ingest.check_annotations(frame, SIZES, invalid="drop").rows() == frame.rows()[:1]
    with pytest.raises(InvalidValueError, match="invalid"):
        ingest.check_annotations(frame, SIZES, invalid="ignore")  # type: ignore[arg-type]


def test_missing_columns_and_wrong_types_are_named() -> None:
    with pytest.raises(InvalidValueError, match="confidence"):
        ingest.check_annotations(boxes().drop("confidence"), SIZES)
    with pytest.raises(InvalidTypeError, match="'x'"):
        ingest.check_annotations(boxes(detection(0, 0, 5, 5)).with_columns(x=pl.lit("left")), SIZES)


numbers = st.floats(width=32) | st.sampled_from([0.0, -1.0, 5.0, 640.0, 1e38])


@many
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "text", "x"]) | st.none(),
            st.sampled_from(["object_detection", "classification", "", "segmentation"]) | st.none(),
            st.text(max_size=3) | st.none(),
            *[numbers | st.none()] * 5,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_generated_annotations_pass_sound_or_are_refused(rows: list[tuple[Any, ...]]) -> None:
    frame = boxes(*rows)
    try:
        checked = ingest.check_annotations(frame, SIZES)
    except InvalidValueError:
        return
    found = checked.join(SIZES, on="sample_id", suffix="_image")
    assert len(found) == len(frame)
    for row in found.filter(pl.col("annotation_type") == "object_detection").to_dicts():
        assert -1 <= row["x"] <= row["x"] + row["width"] <= row["width_image"] + 1.1
        assert -1 <= row["y"] <= row["y"] + row["height"] <= row["height_image"] + 1.1
        assert min(row["width"], row["height"]) >= 0
    assert all(value is None or 0 <= value <= 1 for value in checked["confidence"])


# --- label files ------------------------------------------------------------------------------------------------------


def coco(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "images": [
            {"id": 7, "file_name": "a/x.png", "width": 640, "height": 480},
            {"id": 9, "file_name": "b/x.png", "width": 30, "height": 40},
        ],
        "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 5, "bbox": [1, 2, 20, 30], "score": 0.25},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [100.5, 2, 20, 30]},
        ],
    }
    return data | changes


def write_json(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_coco_is_read(tmp_path: Path) -> None:
    scan = ingest.read_coco(write_json(tmp_path / "c.json", coco()), "/data")
    assert scan.images.rows() == [("x.png", "/data/a/x.png", 640, 480), ("x.png", "/data/b/x.png", 30, 40)]
    assert scan.annotations.sort("x").rows() == [
        ("/data/b/x.png", "object_detection", "dog", 0.25, 1, 2, 20, 30),
        ("/data/a/x.png", "object_detection", "cat", None, 100.5, 2, 20, 30),
    ]
    assert scan.class_names == ["cat", "dog"]
    here = ingest.read_coco(tmp_path / "c.json")
    assert here.images["file_path_abs"][0] == str(tmp_path / "a" / "x.png")


def image(name: object, number: int = 7) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": 640, "height": 480}


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "a/../../x.png",
        "/etc/x.png",
        "..",
        ".",
        "",
        "a\0.png",
        "\ud800.png",
        3,
        None,
        "/data-2/x.png",
        "a/../..",
    ],
)
def test_coco_names_that_leave_the_folder_are_refused(tmp_path: Path, name: object) -> None:
    path = write_json(tmp_path / "c.json", coco(images=[image(name), image("b/x.png", 9)]))
    for root in ("/data", "memory:///data"):
        with pytest.raises(InvalidValueError):
            ingest.read_coco(path, root)


def test_coco_names_inside_may_be_absolute_or_roundabout(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", coco(images=[image("/data/a/x.png"), image("b/../c/./x.png", 9)]))
    assert ingest.read_coco(path, "/data/").images["file_path_abs"].to_list() == ["/data/a/x.png", "/data/c/x.png"]
    path = write_json(tmp_path / "d.json", coco(images=[image("a/x.png"), image("memory:///data/x.png", 9)]))
    remote = ingest.read_coco(path, "memory:///data").images["file_path_abs"].to_list()
    assert remote == ["memory:///data/a/x.png", "memory:///data/x.png"]


def test_coco_faults_are_reported_at_once(tmp_path: Path) -> None:
    wrong = [{"image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1], "score": 2 + i} for i in range(9)]
    path = write_json(tmp_path / "c.json", coco(annotations=wrong))
    with pytest.raises(InvalidValueError, match=r"^9 entries .* and 4 more"):
        ingest.read_coco(path)
    outside = [{"image_id": 7, "category_id": 2, "bbox": [900 + i, 0, 1, 1]} for i in range(9)]
    with pytest.raises(InvalidValueError, match=r"^9 of 9 .* and 4 more"):
        ingest.read_coco(write_json(path, coco(annotations=outside)))


def test_coco_names_that_mean_one_file_are_refused(tmp_path: Path) -> None:
    path = write_json(tmp_path / "c.json", coco(images=[image("a/x.png"), image("a/./x.png", 9)]))
    with pytest.raises(InvalidValueError, match="more than once"):
        ingest.read_coco(path)


def test_coco_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="no file"):
        ingest.read_coco(tmp_path / "none.json")
    with pytest.raises(StorageError):
        ingest.read_coco(tmp_path)
    (tmp_path / "deep.json").write_text("[" * 200_000)
    with pytest.raises(InvalidValueError, match="parsed"):
        ingest.read_coco(tmp_path / "deep.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


def replaced(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = value.copy()
    copy[at[0]] = replaced(value[at[0]], at[1:], new)
    return copy


def sound(scan: ingest.LabelScan) -> bool:
    known = set(scan.images["file_path_abs"])
    return set(scan.annotations["file_path_abs"]) <= known and all(path.startswith("/data/") for path in known)


@many
@given(st.sampled_from(places(coco())), json_values)
def test_coco_with_one_thing_replaced_is_sound_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], value: Any
) -> None:
    path = write_json(tmp_path_factory.getbasetemp() / "mutant.json", replaced(coco(), place, value))
    try:
        scan = ingest.read_coco(path, "/data")
    except InvalidValueError:
        return
    assert sound(scan)


@many
@given(st.data())
def test_coco_bytes_cut_or_flipped_are_sound_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.json"
    content = bytearray(json.dumps(coco()).encode())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        scan = ingest.read_coco(path, "/data")
    except InvalidValueError:
        return
    assert sound(scan)


def yolo(folder: Path, labels: str = "0 .5 .5 .5 .5\n", yaml: str = "train: images/train\nnames: [cat, dog]\n") -> Path:
    picture(folder / "images" / "train" / "a.png", (200, 100))
    picture(folder / "images" / "train" / "sub" / "a.jpg", (30, 40))
    (folder / "labels" / "train").mkdir(parents=True, exist_ok=True)
    (folder / "labels" / "train" / "a.txt").write_text(labels)
    (folder / "data.yaml").write_text(yaml)
    return folder / "data.yaml"


def test_yolo_is_read_with_sizes_the_right_way_round(tmp_path: Path) -> None:
    scan = ingest.read_yolo(yolo(tmp_path, "1 .5 .5 .2 .4 .75\n\n0 .25 .5 .5 1\n"))
    path = str(tmp_path / "images" / "train" / "a.png")
    assert scan.annotations.rows() == [
        (path, "object_detection", "dog", 0.75, pytest.approx(80), 30, 40, 40),
        (path, "object_detection", "cat", None, 0, 0, 100, 100),
    ]
    assert scan.images["file_name"].to_list() == ["a.png", "a.jpg"]
    assert scan.class_names == ["cat", "dog"]
    assert scan.tags == {"train": scan.images["file_path_abs"].to_list()}


def test_yolo_splits_paths_and_numbered_names(tmp_path: Path) -> None:
    text = "path: {root}\ntrain: images/train\nval: [images/train/sub, images/train]\nnames: {{3: cat, 0: dog}}\n"
    path = yolo(tmp_path / "set", "3 .5 .5 .1 .1", text.format(root=tmp_path / "set"))
    scan = ingest.read_yolo(path)
    assert scan.class_names == ["dog", "cat"]
    assert len(scan.images) == 2
    assert {name: len(paths) for name, paths in scan.tags.items()} == {"train": 2, "val": 2}
    assert list(ingest.read_yolo(path, "val").tags) == ["val"]
    with pytest.raises(InvalidValueError, match=r"split 'valid'.*'val'"):
        ingest.read_yolo(path, "valid")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 .5 .5 .5", "5 or 6"),
        ("0 .1 .1 .2 .2 .3 .3 .4", "polygons"),
        ("2 .5 .5 .5 .5", "no class 2"),
        ("cat .5 .5 .5 .5", "line 1"),
        ("0 .5 .5 .5 1.5", "outside"),
        ("0 nan .5 .5 .5", "finite"),
        ("0 .5 .5 0 .5", "area"),
        ("0 .5 .5 .5 .5 7", "confidence"),
    ],
)
def test_yolo_lines_that_are_wrong_are_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        ingest.read_yolo(yolo(tmp_path, line))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{",
        "\0",
        "train: images/train",
        "train: 3\nnames: [a]",
        "train: nowhere\nnames: [a]",
        "train: x.txt\nnames: [a]",
        "train: images/train\nnames: 3",
        "train: images/train\nnames: [[a]]",
        "train: images/train\na: &a [*a]\nnames: *a",
        "!!python/object:os.system x",
    ],
)
def test_yolo_files_that_are_wrong_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidValueError):
        ingest.read_yolo(yolo(tmp_path, yaml=text))


@settings(many, max_examples=200)
@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from(["0", "1", "9", ".5", "-1", "nan", "\n", " ", "x", "1e400"])).map(
        lambda parts: " ".join(parts).encode()
    )
)
def test_generated_yolo_labels_are_sound_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "yolo"
    path = folder / "data.yaml" if folder.exists() else yolo(folder)
    (folder / "labels" / "train" / "a.txt").write_bytes(content)
    try:
        scan = ingest.read_yolo(path)
    except InvalidValueError:
        return
    assert set(scan.annotations["class_name"]) <= {"cat", "dog"}


def test_labels_and_images_may_be_remote(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    yolo(tmp_path, "1 .5 .5 .2 .4")
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        system.pipe(f"/labels set/{path.relative_to(tmp_path)}", path.read_bytes())
    system.pipe("/labels set/c.json", json.dumps(coco()).encode())
    roundabout = b"path: ../labels set\ntrain: ../labels set/images/train\nnames: [cat, dog]\n"
    system.pipe("/labels set/roundabout.yaml", roundabout)
    try:
        for name in ("data.yaml", "roundabout.yaml"):
            scan = ingest.read_yolo(f"memory://labels set/{name}")
            assert set(scan.images["file_path_abs"]) == set(
                ingest.scan_images("memory://labels set").frame["file_path_abs"]
            )
            path = next(path for path in scan.images["file_path_abs"] if path.endswith("a.png"))
            assert scan.annotations.select("file_path_abs", "class_name", "x").rows() == [
                (path, "dog", pytest.approx(80))
            ]
        found = ingest.read_coco("memory://labels set/c.json").images["file_path_abs"].to_list()
        assert found == ["memory:///labels set/a/x.png", "memory:///labels set/b/x.png"]
        with pytest.raises(InvalidValueError, match="no file"):
            ingest.read_coco("memory://labels set/none.json")
        system.pipe("/labels set/bad.yaml", b"train: nowhere\nnames: [a]")
        with pytest.raises(InvalidValueError, match="not a folder"):
            ingest.read_yolo("memory://labels set/bad.yaml")
    finally:
        system.rm("/labels set", recursive=True)


def test_without_labelformat_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("labelformat.formats.coco", "labelformat.model.object_detection", "yaml", "fsspec.core"):
        monkeypatch.setitem(sys.modules, name, None)
    path = write_json(tmp_path / "c.json", coco())
    for read in (
        lambda: ingest.read_coco(path),
        lambda: ingest.read_yolo(path),
        lambda: ingest.read_labelformat(3, "/"),
    ):
        with pytest.raises(MissingDependencyError, match=r"lightly-widget\[labels\]"):
            read()
    with pytest.raises(MissingDependencyError, match=r"lightly-widget\[remote\]"):
        ingest.scan_images("memory://x")


@pytest.mark.skipif(not BCCD.is_dir(), reason="the BCCD images (shared/data/bccd) are not on this machine")
def test_pascal_voc_of_real_images_through_labelformat() -> None:
    formats = pytest.importorskip("labelformat.formats")
    voc = formats.PascalVOCObjectDetectionInput(BCCD / "Annotations", "RBC,WBC,Platelets")
    with pytest.raises(InvalidValueError, match=r"^2 of 4,888 annotations .*BloodImage_00343"):
        ingest.read_labelformat(voc, BCCD / "JPEGImages")
    with pytest.warns(LightlyWidgetWarning, match="2 of 4,888"):
        scan = ingest.read_labelformat(voc, BCCD / "JPEGImages", invalid="drop")
    counts = dict(scan.annotations["class_name"].value_counts().iter_rows())
    assert counts == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    images = ingest.scan_images(scan.images["file_path_abs"].to_list())
    assert images.frame.sort("file_path_abs").equals(scan.images)
    ingest.check_annotations(scan.annotations, images.frame, key="file_path_abs")


def test_read_labelformat_takes_inputs_alone(tmp_path: Path) -> None:
    formats = pytest.importorskip("labelformat.formats")
    with pytest.raises(InvalidTypeError, match="label_input"):
        ingest.read_labelformat(tmp_path, tmp_path)
    (tmp_path / "a.xml").write_text(
        "<annotation><filename>../a.png</filename><size><width>5</width><height>4</height></size></annotation>"
    )
    with pytest.raises(InvalidValueError, match="leaves"):
        ingest.read_labelformat(formats.PascalVOCObjectDetectionInput(tmp_path, "cat"), tmp_path)
    (tmp_path / "a.xml").write_text("<annotation>")
    with pytest.raises(InvalidValueError, match="parsed"):
        ingest.read_labelformat(formats.PascalVOCObjectDetectionInput(tmp_path, "cat"), tmp_path)


# --- classes ----------------------------------------------------------------------------------------------------------

SAMPLES = pl.DataFrame(
    {"sample_id": ["s1", "s2", "s3"], "file_path_abs": ["/d/cat/1.png", "/d/dog/2.png", "memory://d/cat/3.png"]}
)


def test_classes_from_folder_names() -> None:
    frame = ingest.classes_from_folders(SAMPLES)
    assert frame.select("sample_id", "class_name").rows() == [("s1", "cat"), ("s2", "dog"), ("s3", "cat")]
    assert ingest.check_annotations(
        frame, SIZES.head(0).vstack(SIZES.head(3)).with_columns(sample_id=SAMPLES["sample_id"])
    ).equals(frame)
    assert set(ingest.classes_from_folders(SAMPLES, level=2)["class_name"]) == {"d"}
    with pytest.raises(InvalidValueError, match="3 paths"):
        ingest.classes_from_folders(SAMPLES, level=3)


def test_classes_from_a_mapping_by_id_and_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    frame = ingest.classes_from_mapping(
        SAMPLES, {"s1": "cat", Path("d/dog/2.png"): np.int64(3), "memory://d/cat/3.png": None}
    )
    assert frame.select("sample_id", "class_name").rows() == [("s1", "cat"), ("s2", "3")]


@pytest.mark.parametrize(
    ("classes", "error"),
    [
        ({"s4": "cat"}, UnknownNameError),
        ({3: "cat"}, UnknownNameError),
        ({"\0": "cat"}, UnknownNameError),
        ({"s1": "cat", "/d/cat/1.png": "cat"}, InvalidValueError),
        ({"s1": ""}, InvalidValueError),
        ({"s1": "\ud800"}, InvalidValueError),
        ({"s1": "a\0b"}, InvalidValueError),
        ({"s1": 1.5}, InvalidTypeError),
        ({"s1": ["cat"]}, InvalidTypeError),
        ([("s1", "cat")], InvalidTypeError),
    ],
)
def test_classes_that_are_wrong_are_refused(classes: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ingest.classes_from_mapping(SAMPLES, classes)


def test_classes_from_a_column() -> None:
    table = {"path": ["/d/cat/1.png", "s2"], "label": ["cat", None], "p": [0.5, 0.5]}
    frame = ingest.classes_from_column(SAMPLES, table, "label", key="path", confidence="p")
    assert frame.select("sample_id", "class_name", "confidence").rows() == [("s1", "cat", 0.5)]
    with pytest.raises(InvalidValueError, match="confidence outside"):
        ingest.classes_from_column(
            SAMPLES, {"sample_id": ["s1"], "label": ["cat"], "p": [1.5]}, "label", confidence="p"
        )
    with pytest.raises(UnknownNameError, match="'label'"):
        ingest.classes_from_column(SAMPLES, table, "lable", key="path")


# --- tables and arrays ------------------------------------------------------------------------------------------------


def test_tables_of_every_make_are_one_frame(tmp_path: Path) -> None:
    import pandas as pd
    import pyarrow as pa

    frame = pl.DataFrame({"id": ["a", "b"], "n": [None, 2]})
    frame.write_parquet(tmp_path / "t[1].parquet")
    table = frame.to_arrow()
    makes: list[Any] = [frame, frame.lazy(), table, tmp_path / "t[1].parquet", frame.to_dict(), frame.to_dicts()]
    makes += [
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        pd.DataFrame({"id": ["a", "b"], "n": [np.nan, 2]}),
    ]
    for make in makes:
        assert ingest.frame_from_any(make).rows() == frame.rows(), type(make)
    named = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="id"))
    assert ingest.frame_from_any(named).columns == ["id", "n"]
    assert ingest.frame_from_any([{"n": None}, {"n": 1}, {"n": 0.5, "m": 2}]).rows() == [
        (None, None),
        (1.0, None),
        (0.5, 2),
    ]
    assert ingest.frame_from_any([{"n": None}] * 2000 + [{"n": "x"}])["n"].dtype == pl.String


def bad_tables() -> list[Any]:
    import pandas as pd

    values: list[Any] = [3, None, b"x", "", "a\0b", "/no/such.parquet", np.zeros(3), [1, 2], pd.Series([1])]
    values += [
        {"a": [1], "b": [1, 2]},
        {"a": [object()]},
        {1: [2]},
        {"a": [1, "x"]},
        {"a": [2**60, 0.5]},
        {"a": 3},
        {"a": "x"},
    ]
    values += [[{"a": 1}, {"a": "x"}], [{"a": 1}, {"a": {"b": 1}}], [{1: 2}]]
    values += [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({"a": [1, "x"]}),
        pd.DataFrame({"a": [object()]}),
    ]
    return values


@pytest.mark.parametrize("table", bad_tables(), ids=lambda table: str(table)[:30].replace("\0", "0"))
def test_what_is_no_table_is_refused(table: Any) -> None:
    with pytest.raises((InvalidTypeError, InvalidValueError)):
        ingest.frame_from_any(table)


cells = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
    | st.binary(max_size=2)
)


@settings(many, max_examples=200)
@given(
    st.dictionaries(st.text(max_size=3), st.lists(cells, max_size=4), max_size=3)
    | st.lists(st.dictionaries(st.text(max_size=2), cells, max_size=2), max_size=4)
)
def test_generated_tables_become_frames_or_are_refused(table: Any) -> None:
    try:
        frame = ingest.frame_from_any(table)
    except (InvalidTypeError, InvalidValueError):
        return
    assert isinstance(frame, pl.DataFrame)
    assert pl.Object not in frame.dtypes


@settings(many, max_examples=200)
@given(st.data())
def test_damaged_parquet_is_refused_or_a_frame(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    pl.DataFrame({"id": ["a", "b"], "n": [1, 2]}).write_parquet(path)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([at, len(content)]))])
    with contextlib.suppress(LightlyWidgetError):
        assert isinstance(ingest.frame_from_any(path), pl.DataFrame)


def test_embeddings_of_every_make_are_float32() -> None:
    import torch

    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    array = np.array(rows, dtype=np.float32)
    makes: list[Any] = [
        rows,
        array,
        array.astype(np.float16),
        np.asfortranarray(array),
        array.astype(int),
        torch.tensor(rows, dtype=torch.bfloat16),
    ]
    makes += [
        pl.Series(rows),
        pl.Series(rows, dtype=pl.Array(pl.Float64, 3)),
        pl.DataFrame(rows, orient="row"),
        np.array(rows, dtype=object),
    ]
    for make in makes:
        result = ingest.check_embeddings(make, 2)
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        np.testing.assert_array_equal(result, array)
    assert ingest.check_embeddings(array, 2) is array


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((3, 2)), "3 rows"),
        (np.zeros((2, 0)), "0 dimensions"),
        (np.zeros(2), "shape"),
        (np.zeros((2, 1, 1)), "shape"),
        (np.array([[0.0], [np.nan]]), "1 of 2 rows.* row 1"),
        (np.array([[-np.inf], [np.nan]]), "2 of 2 rows.* row 0, 1"),
        (np.array([[0.0], [1e300]]), "1 of 2 rows"),
        ([[1.0], [1.0, 2.0]], "equal length"),
        (pl.Series([[1.0], [1.0, 2.0]]), "lengths"),
        (pl.Series([[1.0], None]), "1 rows are missing.* row 1"),
        (pl.Series([[1.0], [None]]), "missing"),
        (pl.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]}), "1 rows are missing.* row 1"),
        (np.ma.masked_array([[1.0], [2.0]], mask=[[0], [1]]), "1 rows are missing.* row 1"),
    ],
)
def test_embeddings_that_cannot_be_used_are_counted_and_named(bad: Any, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        ingest.check_embeddings(bad, 2)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "xy",
        [["a"], ["b"]],
        np.zeros((2, 2), complex),
        np.zeros((2, 2), bool),
        pl.Series(["a", "b"]),
        [[None], [1.0]],
    ],
)
def test_embeddings_that_are_no_numbers_are_refused(bad: Any) -> None:
    with pytest.raises((InvalidTypeError, InvalidValueError)):
        ingest.check_embeddings(bad, 2)


@many
@given(
    st.lists(
        st.lists(st.floats() | st.integers() | st.none() | st.text(max_size=1), max_size=3) | st.none(), max_size=3
    ),
    st.integers(0, 3),
)
def test_generated_embeddings_are_sound_or_refused(rows: Any, n_rows: int) -> None:
    try:
        result = ingest.check_embeddings(rows, n_rows)
    except (InvalidTypeError, InvalidValueError):
        return
    assert result.shape[0] == n_rows
    assert result.shape[1] > 0
    assert np.isfinite(result).all()


def test_sample_ids_keep_their_order() -> None:
    known = pl.Series(["a", "b", "c"])
    assert ingest.check_sample_ids(["c", "a"], known).to_list() == ["c", "a"]
    assert ingest.check_sample_ids(iter([]), known).to_list() == []


@settings(many, max_examples=200)
@given(
    st.lists(st.sampled_from(["a", "b", "\ud800"]) | st.text(max_size=3) | st.none() | st.integers(), max_size=5)
    | st.text()
    | st.none()
)
def test_generated_sample_ids_are_known_and_distinct_or_refused(ids: Any) -> None:
    known = pl.Series(["a", "b", "c"])
    try:
        checked = ingest.check_sample_ids(ids, known)
    except (InvalidTypeError, InvalidValueError):
        return
    assert checked.to_list() == ids
    assert set(ids) <= set(known)
    assert len(set(ids)) == len(ids)


def test_messages_stay_short_and_harmless_with_hostile_names(tmp_path: Path) -> None:
    huge = "x" * 1_000_000 + "\u202e\n"
    for refuse in (
        lambda: ingest.check_sample_ids([huge], pl.Series(["a"])),
        lambda: ingest.classes_from_mapping(SAMPLES, {huge: "cat"}),
        lambda: ingest.check_annotations(boxes((huge, "classification", huge, 9.0, None, None, None, None)), SIZES),
        lambda: ingest.read_coco(write_json(tmp_path / "h.json", coco(images=[image("../" + huge), image(huge, 9)]))),
    ):
        with pytest.raises(InvalidValueError) as caught:
            refuse()
        assert len(str(caught.value)) < 3000
        assert "\u202e" not in str(caught.value)


def test_frames_of_lists_that_hold_themselves_are_refused() -> None:
    loop: list[object] = []
    loop += [loop, loop]
    deep: list[object] = []
    for _ in range(3_000):
        deep = [deep]
    held = np.empty(1, dtype=object)
    held[0] = loop
    for value in (loop, deep, {"x": loop}):
        for table in ({"a": [value]}, [{"a": value}], {"a": (value,)}, {"a": held}):
            with pytest.raises(InvalidValueError, match="must be nested at most 32 times"):
                ingest.frame_from_any(table)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InvalidValueError, match="must be nested at most"):
        ingest.frame_from_any(pandas.DataFrame({"a": pandas.Series([loop], dtype=object)}))
