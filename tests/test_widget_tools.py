"""The explorer's tools: another projection, looking for a picture, asking before writing; with a stand-in browser."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget import maps, search
from lightly_widget.errors import LightlyWidgetError
from lightly_widget.widget import projector
from tests.test_widget import PATIENCE, Front, make_dataset

N = 60


@pytest.fixture
def points() -> Any:
    return np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)


@pytest.fixture
def front(tmp_path: Path, points: Any) -> Iterator[Front]:
    front = Front(make_dataset(tmp_path, points))
    front.ask("hello", protocol=1)
    yield front
    front.close()


class SlowUmap:
    """Stands in for UMAP: waits until it is let go or stopped."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.runs = 0

    def __call__(
        self, embeddings: Any, graph: Any = None, seed: int = 0, progress: Any = None, init: Any = None
    ) -> Any:
        self.runs += 1
        self.begun.release()
        while not self.go_on.wait(0.01):
            progress(0.5)
        return embeddings[:, :2].astype(np.float32)


@pytest.fixture
def umap(monkeypatch: pytest.MonkeyPatch) -> SlowUmap:
    slow = SlowUmap()
    monkeypatch.setattr(maps, "umap", slow)
    return slow


def shown(front: Front) -> str:
    return str(front.last("positions")[0]["projection"])


# Projections ---------------------------------------------------------------------------------------------------------


def test_another_projection_is_computed_kept_and_glides(front: Front, umap: SlowUmap) -> None:
    assert front.info["projections"] == ["pca", "umap"]
    assert front.info["projection_notes"] == {"umap": "about 20 s"}
    umap.go_on.set()
    answers = front.ask("projection", name="umap")
    assert answers[-1] == answers[-1] | {"kind": "ok", "done": True}
    said = front.last("positions")[0]
    assert (said["projection"], said["animate"]) == ("umap", True)
    assert front.info["projection_notes"] == {}
    assert front.ask("projection", name="pca")[-1]["kind"] == "ok"
    assert front.ask("projection", name="umap")[-1]["kind"] == "ok"
    assert (shown(front), umap.runs) == ("umap", 1)
    before = len(front.heard)
    assert front.ask("projection", name="umap")[-1]["kind"] == "ok"
    assert len(front.heard) == before + 1  # what is shown is not sent again


def test_the_lasso_follows_the_projection(front: Front, umap: SlowUmap, points: Any) -> None:
    umap.go_on.set()
    front.ask("projection", name="umap")
    x, y = points[7, :2]
    around = np.array([[x - 1e-3, y - 1e-3], [x + 1e-3, y - 1e-3], [x + 1e-3, y + 1e-3], [x - 1e-3, y + 1e-3]], "<f4")
    polygon = {"buffer": 0, "dtype": "f32", "shape": [8]}
    front.ask("select", op="replace", polygon=polygon, buffers=[memoryview(around.tobytes())])
    assert front.mask("selection") == [7]


def test_choosing_what_is_shown_stops_the_work_and_all_are_answered(front: Front, umap: SlowUmap) -> None:
    front.say({"kind": "projection", "id": 900, "name": "umap"})
    assert umap.begun.acquire(timeout=PATIENCE)
    front.say({"kind": "projection", "id": 901, "name": "umap"})  # another view wants the same
    front.say({"kind": "projection", "id": 902, "name": "pca"})
    assert front.wait(PATIENCE)
    assert [front.answers(number)[-1].get("error") for number in (900, 901, 902)] == ["Cancelled", "Cancelled", None]
    assert all(front.answers(number)[-1]["done"] for number in (900, 901, 902))
    assert (shown(front), umap.runs) == ("pca", 1)
    umap.go_on.set()
    assert front.ask("projection", name="umap")[-1]["kind"] == "ok"


def test_two_who_want_the_same_share_one_run(front: Front, umap: SlowUmap) -> None:
    front.say({"kind": "projection", "id": 900, "name": "umap"})
    assert umap.begun.acquire(timeout=PATIENCE)
    front.say({"kind": "projection", "id": 901, "name": "umap"})
    umap.go_on.set()
    assert front.wait(PATIENCE)
    assert [front.answers(number)[-1]["kind"] for number in (900, 901)] == ["ok", "ok"]
    assert umap.runs == 1


def test_canceling_answers_all_who_wait(front: Front, umap: SlowUmap) -> None:
    front.say({"kind": "projection", "id": 900, "name": "umap"})
    front.say({"kind": "projection", "id": 901, "name": "umap"})
    front.ask("cancel", target=900)
    assert front.wait(PATIENCE)
    assert [front.answers(number)[-1].get("error") for number in (900, 901)] == ["Cancelled", "Cancelled"]
    umap.go_on.set()
    assert front.ask("projection", name="umap")[-1]["kind"] == "ok"


