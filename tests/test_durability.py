"""What is promised about never losing anything; `benchmarks/durability.py` does the same many more times."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lightly_widget import ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.errors import DatasetReplacedError, DiskFullError, ReadOnlyError, StaleError
from lightly_widget.store import disk
from lightly_widget.strategies import EmbeddingRepresentativeStrategy, EmbeddingTypicalityStrategy
from tests.durability import (
    context,
    kill_rounds,
    make_whole,
    model_after,
    mutant_outcomes,
    scan_of,
    state_of,
    step,
    two_kernels,
)
from tests.four_writers import four_writers
from tests.power_cut import power_cuts

SECONDS = 120


def run(target: Any, *args: object) -> Any:
    """Call in another process; what it sends is returned, an error raised."""
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(there, target, *args))
    process.start()
    there.close()
    try:
        assert here.poll(SECONDS), "the other process did not answer"
        kind, value = here.recv()
    finally:
        process.join(1)
        process.kill()
        process.join()
    if kind == "error":
        raise AssertionError(value)
    return value


def _call(there: Any, target: Any, *args: object) -> None:
    import traceback

    warnings.simplefilter("ignore")
    try:
        there.send(("ok", target(*args)))
    except BaseException:  # noqa: BLE001 - whatever it is, the test shall show it
        there.send(("error", traceback.format_exc()))


def test_killed_at_random_moments_nothing_acknowledged_is_lost_and_nothing_half_is_seen(tmp_path: Path) -> None:
    assert kill_rounds(tmp_path, 30, longest_s=0.1) > 30


def test_two_kernels_lose_no_update_and_readers_are_never_torn(tmp_path: Path) -> None:
    assert two_kernels(tmp_path, 15) > 1


def test_four_processes_lose_nothing_of_what_they_read_change_and_write(tmp_path: Path) -> None:
    assert four_writers(tmp_path, 3) > 4 * 3 * 10


def _write_into_full_disk(home: str, reserving: bool) -> tuple[int, int]:
    """Under many limits of the file size, each change is whole or a `DiskFullError` and not there at all."""
    if not reserving:  # as when another program takes the room between the reserving and the writing
        disk.reserve = lambda folder, size: None
    dataset = ImageDataset.create("full", home)
    done, refused, said = 0, 0, ""
    for number, limit in enumerate([10, 1000, 4000, 9000, 100_000, 10**9] * 3):
        before = state_of(dataset)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                step(done, before, dataset)
                done += 1
                if number % 2:
                    dataset.add_embeddings(f"model {number}", np.ones((len(dataset), 512)))
        except DiskFullError as error:
            refused += 1
            said = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert state_of(dataset) == model_after(done), (number, limit, said)
        assert state_of(ImageDataset.load("full", home)) == model_after(done), (number, limit, said)
    step(done, model_after(done), dataset)  # and with room again, all goes on
    assert state_of(ImageDataset.load("full", home)) == model_after(done + 1)
    return done, refused


@pytest.mark.parametrize("reserving", [True, False])
def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path, reserving: bool) -> None:
    done, refused = run(_write_into_full_disk, str(tmp_path), reserving)
    assert done
    assert refused


def _use_read_only(home: str) -> list[str]:
    if os.geteuid() == 0:  # root may write anywhere
        os.setgid(65534)
        os.setuid(65534)
    dataset = ImageDataset.load("kept", home)
    assert state_of(dataset) == model_after(10)
    said = []
    for change in (
        lambda: step(10, model_after(10), dataset),
        lambda: dataset.undo(),
        lambda: dataset.optimize(),
        lambda: ImageDataset.create("new", home),
    ):
        try:
            change()
            said.append("written")
        except ReadOnlyError as error:
            said.append(str(error))
    assert state_of(dataset) == model_after(10)
    return said


def test_a_read_only_folder_can_be_read_and_says_that_it_cannot_be_written() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        home = Path(name)
        dataset = ImageDataset.create("kept", home)
        for number in range(10):
            step(number, model_after(number), dataset)
        paths = [home, *home.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            said = run(_use_read_only, name)
        finally:
            for path in paths:
                path.chmod(0o755 if path.is_dir() else 0o644)
        assert len(said) == 4
        assert all("cannot be written" in text for text in said), said


def _explore(dataset: ImageDataset) -> list[Any]:
    assert dataset.compute_typicality_metadata() == "typicality"
    positions, ids = dataset.projections.get()
    results = [
        dataset.to_polars()["metadata.typicality"].to_list(),
        dataset.embeddings.neighbor_graph().indices.tolist(),
        positions.tolist(),
        ids.to_list(),
        list(dataset.query().sampling().preview(5, [EmbeddingRepresentativeStrategy()]).sample_ids),
        list(dataset.query().sampling().preview(5, [EmbeddingTypicalityStrategy()]).sample_ids),
        dataset.order_by("metadata.typicality", descending=True)[:3].sample_ids.to_list(),
    ]
    explorer = dataset.explore()
    assert explorer.wait()
    explorer.close()
    return results


def _explore_read_only(home: str) -> None:
    expected = _explore(ImageDataset.load("copy", home))  # all imports are made before the user changes
    if os.geteuid() == 0:  # root may write anywhere
        os.setgid(65534)
        os.setuid(65534)
    dataset = ImageDataset.load("kept", home)
    for _ in range(2):
        assert _explore(dataset) == expected
    kept = {table.split("_")[0] for table in core_of(dataset).store.tables()}
    assert {"graph", "projection", "metadata"} <= kept
    for change in (lambda: dataset[:3].add_tag("T"), lambda: dataset.metadata.update({expected[3][0]: {"a": 1}})):
        with pytest.raises(ReadOnlyError):
            change()
    assert "typicality" not in ImageDataset.load("kept", home).metadata


def test_a_read_only_dataset_is_explored_and_sampled_whole() -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        dataset = ImageDataset.create("kept", home)
        add_scan(core_of(dataset), scan_of(range(40)))
        dataset.add_embeddings("model", np.random.default_rng(0).random((40, 8)))
        before = state_of(dataset)
        shutil.copytree(dataset.uri, home / "copy")
        paths = [home, home / "kept", *(home / "kept").rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            run(_explore_read_only, name)
        finally:
            for path in paths:
                path.chmod(0o755 if path.is_dir() else 0o644)
        assert state_of(dataset) == before


def _mounted(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Run with a small file system of its own in a folder, its last argument; None where mounting is not allowed."""
    mount = 'mount -t tmpfs -o size=12m tmpfs "$1" && shift && exec "$@"'
    with tempfile.TemporaryDirectory() as folder:
        for private in (["unshare", "-m"], ["unshare", "-r", "-m"]):
            if not shutil.which("unshare"):
                return None
            shell = [*private, "sh", "-c", mount, "sh", folder]
            if subprocess.run([*shell, "true"], capture_output=True).returncode == 0:
                return subprocess.run([*shell, *command, folder], capture_output=True, text=True, timeout=SECONDS)
    return None


