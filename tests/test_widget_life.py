"""What explorers leave behind, and what they do when the system, another process or a fork is in the way."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import lightly_widget as lw
from lightly_widget.errors import ForkedProcessError
from lightly_widget.widget import looks
from tests.test_widget import PATIENCE, SAMPLE, Front, make_dataset

HOLD_THE_LOCK = """
import sys
from lightly_widget.store.locks import WriterLock
from pathlib import Path
with WriterLock(Path(sys.argv[1])).hold():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Any:
    return make_dataset(tmp_path, np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))


@pytest.fixture
def images(tmp_path: Path) -> Any:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (40, 20), (50 * number, 0, 0)).save(folder / f"{number}.png")
    dataset = lw.ImageDataset.create("images", path=tmp_path / "datasets")
    dataset.add_images_from_path(folder)
    return dataset


def wait_for_ending_threads() -> None:
    for thread in threading.enumerate():
        is_pool = thread.name.startswith("lightly-widget-sync")  # syncs files for all datasets, and stays
        if isinstance(thread, threading.Timer) or (thread.name.startswith("lightly-widget") and not is_pool):
            thread.join(PATIENCE)


def test_closed_and_dropped_explorers_are_freed(dataset: Any) -> None:
    refs = []
    for _ in range(10):
        explorer = lw.Explorer(dataset, projection="pca")
        explorer._handlers.answer({"kind": "hello", "id": 1, "protocol": 1}, [])
        assert explorer.wait(PATIENCE)
        refs += [weakref.ref(explorer), weakref.ref(explorer._session)]
        explorer.close()
        del explorer
    wait_for_ending_threads()
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []


def test_layout_is_that_of_ipywidgets(dataset: Any) -> None:
    front = Front(dataset, placement="inline", layout={"height": "500px"})
    front.layout.width = "50%"
    assert (front.layout.width, front.layout.height) == ("50%", "500px")
    assert front.get_state("layout") == {"layout": f"IPY_MODEL_{front.layout.model_id}"}
    front.close()


def test_thumbnails_leave_the_filters_of_warnings_alone(images: Any) -> None:
    front = Front(images)
    before = list(warnings.filters)
    workers = [
        threading.Thread(target=front.ask, args=("thumbnails",), kwargs={"points": [0, 1, 2, 3, 4], "size": size})
        for size in (16, 32, 64, 128)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert warnings.filters == before
    front.close()


def test_many_thumbnails_are_answered_in_parts(images: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "THUMBNAILS_PART", 2)
    front = Front(images)
    parts = front.ask("thumbnails", points=[4, 3, 2, 1, 0], size=32)
    assert [part["points"] for part in parts] == [[4, 3], [2, 1], [0]]
    assert [len(part["images"]) for part in parts] == [2, 2, 1]
    assert [part["done"] for part in parts] == [False, False, True]
    front.close()


def test_ten_thousand_thumbnails_are_answered_in_parts(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [f"text {number}" for number in range(10_000)]})
    front = Front(lw.Dataset.from_polars(frame, name="texts", path=tmp_path))
    parts = front.ask("thumbnails", points=list(range(10_000)), size=32)
    assert len(parts) == 10
    assert [row for part in parts for row in part["points"]] == list(range(10_000))
    assert [text for part in parts for text in part["texts"]] == frame["text"].to_list()
    front.close()


def test_an_explorer_of_a_dataset_that_was_created_again_says_so_and_writes_nothing(
    dataset: Any, tmp_path: Path
) -> None:
    front = Front(dataset)
    front.sample_now()
    shutil.rmtree(dataset.uri)
    lw.Dataset.from_polars(pl.DataFrame({"text": ["a", "b"]}), name="points", path=tmp_path)
    said = front.ask("save_tag", name="kept", n_samples_to_select=3, grow=False)[-1]
    assert (said["kind"], said["error"]) == ("error", "DatasetReplacedError")
    assert "Load the dataset again" in said["message"]
    assert list(lw.Dataset.load("points", tmp_path).tags) == []
    front.close()


def test_saving_a_tag_while_another_process_writes_leaves_the_explorer_free(dataset: Any, tmp_path: Path) -> None:
    front = Front(dataset)
    front.sample_now()
    (lock,) = tmp_path.rglob(".lock")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        front.say({"kind": "save_tag", "id": 900, "name": "kept", "n_samples_to_select": 3, "grow": False})
        front.say({"kind": "save_tag", "id": 901, "name": "too", "n_samples_to_select": 2, "grow": False})
        front.say({"kind": "select_points", "id": 902, "op": "replace", "points": [1]})
        front.n_samples_to_select = 2
        front.say(SAMPLE | {"id": 903})
        while not any(answer["done"] for answer in front.answers(903)):
            assert front._handlers.jobs._newest["Saving 900"].finished.wait(0.01) is False
        assert front.answers(902)[-1]["kind"] == "ok"
        assert front.answers(900) == front.answers(901) == []
    finally:
        holder.communicate("")
    assert front.wait(PATIENCE)
    assert (front.answers(900)[-1]["kind"], front.answers(900)[-1]["count"]) == ("saved", 3)
    assert (front.answers(901)[-1]["kind"], front.answers(901)[-1]["count"]) == ("saved", 2)
    front.close()


def test_a_request_whose_thread_cannot_start_is_answered_and_the_next_works(
    dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = Front(dataset)
    with monkeypatch.context() as patch:

        def start(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", start)
        assert front.ask("projection", name="pca")[-1]["error"] == "NoThreadError"
        assert front.sample_now()["error"] == "NoThreadError"
    assert front.sample_now()["kind"] == "sampled"
    assert front.ask("projection", name="pca")[-1]["kind"] == "ok"
    front.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_says_that_it_must_load_again(dataset: Any) -> None:
    front = Front(dataset)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # no assertion may leave this block
        said = []
        for use in (lambda: len(dataset.query()), lambda: dataset.query().add_tag("x"), front.refresh):
            try:
                use()
                said.append("nothing")
            except ForkedProcessError as error:
                said.append("load the dataset again" if "load the dataset again" in str(error) else str(error))
            except BaseException as error:  # noqa: BLE001
                said.append(repr(error))
        os.write(writer, "|".join(said).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read().decode().split("|") == ["load the dataset again"] * 3
    front.close()
