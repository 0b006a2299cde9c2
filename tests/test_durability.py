"""What is promised about never losing anything; `benchmarks/durability.py` does the same many more times."""

from __future__ import annotations

import collections
import os
import resource
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lightly_widget import ImageDataset, disk
from lightly_widget.errors import DiskFullError, ReadOnlyError
from tests.durability import context, kill_rounds, make_whole, model_after, mutant_outcomes, scan_of, state_of, step

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


def _mixed_writes(home: str, who: str, rounds: int) -> int:
    dataset = ImageDataset.load("shared", home)
    ids = dataset.query().sample_ids.to_list()
    for number in range(rounds):
        dataset.select([ids[number % len(ids)]]).add_tag(f"{who} {number}")
        picks = pl.Series(ids[: 1 + number % 5])
        values = pl.DataFrame({"sample_id": picks, f"{who} score": [float(number)] * len(picks)})
        dataset.write_tag(f"{who} picks", picks, replace=True, metadata=values)
        dataset._add_scan(scan_of(range(10, 11 + number)))  # both add the same images
        dataset.update_metadata({ids[0]: {"last writer": who, f"{who} count": number}})
    return rounds


def test_two_kernels_lose_no_update_and_readers_are_never_torn(tmp_path: Path) -> None:
    rounds = 15
    dataset = ImageDataset.create("shared", tmp_path)
    dataset._add_scan(scan_of(range(10)))
    first = dataset.query().sample_ids.to_list()
    writers = [context.Process(target=_mixed_writes, args=(str(tmp_path), who, rounds)) for who in ("left", "right")]
    for writer in writers:
        writer.start()
    looks = 0
    while any(writer.is_alive() for writer in writers):
        frame = dataset.to_polars()  # a handle that is open all the time, and stale all the time
        looks += 1
        for who in ("left", "right"):
            if f"metadata.{who} score" not in frame.columns:
                continue
            # The tag and its values are one write: never the one without the other.
            tagged = frame.filter(pl.col("tags").list.contains(f"{who} picks"))[f"metadata.{who} score"]
            assert tagged.null_count() == 0
            assert tagged.n_unique() <= 1
            if len(tagged):
                assert int(tagged[0]) % 5 + 1 == len(tagged)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert looks > 1
    for found in (dataset, ImageDataset.load("shared", tmp_path)):
        assert set(found.tags) == {f"{w} {n}" for w in ("left", "right") for n in range(rounds)} | {
            "left picks",
            "right picks",
        }
        paths = found.to_polars()["file_path_abs"]
        assert sorted(paths) == sorted(scan_of(range(10 + rounds)).frame["file_path_abs"])
        assert found.query().sample_ids.to_list()[:10] == first
        assert found.get_sample(first[0]).metadata["left count"] == rounds - 1
        assert found.get_sample(first[0]).metadata["right count"] == rounds - 1


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


def test_damaged_files_are_said_and_never_give_other_data(tmp_path: Path) -> None:
    make_whole(tmp_path, steps=25)
    outcomes = collections.Counter(outcome for _, outcome in mutant_outcomes(tmp_path, range(60)).values())
    assert set(outcomes) == {"same", "CorruptDataError"}, outcomes
    assert sum(outcomes.values()) == 60


def test_a_dataset_whose_making_was_killed_can_be_made_again(tmp_path: Path) -> None:
    (tmp_path / "half" / "commits.lance" / "data").mkdir(parents=True)
    (tmp_path / "half" / ".lock").touch()
    dataset = ImageDataset.load_or_create("half", tmp_path)
    dataset._add_scan(scan_of(range(3)))
    assert len(ImageDataset.load("half", tmp_path)) == 3
