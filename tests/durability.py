"""Workers that write until they are killed, and the plain-Python model of what must then be there.

Shared by the tests (30 rounds) and `benchmarks/durability.py` (300).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lightly_widget import ImageDataset, RandomStrategy
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.dataset.metadata import write_columns
from lightly_widget.dataset.metadata_values import columns_from_frame
from lightly_widget.errors import LightlyWidgetError
from lightly_widget.ingest import IMAGE_SCHEMA, ImageScan
from lightly_widget.store.tables import tag_rows

# Forked from a server that has loaded everything but opened nothing: a second's worth of imports saved each time.
os.environ.setdefault("PYTHONWARNINGS", "ignore:lancedb fork support:RuntimeWarning")
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["lightly_widget.dataset", "lightly_widget.ingest", "lancedb", "polars", "pyarrow"])


@dataclass
class State:
    """What a dataset holds, by path."""

    paths: list[str] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)


def scan_of(numbers: range, tag: str | None = None) -> ImageScan:
    """A scan that found these images; no files are needed."""
    paths = [f"/images/{i:06}.jpg" for i in numbers]
    frame = pl.DataFrame(
        {"file_name": [Path(p).name for p in paths], "file_path_abs": paths, "width": 4, "height": 3},
        schema=IMAGE_SCHEMA,
    )
    return ImageScan(frame, [], {} if tag is None else {tag: paths}, [])


def state_of(dataset: ImageDataset) -> State:
    """What the dataset holds now, every table read."""
    frame = dataset.to_polars()
    path = dict(zip(frame["sample_id"], frame["file_path_abs"], strict=True)) if frame.height else {}
    tags = {name: [path[i] for i in dataset.tags[name].sample_ids] for name in dataset.tags}
    scores = {}
    if "metadata.score" in frame.columns:
        known = frame.drop_nulls("metadata.score")
        scores = dict(zip(known["file_path_abs"], known["metadata.score"], strict=True))
    found = dataset.query().annotations()
    classes = {path[i]: c for i, c in zip(found["sample_id"], found["class_name"], strict=True)}
    for model in dataset.embeddings.list():
        vectors, ids = dataset.embeddings.get(model)
        assert len(vectors) == len(ids)
    return State(list(path.values()), tags, scores, classes)


def step(number: int, state: State, dataset: ImageDataset | None) -> None:
    """The change with that number, done to the model and, unless None, to the dataset."""
    rng = random.Random(number)
    kind = "add" if number % 6 == 0 or not state.paths else rng.choice(["tag", "rename", "score", "sampling", "class"])
    chosen = rng.sample(state.paths, min(len(state.paths), 1 + rng.randrange(20)))
    ids = _ids(dataset, chosen) if dataset is not None else []
    if kind == "add":
        scan = scan_of(range(len(state.paths), len(state.paths) + 5), tag=f"batch {number}")
        if dataset is not None:
            add_scan(core_of(dataset), scan)
        state.paths += scan.frame["file_path_abs"].to_list()
        state.tags |= scan.tags
    elif kind == "tag":
        if dataset is not None:
            dataset.select(ids).add_tag("common")
        state.tags["common"] = list(dict.fromkeys([*state.tags.get("common", []), *chosen]))
    elif kind == "rename" and state.tags:
        old = rng.choice(list(state.tags))
        if dataset is not None:
            dataset.tags.rename(old, f"renamed {number}")
        state.tags = {f"renamed {number}" if name == old else name: paths for name, paths in state.tags.items()}
    elif kind == "sampling":
        if dataset is not None:
            scores = pl.DataFrame({"sample_id": ids, "score": [float(number)] * len(ids)})
            write_picks(dataset, f"picks {number}", pl.Series(ids), scores)
        state.tags[f"picks {number}"] = chosen
        state.scores |= dict.fromkeys(chosen, float(number))
    elif kind == "class":
        if dataset is not None:
            dataset.labels.add_classifications(dict.fromkeys(ids, f"class {number % 3}"))
        state.classes |= dict.fromkeys(chosen, f"class {number % 3}")
    else:
        if dataset is not None:
            dataset.metadata.update({i: {"score": number / 2} for i in ids})
        state.scores |= dict.fromkeys(chosen, number / 2)
    if number % 40 == 39 and dataset is not None:
        dataset.optimize()


def write_picks(dataset: Any, name: str, ids: pl.Series, values: pl.DataFrame) -> None:
    """A tag and metadata of its samples, in one write: the one must never be seen without the other."""
    with core_of(dataset).change("write_picks", {"tag": name}) as (work, now):
        work.write("tags", tag_rows(name, now.known_rows(ids).astype(np.uint32)), op="set", tag=name)
        write_columns(work, now, columns_from_frame(values), now.known_rows)


def _ids(dataset: ImageDataset, paths: list[str]) -> list[str]:
    frame = core_of(dataset).snapshot().samples.select("file_path_abs", "sample_id")
    by_path = dict(frame.iter_rows())
    return [by_path[p] for p in paths]


def model_after(count: int) -> State:
    """What must be there after the first `count` changes."""
    state = State()
    for number in range(count):
        step(number, state, None)
    return state


def write_until_killed(home: str, first: int, acknowledged: Any) -> None:
    """Do change `first`, `first` + 1 …; the number of those that have returned is in `acknowledged`."""
    warnings.simplefilter("ignore")
    dataset = ImageDataset.load_or_create("killed", home)
    state = model_after(first)
    number = first
    acknowledged.value = first
    while True:
        step(number, state, dataset)
        number += 1
        acknowledged.value = number


def kill_rounds(home: Path, rounds: int, seed: int = 0, longest_s: float = 0.4) -> int:
    """Kill a writer at random moments; after each, the dataset must hold what was acknowledged, and no half change.

    Each writer gets to acknowledge 0 to 3 changes, however slow the machine is, and then up to `longest_s` more.
    Returns how many changes the dataset holds at the end.
    """
    rng = random.Random(seed)
    done = 0
    for _ in range(rounds):
        acknowledged = context.Value("q", -1, lock=False)
        process = context.Process(target=write_until_killed, args=(str(home), done, acknowledged))
        process.start()
        awaited = done + rng.randrange(4)
        deadline = time.monotonic() + 60
        while acknowledged.value < awaited and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, longest_s))
        assert process.is_alive(), f"the writer ended by itself with {process.exitcode}"
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        promised = acknowledged.value
        assert promised >= awaited, f"only {promised - done} changes in a minute"
        found = state_of(ImageDataset.load_or_create("killed", home))
        possible = [n for n in (promised, promised + 1) if model_after(n) == found]
        assert possible, f"after {promised} acknowledged changes the dataset holds something else"
        done = possible[-1]
    return done


# -- damage ----------------------------------------------------------------------------------------------------------


def damage(folder: Path, seed: int) -> str:
    """Flip bits in, cut short, blank, double or delete one file of a dataset; returns what was done."""
    rng = random.Random(seed)
    kinds: dict[str, list[Path]] = {}
    for file in sorted(f for f in folder.rglob("*") if f.is_file() and f.name != ".lock"):
        kinds.setdefault(file.suffix, []).append(file)
    # Data and manifests as often as the many files that nobody reads again.
    file = rng.choice(kinds[rng.choice(sorted(kinds))])
    content = bytearray(file.read_bytes())
    kind = rng.choice(["flip", "flip", "flip", "cut", "blank", "double", "delete"])
    if kind == "delete":
        file.unlink()
        return f"deleted {file.relative_to(folder)}"
    if kind == "flip" and content:
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del content[rng.randrange(len(content) + 1) :]
    elif kind == "blank" and content:
        start = rng.randrange(len(content))
        content[start : start + 64] = bytes(len(content[start : start + 64]))
    elif kind == "double":
        content = content * 2
    file.write_bytes(content)
    return f"{kind} {file.relative_to(folder)}"


def try_mutants(home: str, seeds: range, outcomes: Any) -> None:
    """Damage a fresh copy for each seed and read all of it; sends (seed, what, outcome)."""
    import resource

    # A damaged length must not ask for all the memory of the machine.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Rust prints its panics
    expected = state_of(ImageDataset.load("whole", home))
    for seed in seeds:
        copy = Path(home) / f"copy{seed}"
        shutil.copytree(Path(home) / "whole", copy)
        what = damage(copy, seed)
        outcomes.send((seed, what, "started"))
        try:
            same = state_of(ImageDataset.load(copy.name, home)) == expected
            outcome = "same" if same else "DIFFERENT"
        except LightlyWidgetError as error:
            outcome = type(error).__name__
        except BaseException as error:  # noqa: BLE001 - that nothing else comes out is what is tested
            outcome = f"UNTYPED {type(error).__name__}: {str(error)[:200]}"
        outcomes.send((seed, what, outcome))
        shutil.rmtree(copy)
    outcomes.send(None)


def make_whole(home: Path, steps: int = 60) -> None:
    """A dataset with something in every table, in several writes, some of them merged."""
    dataset = ImageDataset.create("whole", home)
    state = State()
    for number in range(steps):
        step(number, state, dataset)
    n = len(dataset)
    dataset.add_embeddings("model", np.random.default_rng(0).random((n, 16)))
    assert state_of(dataset) == state


def mutant_outcomes(home: Path, seeds: range, limit_s: float = 60) -> dict[int, tuple[str, str]]:
    """The outcome of each mutant; a worker that dies or hangs is replaced and its mutant noted."""
    results: dict[int, tuple[str, str]] = {}
    left = seeds
    while len(left):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=try_mutants, args=(str(home), left, there))
        process.start()
        there.close()
        try:
            while here.poll(limit_s) and (message := here.recv()) is not None:
                results[message[0]] = message[1:]
        except EOFError:
            pass
        process.kill()
        process.join()
        started = [s for s, (_, outcome) in results.items() if outcome == "started"]
        for seed in started:
            results[seed] = (results[seed][0], f"CRASHED (exit {process.exitcode})")
        last = max(results, default=left.start - 1)
        left = range(last + 1, left.stop)
        assert results, "the worker did not start"
    return results


# -- two kernels -----------------------------------------------------------------------------------------------------


def _mixed_writes(home: str, who: str, rounds: int) -> int:
    dataset = ImageDataset.load("shared", home)
    ids = dataset.query().sample_ids.to_list()[: 2 * rounds]
    mine = ids[:rounds] if who == "left" else ids[rounds:]
    for number in range(rounds):
        chosen = dataset.select([mine[number]]).sampling().preview(1, [RandomStrategy()])
        chosen.save_as("grown by both", grow=True)
        dataset.select([ids[number % len(ids)]]).add_tag(f"{who} {number}")
        picks = pl.Series(ids[: 1 + number % 5])
        values = pl.DataFrame({"sample_id": picks, f"{who} score": [float(number)] * len(picks)})
        write_picks(dataset, f"{who} picks", picks, values)
        more = range(2 * rounds, 2 * rounds + 1 + number)
        add_scan(core_of(dataset), scan_of(more))  # both add the same images
        dataset.metadata.update({ids[0]: {"last writer": who, f"{who} count": number}})
    return rounds


def two_kernels(home: Path, rounds: int) -> int:
    """Two processes write to one dataset while a third reads: no update lost, no read torn. Returns the reads."""
    dataset = ImageDataset.create("shared", home)
    add_scan(core_of(dataset), scan_of(range(2 * rounds)))
    first = dataset.query().sample_ids.to_list()
    writers = [context.Process(target=_mixed_writes, args=(str(home), who, rounds)) for who in ("left", "right")]
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
    for found in (dataset, ImageDataset.load("shared", home)):
        assert set(found.tags) == {f"{w} {n}" for w in ("left", "right") for n in range(rounds)} | {
            "left picks",
            "right picks",
            "grown by both",
        }
        assert set(found.tags["grown by both"].sample_ids) == set(first)
        paths = found.to_polars()["file_path_abs"]
        assert sorted(paths) == sorted(scan_of(range(3 * rounds)).frame["file_path_abs"])
        assert found.query().sample_ids.to_list()[: 2 * rounds] == first
        assert found.get_sample(first[0]).metadata["left count"] == rounds - 1
        assert found.get_sample(first[0]).metadata["right count"] == rounds - 1
    return looks
