"""A dataset that somebody sends: what it names is opened only where this user allowed it, and only as pictures."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from lightly_widget import Dataset, ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.embedding import UnreadableItemError, square_rgb
from lightly_widget.errors import (
    CorruptDataError,
    LightlyWidgetError,
    LightlyWidgetWarning,
    NotAllowedError,
    StorageError,
)
from lightly_widget.ingest import pictures
from lightly_widget.ingest.pictures import UnusablePictureError, open_file, read_picture
from lightly_widget.ingest.roots import Roots
from lightly_widget.store import Transaction
from lightly_widget.store.checksums import checksum_text
from lightly_widget.store.commits import Commit, Part
from lightly_widget.store.head import Head, write_head
from lightly_widget.widget.pictures import Pictures


def picture(path: Path, size: tuple[int, int] = (40, 20), **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "red").save(path, **options)
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> ImageDataset:
    picture(tmp_path / "images" / "a.png")
    made = ImageDataset.create("mine", tmp_path / "home")
    made.add_images_from_path(tmp_path / "images", embed=False)
    return made


def naming(dataset: ImageDataset, path: str | Path) -> ImageDataset:
    """The dataset with another path in its first row, as a crafted one has it: written past the public methods."""
    now = core_of(dataset).snapshot()
    with core_of(dataset).change("craft", {}) as (work, _):
        work.write("samples", now.samples.with_columns(file_path_abs=pl.lit(str(path))), op="set")
    return dataset


class Anything:
    """An embedder that takes whatever it gets."""

    name, dimension, kind = "anything", 2, "image"

    def __init__(self) -> None:
        self.got: list[object] = []

    def embed(self, items: Any) -> Any:
        self.got += items
        return [[1.0, 2.0]] * len(items)


def test_what_the_user_added_is_opened_in_this_and_later_sessions(dataset: ImageDataset, tmp_path: Path) -> None:
    path = str(tmp_path / "images" / "a.png")
    assert Pictures(core_of(dataset).roots).get(path, 16)
    code = f"""if True:
        from lightly_widget import ImageDataset
        from lightly_widget.dataset import core_of
        from lightly_widget.widget.pictures import Pictures
        dataset = ImageDataset.load("mine", {str(tmp_path / "home")!r})
        assert Pictures(core_of(dataset).roots).get({path!r}, 16)
        dataset.query().export.copy_files({str(tmp_path / "out")!r})
    """
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "out" / "a.png").read_bytes() == Path(path).read_bytes()


def test_every_door_refuses_what_lies_elsewhere_and_says_how_to_allow_it(dataset: ImageDataset, tmp_path: Path) -> None:
    secret = picture(tmp_path / "private" / "secret.png")
    query = naming(dataset, secret).query()
    out = tmp_path / "out"
    for call in (
        lambda: Pictures(core_of(dataset).roots).get(str(secret), 16),
        lambda: query.export.copy_files(out),
        lambda: query.export.copy_files(out, symlinks=True),
        lambda: query.export.to_yolo_object_detections(out),
        lambda: query.export.to_yolo_object_detections(out, images="copy"),
        lambda: query.export.to_torch()[0],
    ):
        with pytest.raises(NotAllowedError, match=r"secret\.png.*dataset\.allow_root\('.*/private'\)"):
            call()
        assert not out.exists()
    embedder = Anything()
    with pytest.warns(LightlyWidgetWarning, match="1 of 1 samples were not embedded: .*allow_root"):
        dataset.embed(embedder)
    assert embedder.got == []
    dataset.allow_root(tmp_path / "private")
    assert Pictures(core_of(dataset).roots).get(str(secret), 16)
    dataset.embed(embedder)
    assert embedder.got == [secret]
    assert (query.export.copy_files(out) / "secret.png").exists()


def test_a_dataset_carries_no_permission(dataset: ImageDataset, tmp_path: Path, monkeypatch: Any) -> None:
    shutil.move(tmp_path / "home", tmp_path / "sent")
    assert (
        core_of(ImageDataset.load("mine", tmp_path / "sent")).roots.refused([str(tmp_path / "images" / "a.png")]) == []
    )
    monkeypatch.setenv("LIGHTLY_WIDGET_CONFIG", str(tmp_path / "another user"))
    monkeypatch.setattr("lightly_widget.ingest.roots._named", {})
    received = ImageDataset.load("mine", tmp_path / "sent")
    assert core_of(received).roots.refused([str(tmp_path / "images" / "a.png")]) == [str(tmp_path / "images" / "a.png")]
    monkeypatch.setenv("LIGHTLY_WIDGET_ROOTS", str(tmp_path / "images"))
    assert core_of(received).roots.refused([str(tmp_path / "images" / "a.png")]) == []


def test_without_a_home_roots_last_for_the_session(dataset: ImageDataset, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIGHTLY_WIDGET_CONFIG", str(tmp_path / "file"))
    with pytest.warns(LightlyWidgetWarning, match="known in this session only; set LIGHTLY_WIDGET_CONFIG"):
        dataset.allow_root(tmp_path / "more")
    assert core_of(dataset).roots.refused([str(tmp_path / "more" / "x.png")]) == []


def test_roots_are_folders_not_beginnings_of_names(tmp_path: Path) -> None:
    roots = Roots("folders")
    roots.allow([str(tmp_path / "data")])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "out").symlink_to(tmp_path)
    inside = ["data/a.png", "data/b/c.png", "data/b/../a.png"]
    outside = ["data2/a.png", "a.png", "data/../a.png", "data/out/a.png"]
    assert roots.refused([f"{tmp_path}/{name}" for name in inside + outside]) == [f"{tmp_path}/{n}" for n in outside]
    (tmp_path / "data" / "link.png").symlink_to(picture(tmp_path / "a.png"))
    assert roots.refused([str(tmp_path / "data" / "link.png")])
    roots.allow(["memory://a", "gcs://bucket/a"])
    assert roots.refused(["memory:///b/x.png", "gs://bucket/x.png", "gs://bucket2/x.png"]) == ["gs://bucket2/x.png"]
    hosts = ["s3://bucket/x.png", "s3://bucket2/x.png", "ftp://bucket/x.png", "zip://a.png::s3://bucket/x.zip"]
    roots.allow([hosts[0]])
    assert roots.refused(hosts) == hosts[1:]
    roots.allow([hosts[3]])
    assert roots.refused(["zip://b.png::s3://bucket/x.zip", "zip://a.png::ftp://h/x.zip"]) == [
        "zip://a.png::ftp://h/x.zip"
    ]


def test_links_that_lead_out_of_the_folder_added_stay_closed(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").symlink_to(picture(tmp_path / "elsewhere" / "b.png"))
    dataset = ImageDataset.create("links", tmp_path / "home")
    with pytest.warns(LightlyWidgetWarning, match=r"1 of the images will not be opened: .*b\.png.*allow_root"):
        assert dataset.add_images_from_path(tmp_path / "in", embed=False) == 2
    with pytest.raises(NotAllowedError):
        Pictures(core_of(dataset).roots).get(str(tmp_path / "in" / "b.png"), 16)


def test_pipes_devices_and_folders_are_not_opened(dataset: ImageDataset, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "images" / "pipe.png")
    for path in (tmp_path / "images" / "pipe.png", Path("/dev/zero"), tmp_path / "images"):
        for door in (lambda path=path: read_picture(path, lambda image: None), lambda path=path: square_rgb(path, 32)):
            with pytest.raises((UnusablePictureError, UnreadableItemError), match="not a regular file"):
                door()
    query = naming(dataset, tmp_path / "images" / "pipe.png").query()
    with pytest.raises(LightlyWidgetError):
        query.export.copy_files(tmp_path / "out")


def test_a_file_named_png_does_not_start_ghostscript(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 20)).save(path, "EPS")
    monkeypatch.setattr(subprocess, "check_call", lambda *a, **k: pytest.fail("a program was started"))
    for door in (lambda: read_picture(path, lambda image: image.load()), lambda: square_rgb(path, 32)):
        with pytest.raises((UnusablePictureError, UnreadableItemError), match="not an image"):
            door()


def test_only_pictures_are_copied_out_of_an_image_dataset(dataset: ImageDataset, tmp_path: Path) -> None:
    (tmp_path / "images" / "users.png").write_text("root:x:0:0")
    query = naming(dataset, tmp_path / "images" / "users.png").query()
    for symlinks in (False, True):
        with pytest.raises(UnusablePictureError, match="not an image"):
            query.export.copy_files(tmp_path / "out", symlinks=symlinks)
    with pytest.raises(StorageError, match="not an image"):
        query.export.to_torch()[0]
    assert not (tmp_path / "out").exists()


def test_more_than_64_megapixels_are_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (8_001, 8_000)).save(path)
    with pytest.raises(UnusablePictureError, match="has 64 megapixels; at most 64 are decoded"):
        read_picture(path, lambda image: pytest.fail("it was opened"))
    with pytest.raises(UnreadableItemError, match="64 megapixels"):
        square_rgb(path, 32)


def test_a_jpeg_is_decoded_at_a_fraction_of_its_size(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg", (800, 800))
    assert read_picture(path, lambda image: (image.load(), image.size)[1], size=90) == (100, 100)


def test_all_threads_share_the_memory_of_decoded_pixels(tmp_path: Path, monkeypatch: Any) -> None:
    path = picture(tmp_path / "a.png", (100, 100))  # 40,000 bytes decoded
    monkeypatch.setattr(pictures, "_memory", pictures._Memory(90_000))
    inside, most, lock = 0, 0, threading.Lock()

    def work(image: Any) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        gate.wait(0.05)
        with lock:
            inside -= 1

    gate = threading.Event()
    threads = [threading.Thread(target=read_picture, args=(path, work)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 2


def test_a_picture_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(pictures, "SECONDS", 0.05)
    forever = threading.Event()
    with pytest.raises(UnusablePictureError, match=r"could not be read within 0\.05 seconds"):
        read_picture(picture(tmp_path / "a.png"), lambda image: forever.wait())
    forever.set()


def test_a_host_that_was_not_allowed_is_not_connected_to(dataset: ImageDataset, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for scheme in ("ftp", "http"):
            url = f"{scheme}://127.0.0.1:{port}/x.png"
            with pytest.raises(NotAllowedError, match=f"allow_root\\('{scheme}://127.0.0.1:{port}'\\)"):
                Pictures(core_of(dataset).roots).get(url, 16)
            with pytest.raises(NotAllowedError):
                naming(dataset, url).query().export.copy_files(tmp_path / "out")
        with pytest.raises(TimeoutError):
            server.accept()


def test_an_allowed_host_is_read_from(dataset: ImageDataset) -> None:
    fsspec = pytest.importorskip("fsspec")
    buffer = BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "PNG")
    fsspec.filesystem("memory").pipe({"/seen/x.png": buffer.getvalue()})
    try:
        with pytest.raises(NotAllowedError):
            Pictures(core_of(dataset).roots).get("memory:///seen/x.png", 16)
        dataset.allow_root("memory:///seen")
        assert Pictures(core_of(dataset).roots).get("memory:///seen/x.png", 16)
    finally:
        fsspec.filesystem("memory").rm("/seen", recursive=True)


def test_a_link_put_in_place_of_a_checked_file_is_not_followed(tmp_path: Path, monkeypatch: Any) -> None:
    path = picture(tmp_path / "a.png")
    secret = picture(tmp_path / "secret.png")
    check = pictures._check_regular

    def swap(name: str, mode: int) -> None:
        check(name, mode)
        path.unlink(missing_ok=True)
        path.symlink_to(secret)

    monkeypatch.setattr(pictures, "_check_regular", swap)
    with pytest.raises(OSError), open_file(path):
        pass


def test_a_hover_over_a_slow_picture_leaves_the_kernel_free(dataset: ImageDataset, monkeypatch: Any) -> None:
    from tests.test_widget import Front

    dataset.add_embeddings("m", [[1.0, 2.0]])
    front = Front(dataset)
    gate, started = threading.Event(), threading.Event()

    def slow(*args: Any, **options: Any) -> bytes:
        started.set()
        gate.wait(10)
        return b"webp"

    monkeypatch.setattr("lightly_widget.widget.pictures.read_picture", slow)
    began = time.monotonic()
    front.say({"kind": "detail", "id": 900, "point": 0})
    front.say({"kind": "thumbnails", "id": 901, "points": [0], "size": 64})
    assert started.wait(5)
    front.say({"kind": "cancel", "id": 902, "target": 1})
    assert front.answers(902)[-1]["kind"] == "ok"
    assert not front.answers(900)
    assert time.monotonic() - began < 9
    gate.set()
    assert front.wait(10)
    assert front.answers(900)[-1]["thumbnail"] is not None


def test_a_hover_says_why_there_is_no_picture(dataset: ImageDataset, tmp_path: Path) -> None:
    from tests.test_widget import Front

    dataset.add_embeddings("m", [[1.0, 2.0]])
    naming(dataset, picture(tmp_path / "private" / "secret.png"))
    said = Front(dataset).ask("detail", point=0)[-1]
    assert said["thumbnail"] is None
    assert said["fields"][0][0] == "picture"
    assert "dataset.allow_root" in said["fields"][0][1]


def test_a_page_exports_only_below_the_root_and_only_over_its_own_exports(
    dataset: ImageDataset, tmp_path: Path
) -> None:
    from tests.test_widget import Front

    dataset.add_embeddings("m", [[1.0, 2.0]])
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "kept.csv").write_text("precious")
    (root / "link").symlink_to(outside)
    (root / "link.csv").symlink_to(outside / "kept.csv")
    front = Front(dataset, export_root=root)
    front.sample_now(n_samples_to_select=1)

    def export(path: str | Path) -> dict[str, Any]:
        asked: dict[str, Any] = front.ask("check_path", path=str(path))[-1]
        said: dict[str, Any] = front.ask("export", format="csv", n_samples_to_select=1, path=str(path), overwrite=True)[
            -1
        ]
        assert (asked["problem"] is None) == (said["kind"] == "exported")
        return said

    refused = [outside / "x.csv", "../outside/x.csv", "link/x.csv", "link.csv", outside / "kept.csv", "kept.csv"]
    for path in [*refused, ".hidden", ".ssh/x", ".", "~/x.csv", "s3://bucket/x.csv", "a\0b", "x" * 300]:
        assert export(path)["kind"] == "error", path
    assert {p.name for folder in (root, outside) for p in folder.iterdir()} == {"kept.csv", "link", "link.csv"}
    assert {(folder / "kept.csv").read_text() for folder in (root, outside)} == {"precious"}
    for _ in range(2):
        assert export("sub/new.csv")["path"] == str(root / "sub" / "new.csv")
    (root / "sub" / "new.csv").write_text("edited by the user")
    assert "was not written by an export" in export("sub/new.csv")["message"]
    assert (root / "sub" / "new.csv").read_text() == "edited by the user"


# -- a log that somebody made ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        Part("../outside", 5, 1, "", ({"op": "set"},)),
        Part("a/b", 5, 1, "", ({"op": "set"},)),
        Part("tags", "5) or (1 = 1", 1, "", ({"op": "set"},)),  # type: ignore[arg-type]
        Part("tags", 5, "1", "", ({"op": "set"},)),  # type: ignore[arg-type]
        Part("tags", 5, 1, "", ("set",)),  # type: ignore[arg-type]
    ],
)
def test_a_log_names_no_files_elsewhere_and_holds_no_conditions(tmp_path: Path, part: Part) -> None:
    dataset = Dataset.from_polars(pl.DataFrame({"sample_id": ["a"]}), name="made", path=tmp_path)
    outside = tmp_path / "outside.lance"
    outside.mkdir()
    store = core_of(dataset).store
    forged = Commit.new(store.number + 1, Transaction("tag", {}, True), "somebody", [part])
    store._tables.append("commits", forged.to_arrow())
    write_head(tmp_path / "made", Head(forged.number, forged.token), lasting=False)
    with pytest.raises(CorruptDataError, match=f"commit {forged.number} holds what no commit holds"):
        Dataset.load("made", tmp_path).query().to_polars()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("inner", ["[" * 20_000, '{"number": "1", "token": 2}', '{"number": 1}', "[]", "3"])
def test_a_head_that_somebody_made_is_not_believed(tmp_path: Path, inner: str) -> None:
    dataset = Dataset.from_polars(pl.DataFrame({"sample_id": ["a"]}), name="made", path=tmp_path)
    path = tmp_path / "made" / "head.json"
    path.write_text(json.dumps({"head": inner, "checksum": checksum_text(inner)}))
    with pytest.warns(LightlyWidgetWarning, match="head.json is damaged"):
        assert len(Dataset.load("made", tmp_path)) == 1
    path.write_text("[" * 60_000)
    with pytest.warns(LightlyWidgetWarning, match="head.json is damaged"):
        assert len(Dataset.load("made", tmp_path)) == 1
    assert len(dataset) == 1