def test_a_disk_that_is_really_full_or_read_only_changes_nothing() -> None:
    done = _mounted(sys.executable, "-m", "tests.small_disk")
    if done is None:
        pytest.skip("a small file system cannot be mounted here: that needs Linux, and root or user namespaces")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts.pop("read-only") == 5
    assert all(counts.values()), counts


def test_damaged_files_are_said_and_never_give_other_data(tmp_path: Path) -> None:
    make_whole(tmp_path, steps=25)
    outcomes = collections.Counter(outcome for _, outcome in mutant_outcomes(tmp_path, range(60)).values())
    assert set(outcomes) == {"same", "CorruptDataError"}, outcomes
    assert sum(outcomes.values()) == 60


def test_a_dataset_whose_making_was_killed_can_be_made_again(tmp_path: Path) -> None:
    (tmp_path / "half" / "commits.lance" / "data").mkdir(parents=True)
    (tmp_path / "half" / ".lock").touch()
    dataset = ImageDataset.load_or_create("half", tmp_path)
    add_scan(core_of(dataset), scan_of(range(3)))
    assert len(ImageDataset.load("half", tmp_path)) == 3


def test_old_handles_of_a_dataset_that_was_created_again_refuse(tmp_path: Path) -> None:
    old = ImageDataset.create("d", tmp_path)
    add_scan(core_of(old), scan_of(range(10)))
    old.add_embeddings("model", np.eye(10))
    query = old.query()
    shutil.rmtree(old.uri)
    new = ImageDataset.create("d", tmp_path)
    add_scan(core_of(new), scan_of(range(100, 104)))
    new.add_embeddings("model", np.eye(4))
    before = state_of(new)
    for use in (
        lambda: len(old),
        lambda: query.add_tag("T"),
        lambda: old.query().sampling().random(2, sampling_result_tag_name="T"),
        lambda: old.add_embeddings("other", np.eye(10)),
    ):
        with pytest.raises(DatasetReplacedError, match="Load the dataset again"):
            use()
    assert state_of(ImageDataset.load("d", tmp_path)) == before