def test_a_projection_that_fails_is_said_to_all_and_the_other_stays(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise LightlyWidgetError("UMAP failed: no luck")

    monkeypatch.setattr(maps, "umap", broken)
    assert "no luck" in front.ask("projection", name="umap")[-1]["message"]
    assert shown(front) == "pca"


def test_an_unknown_projection_is_refused(front: Front) -> None:
    assert "'pca'" in front.ask("projection", name="tsne")[-1]["message"]


def test_each_model_can_be_laid_out(tmp_path: Path, points: Any) -> None:
    dataset = make_dataset(tmp_path, points)
    dataset.add_embeddings("second of two", -points[:, ::-1])
    front = Front(dataset)
    front.ask("hello", protocol=1)
    assert front.info["projections"] == ["pca", "umap", "pca of second of two", "umap of second of two"]
    assert front.ask("projection", name="pca of second of two")[-1]["kind"] == "ok"
    content, buffers = front.last("positions")
    assert content["projection"] == "pca of second of two"
    wanted, _ = dataset.projections.get("second of two", "pca")
    np.testing.assert_array_equal(np.frombuffer(buffers[0], "<f4"), wanted[:, 0])
    front.close()


def test_of_several_models_the_first_sample_is_of_the_one_that_the_plot_shows(tmp_path: Path, points: Any) -> None:
    dataset = make_dataset(tmp_path, points)
    dataset.add_embeddings("second of two", -points[:, ::-1])
    front = Front(dataset)
    front.ask("hello", protocol=1)
    assert front.strategies[0]["embedding_model_name"] == front.info["embedding_models"][0]
    front.sample_now(n_samples_to_select=3, strategies=front.strategies)
    assert len(front.sample) == 3
    front.close()


def test_a_large_dataset_does_not_start_umap_by_itself(
    tmp_path: Path, points: Any, umap: SlowUmap, monkeypatch: pytest.MonkeyPatch
) -> None:
    umap.go_on.set()
    monkeypatch.setattr(projector, "UMAP_UP_TO", N - 1)
    dataset = make_dataset(tmp_path, points)
    front = Front(dataset, projection="auto")
    front.ask("hello", protocol=1)
    assert (shown(front), umap.runs) == ("pca", 0)
    assert "umap" in front.info["projection_notes"]
    front.ask("projection", name="umap")
    front.close()
    again = Front(dataset, projection="auto")
    again.ask("hello", protocol=1)
    assert (shown(again), umap.runs) == ("umap", 1)  # there already: shown at once
    again.close()


@pytest.mark.parametrize(("seconds", "words"), [(6.0, "6 s"), (89.0, "89 s"), (96.0, "2 min"), (600.0, "10 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert projector.duration(seconds) == words


# A picture to look for -----------------------------------------------------------------------------------------------


class MeanColor:
    """Embeds an image as its mean color."""

    name = "mean-color"
    dimension = 3
    kind = "image"

    def __init__(self) -> None:
        self.seen: list[Path] = []

    def embed(self, items: Any) -> Any:
        self.seen += [Path(item) for item in items]
        pixels = [np.asarray(Image.open(item).convert("RGB"), dtype=np.float32) for item in items]
        return np.array([image.mean((0, 1)) for image in pixels], dtype=np.float32)


COLORS = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250), "gray": (120, 120, 120)}


@pytest.fixture
def images(tmp_path: Path) -> Iterator[tuple[Front, MeanColor]]:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, color in COLORS.items():
        Image.new("RGB", (20, 20), color).save(folder / f"{name}.png")
    dataset = lw.ImageDataset.create("colors", path=tmp_path / "data")
    embedder = MeanColor()
    dataset.add_images_from_path(folder, embed=embedder, progress=lambda fraction: None)
    front = Front(dataset)
    front.ask("hello", protocol=1)
    yield front, embedder
    front.close()


def encoded(
    color: Any, size: tuple[int, int] = (30, 30), kind: str = "PNG", mode: str = "RGB", **options: Any
) -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, color).save(data, kind, **options)
    return data.getvalue()


def look_for(front: Front, data: bytes, **fields: Any) -> dict[str, Any]:
    ref = {"buffer": 0, "dtype": "u8", "shape": [len(data)]}
    return front.ask("find", k=4, image=ref, buffers=[memoryview(data)], **fields)[-1]


def names(front: Front, said: dict[str, Any]) -> list[str]:
    rows = front.points_of(said, "points")
    return [front.ask("detail", point=row)[-1]["title"] for row in rows]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_finds_what_is_like_it(images: tuple[Front, MeanColor], kind: str) -> None:
    front, _ = images
    assert front.info["no_find_image"] is None
    said = look_for(front, encoded((240, 30, 0), kind=kind))
    assert names(front, said)[0] == "red.png"
    scores = front.points_of(said, "scores")
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(np.linalg.norm([10, 30]), abs=8)
    farthest = look_for(front, encoded((240, 30, 0), kind=kind), sign=-1)
    assert names(front, farthest) == names(front, said)[::-1]


def test_transparent_and_indexed_pictures_are_read(images: tuple[Front, MeanColor]) -> None:
    front, _ = images
    assert names(front, look_for(front, encoded((0, 240, 0, 255), mode="RGBA")))[0] == "green.png"
    assert names(front, look_for(front, encoded(2, mode="P")))[0] in {f"{name}.png" for name in COLORS}


def test_the_picture_is_gone_when_it_has_been_looked_for(
    images: tuple[Front, MeanColor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, embedder = images
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    look_for(front, encoded((0, 0, 240), kind="JPEG", exif=exif, comment=b"secret"))
    assert place in embedder.seen[-1].parents
    assert list(place.rglob("*")) == []
    monkeypatch.setattr(embedder, "embed", lambda items: [][0])
    assert look_for(front, encoded("blue"))["kind"] == "error"
    assert list(place.rglob("*")) == []


def bomb() -> bytes:
    """A PNG of one color, 20,000 pixels a side: small as a file, 400 megapixels in memory."""
    return encoded(0, (20_000, 20_000), mode="1")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"no picture", "the picture cannot be read"),
        (lambda: encoded("red")[:60], "the picture cannot be read"),
        (lambda: encoded("red", kind="GIF"), "PNG, JPEG or WebP"),
        (lambda: encoded("red", kind="TIFF"), "PNG, JPEG or WebP"),
        (lambda: encoded("red", (4_097, 2)), "at most 4096 a side"),
        (bomb, "the picture cannot be read|at most 4096 a side"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "the picture cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused_before_any_model_sees_it(
    images: tuple[Front, MeanColor], make: Callable[[], bytes], words: str
) -> None:
    front, embedder = images
    before = len(embedder.seen)
    said = look_for(front, make())
    assert said["kind"] == "error"
    assert any(part in said["message"] for part in words.split("|"))
    assert len(embedder.seen) == before


@pytest.mark.parametrize("vectors", [np.full((1, 3), np.nan), np.zeros((1, 5)), np.zeros((2, 3)), np.zeros(3)])
def test_an_embedder_that_gives_something_else_is_refused(
    images: tuple[Front, MeanColor], monkeypatch: pytest.MonkeyPatch, vectors: Any
) -> None:
    front, embedder = images
    monkeypatch.setattr(embedder, "embed", lambda items: vectors)
    assert "mean-color" in look_for(front, encoded("red"))["message"]


def test_without_an_image_model_it_says_why(front: Front, tmp_path: Path) -> None:
    assert front.info["no_find_image"] == search.NO_IMAGE
    assert look_for(front, encoded("red"))["message"] == search.NO_IMAGE


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet"])
def test_what_is_at_a_path_is_said_and_the_export_reads_back(
    images: tuple[Front, MeanColor], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    front, _ = images
    front.sample_now(n_samples_to_select=3)
    path = tmp_path / "new folder" / f"picks.{kind}"
    said = front.ask("check_path", path=str(path))[-1]
    assert (said["path"], said["exists"], said["problem"]) == (str(path), False, None)
    assert not path.parent.exists()
    written = front.ask("export", format=kind, n_samples_to_select=3, path=str(path), overwrite=False)[-1]
    assert (written["kind"], written["path"], written["count"]) == ("exported", str(path), 3)
    wanted = front.sample.sample_ids
    if kind == "txt":
        by_id = dict(front._session.dataset.snapshot().samples["sample_id", "file_path_abs"].iter_rows())
        assert path.read_text().splitlines() == [by_id[i] for i in wanted]
    else:
        table = pl.read_csv(path) if kind == "csv" else pl.read_parquet(path)
        assert table["sample_id"].to_list() == wanted
    assert front.ask("check_path", path=str(path))[-1]["exists"] is True


def test_where_nothing_can_be_written_is_said(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert "is a folder" in front.ask("check_path", path=str(tmp_path))[-1]["problem"]
    assert "leads through" in front.ask("check_path", path="file/below.csv")[-1]["problem"]
    assert "URL" in front.ask("check_path", path="s3://bucket/x.csv")[-1]["problem"]
    assert front.ask("check_path", path="a\0b")[-1]["problem"]
    assert front.ask("check_path", path="x" * 3_000)[-1]["problem"]
    assert front.ask("check_path", path="picks.csv")[-1]["path"] == str(tmp_path / "picks.csv")


def test_a_filter_is_told_as_the_python_of_its_kind_of_dataset(images: tuple[Front, MeanColor]) -> None:
    front, _ = images
    wide = {"op": "compare", "field": "width", "cmp": ">=", "value": 64}
    assert front.ask("code", filter=wide)[-1]["code"] == "dataset.match(lw.ImageSampleField.width >= 64)"
    assert front.ask("code", filter=None)[-1]["code"] == "dataset.query()"
    assert front.filter is None
