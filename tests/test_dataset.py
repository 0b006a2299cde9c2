from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import lightly_widget as lw
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.errors import (
    DatasetExistsError,
    DatasetNotFoundError,
    InvalidTypeError,
    InvalidValueError,
    LightlyWidgetError,
    LightlyWidgetWarning,
    UnknownNameError,
)
from tests.durability import scan_of, state_of, write_picks

F = lw.ImageSampleField


class Gray:
    """Embeds an image as its size and mean; fails on demand."""

    name, dimension, kind = "gray", 3, "image"

    def __init__(self, calls_before_failing: int = 10**9) -> None:
        self.calls = calls_before_failing
        self.seen: list[str] = []

    def embed(self, items: Sequence[Path | str]) -> npt.NDArray[np.float32]:
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        self.seen += [Path(item).name for item in items]
        rows = []
        for item in items:
            with Image.open(item) as image:
                rows.append([image.width, image.height, np.asarray(image.convert("L")).mean()])
        return np.array(rows, dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve small images in two folders, and a file that is none."""
    for i in range(12):
        file = tmp_path / "images" / ("cats" if i % 3 else "dogs") / f"{i:02}.{'png' if i % 2 else 'JPG'}"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (10 + i, 8), (i * 20, 0, 0)).save(file)
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return tmp_path / "images"


@pytest.fixture
def images(folder: Path, tmp_path: Path) -> lw.ImageDataset:
    dataset = lw.ImageDataset.create("images", tmp_path / "home")
    with pytest.warns(LightlyWidgetWarning, match=r"1 files could not be read.*broken\.png"):
        assert dataset.add_images_from_path(folder, embed=Gray(), tag_depth=1) == 12
    return dataset


@pytest.fixture
def rows(tmp_path: Path) -> lw.ImageDataset:
    """Ten samples without files."""
    dataset = lw.ImageDataset.create("rows", tmp_path / "home")
    add_scan(core_of(dataset), scan_of(range(10)))
    return dataset


def again(dataset: Any) -> Any:
    """The same dataset, loaded from the disk."""
    return type(dataset).load(dataset.name, Path(dataset.uri).parent)


# -- making and finding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [lw.Dataset, lw.ImageDataset])
def test_an_omitted_name_is_default(kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIGHTLY_WIDGET_HOME", raising=False)
    with pytest.raises(lw.errors.DatasetNotFoundError, match="'default'"):
        kind.load()
    assert kind.load_or_create().name == "default"
    assert kind.load_or_create().uri == kind.load().uri == str(tmp_path / "lightly_widget_data" / "default")
    with pytest.raises(lw.errors.DatasetExistsError):
        kind.create()
    assert kind.create(path="elsewhere").name == "default"


def test_making_finding_and_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lw.ImageDataset.create("traffic", tmp_path)
    assert again(made).name == "traffic"
    with pytest.raises(DatasetExistsError, match="load it"):
        lw.ImageDataset.create("traffic", tmp_path)
    with pytest.raises(DatasetNotFoundError, match=r"no dataset named 'trafic'.*'traffic'"):
        lw.ImageDataset.load("trafic", tmp_path)
    assert lw.ImageDataset.load_or_create("traffic", tmp_path).uri == made.uri
    with pytest.raises(InvalidValueError, match="is a ImageDataset"):
        lw.Dataset.load("traffic", tmp_path)
    monkeypatch.setenv("LIGHTLY_WIDGET_HOME", str(tmp_path))
    assert lw.ImageDataset.load("traffic").uri == made.uri
    monkeypatch.delenv("LIGHTLY_WIDGET_HOME")
    monkeypatch.chdir(tmp_path)
    assert lw.ImageDataset.create("here").uri == str(tmp_path / "lightly_widget_data" / "here")


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\\b", "nul\0", "x" * 300, "\u202ename", 3, None])
def test_a_name_that_no_folder_can_have_is_refused(name: Any, tmp_path: Path) -> None:
    with pytest.raises((InvalidValueError, InvalidTypeError), match="name must"):
        lw.ImageDataset.create(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_dataset_can_be_asked(tmp_path: Path) -> None:
    empty = lw.ImageDataset.create("empty", tmp_path)
    assert len(empty) == 0
    assert empty
    assert empty.match(F.width > 3).to_list() == []
    assert empty.to_polars().columns == [
        "sample_id",
        "file_name",
        "file_path_abs",
        "width",
        "height",
        "created_at",
        "tags",
    ]
    assert empty.tags.list() == list(empty.tags) == []
    assert empty.history().height == 0
    with pytest.raises(InvalidValueError, match=r"no embeddings.*dataset\.embed"):
        empty.embeddings.get()


# -- images ------------------------------------------------------------------------------------------------------------


def test_images_are_added_once_with_sizes_tags_and_embeddings(images: lw.ImageDataset, folder: Path) -> None:
    frame = images.to_polars()
    assert frame["width"].to_list() == [10 + int(name[:2]) for name in frame["file_name"]]
    assert set(frame["height"]) == {8}
    assert images.tags.counts() == {"cats": 8, "dogs": 4}
    embedder = Gray()
    with pytest.warns(LightlyWidgetWarning):
        assert images.add_images_from_path(folder, embed=embedder, tag_depth=1) == 0
    assert embedder.seen == []
    assert frame.equals(images.to_polars())
    vectors, ids = images.embeddings.get()
    assert ids.to_list() == frame["sample_id"].to_list()
    np.testing.assert_array_equal(vectors[:, 0], frame["width"])
    assert again(images).to_polars().equals(frame)


def test_an_interrupted_embedding_goes_on_where_it_stopped(images: lw.ImageDataset) -> None:
    class Other(Gray):
        name = "other"

    with pytest.raises(KeyboardInterrupt):
        images.embed(Other(2), batch_size=4, progress=lambda f: None)
    done = len(images.embeddings.get("other")[1])
    assert 0 < done < 12
    rest = Other()
    again(images).embed(rest, batch_size=4)
    assert len(rest.seen) == 12 - done
    vectors, ids = images.embeddings.get("other")
    by_id = dict(zip(ids, vectors, strict=True))
    expected, order = images.embeddings.get("gray")
    np.testing.assert_array_equal(np.array([by_id[i] for i in order]), expected)


def test_images_that_cannot_be_embedded_are_named_and_the_others_kept(tmp_path: Path) -> None:
    from lightly_widget.embedding import UnreadableItemError

    class Picky(Gray):
        def embed(self, items: Sequence[Path | str]) -> npt.NDArray[np.float32]:
            for item in items:
                if "3" in Path(item).name:
                    raise UnreadableItemError(item, "has a 3")
            return np.ones((len(items), 3), dtype=np.float32)

    dataset = lw.ImageDataset.create("picky", tmp_path)
    add_scan(core_of(dataset), scan_of(range(5)))
    dataset.allow_root("/images")
    with pytest.warns(LightlyWidgetWarning, match=r"1 of 5 samples could not be embedded.*has a 3"):
        dataset.embed(Picky(), progress=lambda f: None)
    assert len(dataset.embeddings.get()[1]) == 4
    with pytest.raises(InvalidValueError, match=r"1 of 5 samples have no embedding"):
        dataset.query().embeddings()


def test_without_torch_images_are_added_with_a_word_on_what_to_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightly_widget import embedding
    from lightly_widget.errors import MissingDependencyError

    def missing(media: str) -> Any:
        raise MissingDependencyError('run: pip install "lightly-widget[images]"')

    monkeypatch.setattr(embedding, "default_embedder", missing)
    (folder / "broken.png").unlink()
    dataset = lw.ImageDataset.create("plain", tmp_path / "home")
    with pytest.warns(LightlyWidgetWarning, match=r"pip install.*dataset\.embed\(\)"):
        assert dataset.add_images_from_path(folder) == 12
    assert len(dataset) == 12


def test_relocate_moves_paths_and_nothing_else(images: lw.ImageDataset, folder: Path, tmp_path: Path) -> None:
    before = images.to_polars()
    new = tmp_path / "moved"
    folder.rename(new)
    assert images.relocate(folder, new) == 12
    after = again(images).to_polars()
    assert after.drop("file_path_abs").equals(before.drop("file_path_abs"))
    assert all(Path(p).exists() for p in after["file_path_abs"])
    assert images.relocate(tmp_path / "mov", "/x") == 0  # a folder's name, not any prefix
    assert images.undo() == "relocate"
    assert images.to_polars().equals(before)
    assert len(images.embeddings.get()[1]) == 12


def test_relocating_onto_another_image_is_refused(rows: lw.ImageDataset) -> None:
    add_scan(core_of(rows), scan_of(range(1)))
    frame = scan_of(range(2)).frame.with_columns(pl.col("file_path_abs").str.replace("/images", "/other"))
    from lightly_widget.ingest import ImageScan

    add_scan(core_of(rows), ImageScan(frame, [], {}, []))
    with pytest.raises(InvalidValueError, match="the same path"):
        rows.relocate("/other", "/images")
    assert len(rows) == 12


# -- samples -----------------------------------------------------------------------------------------------------------


def test_a_sample_shows_and_changes_what_it_has(images: lw.ImageDataset, folder: Path) -> None:
    sample = images[1]
    assert sample.file_path_abs == str(folder / "cats" / sample.file_name)
    assert sample.width == 10 + int(sample.file_name[:2])
    assert sample.created_at.tzinfo is not None
    assert sample.tags == ["cats"]
    sample.add_tag("seen")
    sample.add_tag("seen")
    assert sample.tags == ["cats", "seen"]
    sample.remove_tag("cats")
    assert sample.tags == ["seen"]
    sample.metadata["camera"] = {"iso": 100, "lens": {"mm": 50}}
    sample.metadata["camera.iso"] = 200
    assert dict(sample.metadata) == {"camera": {"iso": 200, "lens": {"mm": 50}}}
    assert sample.metadata["camera.lens.mm"] == 50
    assert images.match(F.metadata["camera.iso"] == 200).to_list() == [sample]
    del sample.metadata["camera"]
    assert dict(sample.metadata) == {}
    with pytest.raises(KeyError):
        sample.metadata["camera"]
    assert images.get_sample(sample.sample_id) == sample
    assert sample in set(images[:3])
    with pytest.raises(UnknownNameError, match="no sample"):
        images.get_sample("nobody")


def test_select_keeps_the_given_order(rows: lw.ImageDataset) -> None:
    ids = rows.query().sample_ids.to_list()
    wanted = [ids[7], ids[0], ids[3], ids[0]]
    assert rows.select(wanted).sample_ids.to_list() == [ids[7], ids[0], ids[3]]
    assert rows.select(rows[2:4]).sample_ids.to_list() == ids[2:4]
    assert rows.select(rows[2:4].to_list()).sample_ids.to_list() == ids[2:4]
    with pytest.raises(UnknownNameError, match=r"'x'.*1 unknown"):
        rows.select([ids[0], "x"])
    for wrong in ("abc", 3, [1, 2], None):
        with pytest.raises(InvalidTypeError):
            rows.select(wrong)


# -- tags --------------------------------------------------------------------------------------------------------------


def test_tags_keep_their_pick_order_through_every_change(rows: lw.ImageDataset) -> None:
    ids = rows.query().sample_ids.to_list()

    def of(name: str) -> list[int]:
        return [ids.index(i) for i in again(rows).tags[name].sample_ids]

    def make(name: str, picks: list[int]) -> None:
        core_of(rows).candidates(rows.query()).write_tag(
            name, pl.Series([ids[i] for i in picks]), recipe={}, grow=False
        )

    make("a", [5, 1, 9])
    make("b", [9, 2, 5])
    rows.select([ids[1], ids[0]]).add_tag("a")
    assert of("a") == [5, 1, 9, 0]
    rows.tags.union(["a", "b"], "either")
    rows.tags.intersection(["b", "a"], "both")
    rows.tags.difference(["a", "b"], "only a")
    assert (of("either"), of("both"), of("only a")) == ([5, 1, 9, 0, 2], [9, 5], [1, 0])
    rows.tags.rename("a", "first")
    assert rows.tags.list() == ["first", "b", "either", "both", "only a"]
    assert of("first") == [5, 1, 9, 0]
    rows.tags.merge(["first", "b"], "b")
    assert of("b") == [5, 1, 9, 0, 2]
    rows.tags.delete("either")
    rows.select([ids[9]]).remove_tag("b")
    assert of("b") == [5, 1, 0, 2]
    assert rows.tags.counts() == {"b": 4, "both": 2, "only a": 2}
    with pytest.raises(InvalidValueError, match="already"):
        rows.tags.rename("b", "both")
    with pytest.raises(InvalidValueError, match="already"):
        make("b", [1])
    with pytest.raises(UnknownNameError, match="unknown tag 'bth'; there are: 'both'"):
        rows.tags.delete("bth")
    with pytest.raises(InvalidValueError, match="more than once"):
        make("new", [1, 1])
    assert rows.tags.counts() == {"b": 4, "both": 2, "only a": 2}


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "a\0b", "\ud800", 3, None, b"x", "y" * 2**20])
def test_bad_tag_names_are_refused_and_change_nothing(name: Any, rows: lw.ImageDataset) -> None:
    version = core_of(rows).snapshot().version
    for change in (
        lambda: rows.query().add_tag(name),
        lambda: rows[0].add_tag(name),
        lambda: core_of(rows).candidates(rows.query()).write_tag(name, rows.query().sample_ids, recipe={}, grow=False),
    ):
        with pytest.raises((InvalidValueError, InvalidTypeError)) as caught:
            change()
        assert len(str(caught.value)) < 400
    assert core_of(rows).snapshot().version == version


def test_odd_but_fine_tag_names_stay_apart(rows: lw.ImageDataset) -> None:
    names = ["café", "cafe\u0301", "\u202ertl", "a/b", "ü" * 255, "'; drop table tags; --", "tag\nline", "🦁"]
    for number, name in enumerate(names):
        rows[number].add_tag(name)
    assert again(rows).tags.list() == names
    for number, name in enumerate(names):
        assert again(rows).match(F.tags.contains(name)).sample_ids.to_list() == [rows[number].sample_id]


# -- metadata ----------------------------------------------------------------------------------------------------------


def test_metadata_types(rows: lw.ImageDataset) -> None:
    ids = rows.query().sample_ids.to_list()
    values: dict[str, list[Any]] = {
        "int": [None, 1, np.int8(2), 2**53],
        "float": [None, 1, 2.5, np.float32(0.5)],
        "text": ["", "ü", None, "\0"],
        "flag": [True, np.bool_(False), None, True],
        "when": [datetime(2026, 1, 1, 12), None, datetime(2026, 1, 2, tzinfo=UTC), np.datetime64("2026-01-03")],
        "day": [date(2026, 1, 1), None, date(1, 1, 1), date(9999, 12, 31)],
        "list": [[1, "a", None], [], None, (1, [2])],
    }
    rows.metadata.update({ids[i]: {key: column[i] for key, column in values.items()} for i in range(4)})
    assert again(rows).metadata.types() == {
        "int": "integer",
        "float": "float",
        "text": "string",
        "flag": "boolean",
        "when": "datetime",
        "day": "date",
        "list": "json",
    }
    read = [dict(again(rows).get_sample(i).metadata) for i in ids[:4]]
    assert [r.get("int") for r in read] == [None, 1, 2, 2**53]
    assert [r.get("float") for r in read] == [None, 1.0, 2.5, 0.5]
    assert [r.get("text") for r in read] == ["", "ü", None, "\0"]
    assert [r.get("flag") for r in read] == [True, False, None, True]
    assert read[0]["when"] == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert read[3]["day"] == date(9999, 12, 31)
    assert [r.get("list") for r in read] == [[1, "a", None], [], None, [1, [2]]]


def test_whole_numbers_are_promoted_when_nothing_is_lost(rows: lw.ImageDataset) -> None:
    ids = rows.query().sample_ids.to_list()
    rows.metadata.update({ids[0]: {"k": 1}, ids[1]: {"k": 2}})
    rows.metadata.update({ids[2]: {"k": 0.5}})
    assert rows.metadata.types() == {"k": "float"}
    assert again(rows).to_polars()["metadata.k"].to_list()[:4] == [1.0, 2.0, 0.5, None]
    rows.metadata.update({ids[3]: {"k": 4}})
    assert rows.get_sample(ids[3]).metadata["k"] == 4.0
    rows.undo()
    rows.undo()
    assert rows.metadata.types() == {"k": "integer"}
    assert rows.to_polars()["metadata.k"].to_list()[:3] == [1, 2, None]
    rows.metadata.update({ids[4]: {"k": 2**60}})
    with pytest.raises(InvalidValueError, match="2\\^53"):
        rows.metadata.update({ids[2]: {"k": 0.5}})


@pytest.mark.parametrize(
    "values",
    [
        [1, "a"],
        [True, 1],
        [1.0, "a"],
        [datetime(2026, 1, 1), date(2026, 1, 1)],
        [object()],
        [2**64],
        [b"bytes"],
        [{1: 2}],
        [[object()]],
        [2**60, 0.5],
        ["\ud800"],
        [1j],
    ],
)
def test_values_that_cannot_be_kept_are_refused_before_anything_is_written(
    rows: lw.ImageDataset, values: list[Any]
) -> None:
    version, ids = core_of(rows).snapshot().version, rows.query().sample_ids.to_list()
    with pytest.raises((InvalidTypeError, InvalidValueError), match="k"):
        rows.metadata.update({i: {"good": 1, "k": v} for i, v in zip(ids, values, strict=False)})
    assert core_of(rows).snapshot().version == version
    rows.metadata.update({ids[0]: {"k": "text"}})
    with pytest.raises(InvalidTypeError, match="holds string values and cannot take integer"):
        rows.metadata.update({ids[0]: {"k": 1}, ids[1]: {"other": 1}})
    assert rows.metadata.types() == {"k": "string"}


def test_metadata_from_tables(rows: lw.ImageDataset, tmp_path: Path) -> None:
    ids = rows.query().sample_ids
    frame = pl.DataFrame({"sample_id": ids.reverse(), "n": range(10), "s": [{"x": i, "y": [i]} for i in range(10)]})
    rows.metadata.update(frame)
    assert rows.to_polars()["metadata.n"].to_list() == list(range(9, -1, -1))
    assert rows.metadata.types() == {"n": "integer", "s.x": "integer", "s.y": "json"}
    rows.metadata.update(pd.DataFrame({"sample_id": ids.to_list(), "p": [1.5] * 9 + [None]}))
    rows.metadata.update(frame.select("sample_id", q=pl.col("n").cast(pl.UInt8)).to_arrow())
    frame.select("sample_id", r="n").write_parquet(tmp_path / "r.parquet")
    rows.metadata.update(tmp_path / "r.parquet")
    assert set(rows.metadata.types()) == {"n", "s.x", "s.y", "p", "q", "r"}
    version = core_of(rows).snapshot().version
    for bad, words in (
        (frame.drop("sample_id"), "lacks the column"),
        (pl.concat([frame, frame]), "give one row each"),
        (frame.with_columns(sample_id=pl.lit("x") + pl.col("sample_id")), "no sample with the id"),
        (frame.with_columns(n=pl.lit(b"x")), "expected numbers"),
    ):
        with pytest.raises((InvalidValueError, InvalidTypeError), match=words):
            rows.metadata.update(bad)
    assert core_of(rows).snapshot().version == version


# -- annotations -------------------------------------------------------------------------------------------------------


def test_the_same_source_replaces_and_other_sources_stay(images: lw.ImageDataset) -> None:
    ids = images.query().sample_ids.to_list()
    images.labels.add_classifications({ids[0]: "cat", images[1].file_path_abs: "dog"}, annotation_source="human")
    images.labels.add_classifications({ids[0]: "bird"}, annotation_source="model")
    images.labels.add_classifications({ids[0]: "dog"}, annotation_source="human")
    frame = again(images).query().annotations("human")
    assert dict(frame.select("sample_id", "class_name").iter_rows()) == {ids[0]: "dog", ids[1]: "dog"}
    images.labels.add_classifications({ids[1]: None}, annotation_source="human")
    assert images.query().annotations("human").height == 1
    assert images.labels.sources() == {"human": "classification", "model": "classification"}
    images.labels.add_classifications_from_folders(annotation_source="folder")
    folders = images.match(lw.expressions.has_class("dogs", "folder")).sample_ids
    assert folders.to_list() == images.match(F.tags.contains("dogs")).sample_ids.to_list()
    images.labels.delete("folder")
    assert "folder" not in again(images).labels.sources()
    assert images[0].annotations[0]["class_name"] in {"dog", "bird"}
    with pytest.raises(UnknownNameError, match="unknown annotation source 'humn'; there are: 'human'"):
        images.query().annotations("humn")


def test_coco_boxes_in_and_out_twice_are_the_same(images: lw.ImageDataset, tmp_path: Path, folder: Path) -> None:
    import json

    names = images.to_polars()["file_path_abs"].to_list()
    coco = {
        "images": [
            {"id": i, "file_name": str(Path(p).relative_to(folder)), "width": 10 + int(Path(p).name[:2]), "height": 8}
            for i, p in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [{"id": 5, "image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    assert images.add_annotations_from_coco(tmp_path / "coco.json", folder) == 1
    assert images.add_annotations_from_coco(tmp_path / "coco.json", folder) == 1
    (box,) = images.query().annotations().to_dicts()
    assert (box["x"], box["y"], box["width"], box["height"]) == (1, 2, 3, 4)
    coco["annotations"] = []
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    images.add_annotations_from_coco(tmp_path / "coco.json", folder)
    assert images.query().annotations().height == 0
    other = lw.ImageDataset.create("coco", tmp_path / "home")
    assert other.add_samples_from_coco(tmp_path / "coco.json", folder, embed=False) == 12


# -- vectors -----------------------------------------------------------------------------------------------------------


def test_vectors_of_ones_own(rows: lw.ImageDataset) -> None:
    ids = rows.query().sample_ids
    vectors = np.random.default_rng(0).random((10, 4))
    rows.add_embeddings("mine", vectors[:6][::-1], ids.head(6).reverse())
    rows.add_embeddings("mine", vectors[6:], ids.tail(4))
    np.testing.assert_array_equal(rows.query().embeddings("mine"), vectors.astype(np.float32))
    np.testing.assert_array_equal(again(rows)[3:7].embeddings("mine"), vectors[3:7].astype(np.float32))
    with pytest.raises(InvalidValueError, match=r"10 of these samples have.*replace=True"):
        rows.add_embeddings("mine", vectors)
    rows.add_embeddings("mine", vectors[:2] + 1, ids.head(2), replace=True)
    np.testing.assert_array_equal(rows.query().embeddings()[:2], (vectors[:2] + 1).astype(np.float32))
    np.testing.assert_array_equal(rows.query().embeddings()[2:], vectors[2:].astype(np.float32))
    with pytest.raises(InvalidValueError, match="4 dimensions, these have 5"):
        rows.add_embeddings("mine", np.ones((1, 5)), ids.head(1), replace=True)
    rows.add_embeddings("other", vectors)
    with pytest.raises(InvalidValueError, match=r"several embedding models.*'mine', 'other'"):
        rows.query().embeddings()
    with pytest.raises(UnknownNameError, match="'mine'"):
        rows.query().embeddings("mnie")
    rows.embeddings.delete("other")
    assert again(rows).embeddings.list() == ["mine"]
    rows.optimize()
    np.testing.assert_array_equal(again(rows).query().embeddings()[2:], vectors[2:].astype(np.float32))


def test_vectors_come_without_a_copy_and_cannot_be_changed(rows: lw.ImageDataset) -> None:
    rows.add_embeddings("m", np.random.default_rng(0).random((10, 4)))
    first, _ = again(rows).embeddings.get()
    assert np.shares_memory(rows.query().embeddings(), rows.embeddings.get()[0])
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_the_graph_is_kept_extended_and_made_anew_when_needed(rows: lw.ImageDataset) -> None:
    from lightly_widget.neighbors import build_graph

    rng = np.random.default_rng(0)
    ids = rows.query().sample_ids
    rows.add_embeddings("m", rng.random((7, 4)), ids.head(7))
    graph = rows.embeddings.neighbor_graph()
    version = core_of(rows).snapshot().version
    np.testing.assert_array_equal(again(rows).embeddings.neighbor_graph().indices, graph.indices)
    assert core_of(rows).snapshot().version == version  # read, not made again

    def check() -> None:
        kept, made = again(rows).embeddings.neighbor_graph(), build_graph(rows.embeddings.get()[0], 20)
        np.testing.assert_array_equal(kept.indices, made.indices)
        np.testing.assert_allclose(kept.distances, made.distances, rtol=1e-5)
        assert rows.projections.get()[0].shape == (len(rows.embeddings.get()[1]), 2)

    rows.add_embeddings("m", rng.random((3, 4)), ids.tail(3))
    check()
    rows.add_embeddings("m", rng.random((3, 4)), ids.head(3), replace=True)
    check()
    rows.undo()
    check()
    rows.undo()
    rows.add_embeddings("m", rng.random((3, 4)), ids.tail(3))
    check()


def test_undoing_added_samples_takes_their_vectors_along(images: lw.ImageDataset, folder: Path) -> None:
    before = state_of(images)
    Image.new("RGB", (50, 50)).save(folder / "new.png")
    (folder / "broken.png").unlink()
    images.add_images_from_path(folder, embed=Gray())
    images.embeddings.neighbor_graph()
    assert images.undo() == "add_images"
    assert state_of(images) == before
    assert len(images.embeddings.get()[1]) == 12
    Image.new("RGB", (99, 9)).save(folder / "new.png")
    images.add_images_from_path(folder, embed=Gray())
    assert again(images).query().embeddings()[-1].tolist() == [99, 9, 0]
    assert len(images.embeddings.neighbor_graph().indices) == 13


# -- history -----------------------------------------------------------------------------------------------------------


def test_history_tells_what_happened_and_recipes_run_again(images: lw.ImageDataset) -> None:
    result = images.match(F.width > 12).order_by(F.width.desc()).sampling().diverse(4, "picks")
    row = images.history().row(-1, named=True)
    assert (row["action"], row["tag"], row["count"], row["undone"]) == ("write_tag", "picks", 4, False)
    assert row["author"]
    assert abs((row["time"] - datetime.now(UTC)).total_seconds()) < 60
    repeated = again(images).run(row["recipe"])
    assert list(repeated.sample_ids) == list(result.sample_ids)
    space: dict[str, Any] = {}
    exec(result.to_python(), space)
    assert list(space["result"].sample_ids) == list(result.sample_ids)
    assert images.undo() == "write_tag"
    assert "picks" not in again(images).tags
    assert images.history().filter(pl.col("action") == "write_tag")["undone"].to_list() == [True]
    with pytest.raises(InvalidTypeError, match=r"result\.recipe"):
        images.run({})


def test_undo_takes_back_one_change_after_the_other(rows: lw.ImageDataset) -> None:
    states = [state_of(rows)]
    ids = rows.query().sample_ids.to_list()
    changes = [
        lambda: rows.query().add_tag("a"),
        lambda: rows.metadata.update({ids[0]: {"score": 1}}),
        lambda: rows.tags.rename("a", "b"),
        lambda: rows.metadata.update({ids[0]: {"score": 1.5}}),
        lambda: rows.labels.add_classifications({ids[0]: "x"}),
        lambda: rows.tags.delete("b"),
        lambda: rows.metadata.update({ids[0]: {"score": None}}),
    ]
    for change in changes:
        change()
        states.append(state_of(rows))
    for expected in reversed(states[:-1]):
        rows.undo()
        assert state_of(rows) == state_of(again(rows)) == expected
    assert rows.undo() == "add_images"
    assert rows.undo() is None
    assert len(again(rows)) == 0


def test_optimize_changes_nothing_that_can_be_seen(images: lw.ImageDataset) -> None:
    stale = again(images)
    ids = images.query().sample_ids.to_list()
    for number in range(230):
        images.select(ids[number % 7 : number % 12]).add_tag(f"t{number % 5}")
        if number % 10 == 0:
            images.metadata.update({ids[number % 12]: {"n": number}})
    before, graph = images.to_polars(), images.embeddings.neighbor_graph().indices
    view = core_of(images).candidates(images.query())
    images.optimize()
    np.testing.assert_array_equal(view.embeddings("gray"), images.query().embeddings())
    for dataset in (images, stale, again(images)):
        assert dataset.to_polars().equals(before)
        np.testing.assert_array_equal(dataset.embeddings.neighbor_graph().indices, graph)


# -- anything that has embeddings --------------------------------------------------------------------------------------


def test_a_dataset_from_a_table(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"sample_id": ["x", "y"], "text": ["one", None], "label": ["a", "b"], "v": [[1.0, 0.0], [0.0, 1.0]]}
    )
    made = lw.Dataset.from_polars(frame, "v", name="texts", path=tmp_path)
    assert core_of(made).media == "text"
    assert made.to_polars().select("sample_id", "text", "metadata.label").rows() == [
        ("x", "one", "a"),
        ("y", None, "b"),
    ]
    np.testing.assert_array_equal(again(made).query().embeddings(), np.eye(2))
    assert made[0].text == "one"
    table = lw.Dataset.from_polars(pd.DataFrame({"a": [1, 2]}), np.eye(2), name="table", path=tmp_path)
    assert core_of(table).media == "none"
    assert table.query().sample_ids.n_unique() == 2
    with pytest.raises(DatasetExistsError):
        lw.Dataset.from_polars(frame, name="texts", path=tmp_path)


@pytest.mark.parametrize(
    ("frame", "embeddings"),
    [
        ({"sample_id": ["x", "x"]}, None),
        ({"sample_id": ["x", None]}, None),
        ({"sample_id": [1.5, 2.5]}, None),
        ({"text": [1, 2]}, None),
        ({"a": [1, 2]}, np.eye(3)),
        ({"a": [1, 2]}, np.full((2, 2), np.nan)),
        ({"a": [1, 2]}, np.ones((2, 0))),
        ({"a": [1, 2]}, "b"),
        ({"a": [object(), object()]}, None),
        (5, None),
    ],
)
def test_a_table_that_cannot_be_used_leaves_nothing_behind(frame: Any, embeddings: Any, tmp_path: Path) -> None:
    with pytest.raises(LightlyWidgetError):
        lw.Dataset.from_polars(frame, embeddings, name="bad", path=tmp_path)
    assert list(tmp_path.iterdir()) == []


bad_vectors = st.one_of(
    st.sampled_from(
        [np.full((10, 2), np.nan), np.full((10, 2), np.inf), np.ones((10, 0)), np.ones((9, 2)), np.ones(10)]
    ),
    st.sampled_from([np.full((10, 2), 1e39), [["a"]] * 10, [[1], [1, 2]] * 5, None, "text", 3, [[None]] * 10, {}]),
    st.lists(st.lists(st.floats(), max_size=3), max_size=9),
)
anything = st.one_of(
    st.none(), st.integers(), st.text(), st.lists(st.integers()), st.just(object()), st.binary(), st.floats()
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_comes_in_the_error_is_ours_and_the_dataset_as_before(
    rows: lw.ImageDataset, data: st.DataObject
) -> None:
    rows.tags.counts().get("mark") or rows[:2].add_tag("mark")
    version = core_of(rows).snapshot().version
    thing = data.draw(anything)
    calls = {
        "vectors": lambda: rows.add_embeddings("m", data.draw(bad_vectors)),
        "model name": lambda: rows.add_embeddings(thing if not isinstance(thing, str) else " ", np.ones((10, 2))),
        "ids": lambda: rows.add_embeddings("m", np.ones((1, 2)), thing if thing is not None else ["?"]),
        "metadata": lambda: rows.metadata.update(thing),
        "metadata of nobody": lambda: rows.metadata.update({"nobody": {"k": thing}}),
        "classes": lambda: rows.labels.add_classifications({"nobody": thing}),
        "select": lambda: rows.select(thing if thing != [] else [3]),
        "sample": lambda: rows.get_sample(thing),
        "rename": lambda: rows.tags.rename("mark", thing if not isinstance(thing, str) else ""),
        "merge": lambda: rows.tags.merge(thing, "mark"),
        "run": lambda: rows.run(thing),
        "recipe": lambda: rows.run({"query": thing}),
        "order": lambda: len(rows.order_by(thing if not isinstance(thing, str) else "no such field")),
        "match": lambda: rows.match(thing),
        "slice": lambda: rows[thing if not isinstance(thing, int) else 99],
        "split": lambda: rows.query().split(thing),
        "source": lambda: rows.labels.delete(thing),
        "projection": lambda: rows.projections.get("m", thing),
    }
    which = data.draw(st.sampled_from(sorted(calls)))
    try:
        calls[which]()
    except (LightlyWidgetError, IndexError):
        pass
    else:
        assert which == "metadata"  # an empty table is an update of nothing
    assert core_of(rows).snapshot().version == version
    assert len(rows) == 10


def test_threads_may_read_while_one_writes(rows: lw.ImageDataset) -> None:
    from concurrent.futures import ThreadPoolExecutor

    ids = rows.query().sample_ids.to_list()

    def read(_: int) -> None:
        while "done" not in rows.tags:
            frame = rows.to_polars()
            if "metadata.n" in frame.columns:
                pairs = frame.filter(pl.col("tags").list.contains("t1")).select(pl.col("tags").list.len(), "metadata.n")
                assert (pairs["tags"] == pairs["metadata.n"]).all()  # both of one write

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, number) for number in range(2)]
        for number in range(1, 9):
            values = pl.DataFrame({"sample_id": ids[:3], "n": [number] * 3})
            write_picks(rows, f"t{number}", pl.Series(ids[:3]), values)
        rows.select(ids[5:6]).add_tag("done")
        for reader in readers:
            reader.result()


def test_importing_the_package_loads_nothing_heavy() -> None:
    import subprocess

    heavy = ("lancedb", "torch", "pandas", "umap", "plotly")
    code = f"import sys, lightly_widget; print(*[m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