def test_a_query_held_across_writes_and_an_optimize_never_changes_or_is_too_old(tmp_path: Path) -> None:
    dataset = ImageDataset.create("d", tmp_path)
    add_scan(core_of(dataset), scan_of(range(5)))
    dataset[:3].add_tag("T")
    held = core_of(dataset).snapshot()
    other = ImageDataset.load("d", tmp_path)
    for number in range(30):
        add_scan(core_of(other), scan_of(range(5, 7 + number)))
        other[number : number + 2].add_tag("T")
    other.optimize()
    core_of(dataset).snapshot()
    for look, expected in (
        (lambda: held.tag("T").tolist(), [0, 1, 2]),
        (lambda: len(held), 5),
        (lambda: held.tags_list().list.len().to_list(), [1, 1, 1, 0, 0]),
    ):
        with contextlib.suppress(StaleError):
            assert look() == expected


def _load_until(home: str, stop: Any) -> int:
    loads = 0
    while not stop.is_set():
        dataset = ImageDataset.load("d", home)
        assert {"tag 0", "tag 1", "tag 2"} <= set(dataset.tags), "a tag is missing"
        assert len(dataset.embeddings.get("model")[0]) == 6
        loads += 1
    return loads


def test_loading_while_another_process_optimizes(tmp_path: Path) -> None:
    dataset = ImageDataset.create("d", tmp_path)
    add_scan(core_of(dataset), scan_of(range(6)))
    dataset.add_embeddings("model", np.eye(6))
    for number in range(3):
        dataset[:2].add_tag(f"tag {number}")
    with context.Manager() as manager:
        stop = manager.Event()
        here, there = context.Pipe(duplex=False)
        readers = [context.Process(target=_call, args=(there, _load_until, str(tmp_path), stop)) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(60):
            dataset[:2].add_tag(f"tag {number % 5}")
            dataset.optimize()
        stop.set()
        answers = [here.recv() for _ in readers]
        for reader in readers:
            reader.join()
    assert [kind for kind, _ in answers] == ["ok", "ok"], answers
    assert all(loads > 1 for _, loads in answers)


@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_takes_back_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    assert run(power_cuts, tmp_path, 12, seed)


@pytest.mark.parametrize("left", [b"", bytes(600), b"LANC" * 99 + bytes(4)], ids=["empty", "zeros", "end missing"])
def test_a_torn_manifest_of_a_write_that_was_not_acknowledged_is_passed_over(tmp_path: Path, left: bytes) -> None:
    dataset = ImageDataset.create("d", tmp_path)
    for number in range(10):
        step(number, model_after(number), dataset)
    tables = sorted((tmp_path / "d").glob("*.lance"))
    assert len(tables) > 2
    for table in tables:
        newest = disk.manifests(table)[0]
        newest.with_stem(str(int(newest.stem) - 1)).write_bytes(left)  # LanceDB counts down
    reopened = ImageDataset.load("d", tmp_path)
    assert state_of(reopened) == model_after(10)
    step(10, model_after(10), reopened)
    assert state_of(ImageDataset.load("d", tmp_path)) == model_after(11)


@pytest.mark.parametrize("left", [b"", bytes(600)], ids=["empty", "zeros"])
def test_a_dataset_whose_making_a_power_cut_tore_can_be_made_again(tmp_path: Path, left: bytes) -> None:
    ImageDataset.create("d", tmp_path)
    for manifest in disk.manifests(tmp_path / "d" / "commits.lance"):
        manifest.write_bytes(left)
    (tmp_path / "d" / "head.json").unlink()
    dataset = ImageDataset.load_or_create("d", tmp_path)
    step(0, model_after(0), dataset)
    assert state_of(ImageDataset.load("d", tmp_path)) == model_after(1)
