"""Processes that read, change and write one dataset at the same time; nothing acknowledged may be missing.

Shared by the tests (4 processes, 3 rounds) and `benchmarks/durability.py` (25 rounds).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lightly_widget import ImageDataset
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.strategies import RandomStrategy
from tests.durability import context, scan_of

Acknowledged = dict[str, Any]


def _change(home: str, who: int, writers: int, rounds: int, answers: Any) -> None:
    """All read-modify-writes, on what the others change too; sends what was acknowledged."""
    dataset = ImageDataset.load("shared", home)
    ids = dataset.query().sample_ids.to_list()
    own = ids[who::writers]
    kept: Acknowledged = {"who": who, "grown": set(), "saved": set(), "own": own[:rounds]}
    for number in range(rounds):
        sample = own[number]
        sampling = dataset.query().sampling()
        kept["grown"] |= set(sampling.random(1, "grown", who + number, preselected_tag_name="grown").sample_ids)
        result = sampling.preview(2, [RandomStrategy(who + writers * number)])
        kept["saved"] |= set(result.save_as("saved", grow=True).sample_ids)
        dataset.select([sample]).add_tag("shared")
        dataset.select([sample]).remove_tag("emptied")
        dataset.select([sample]).add_tag(f"{who} old {number}")
        dataset.tags.rename(f"{who} old {number}", f"{who} new {number}")
        name = f"{who} new {number}"
        dataset.tags.union([name, "all"], f"{who} union {number}")
        dataset.tags.intersection([name, "shared"], f"{who} intersection {number}")
        dataset.tags.difference(["all", name], f"{who} difference {number}")
        dataset.select([sample]).add_tag(f"{who} part {number}")
        dataset.tags.merge([f"{who} part {number}", "merged"], "merged")
        dataset.select([sample]).add_tag(f"{who} gone {number}")
        dataset.tags.delete(f"{who} gone {number}")
        dataset.metadata.update({sample: {"count": number, f"count {who}": number}})
        dataset.labels.add_classifications({sample: f"class {who}"})
        dataset.add_embeddings("model", np.full((1, 4), who + 1.0), [sample], replace=True)
    answers.put(kept)


def four_writers(home: Path, rounds: int, writers: int = 4) -> int:
    """Change one dataset from several processes, then look for all that was acknowledged. Returns how many changes."""
    dataset = ImageDataset.create("shared", home)
    add_scan(core_of(dataset), scan_of(range(writers * rounds * 2)))
    dataset.add_embeddings("model", np.zeros((len(dataset), 4)))
    for tag in ("all", "emptied"):
        dataset.query().add_tag(tag)
    for tag in ("grown", "merged"):
        dataset[:1].add_tag(tag)
    with context.Manager() as manager:
        answers = manager.Queue()
        workers = [
            context.Process(target=_change, args=(str(home), who, writers, rounds, answers)) for who in range(writers)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        found = [answers.get() for _ in workers]
    for seen in (dataset, ImageDataset.load("shared", home)):
        _check(seen, found)
    return len(core_of(dataset).store.commits)


def _check(dataset: ImageDataset, found: list[Acknowledged]) -> None:
    tags = {name: set(dataset.tags[name].sample_ids) for name in dataset.tags}
    everything = set(dataset.query().sample_ids)
    changed = {sample for kept in found for sample in kept["own"]}
    assert tags["shared"] == tags["merged"] == changed
    assert tags["emptied"] == everything - changed
    for name in ("grown", "saved"):
        assert set().union(*(kept[name] for kept in found)) <= tags[name]
    assert not any(word in name for name in tags for word in (" old ", " part ", " gone "))
    vectors = dict(zip(dataset.embeddings.get("model")[1], dataset.embeddings.get("model")[0][:, 0], strict=True))
    labels = dict(dataset.query().annotations().select("sample_id", "class_name").iter_rows())
    for kept in found:
        who = kept["who"]
        for number, sample in enumerate(kept["own"]):
            assert tags[f"{who} new {number}"] == tags[f"{who} intersection {number}"] == {sample}
            assert tags[f"{who} union {number}"] == everything
            assert tags[f"{who} difference {number}"] == everything - {sample}
            metadata = dataset.get_sample(sample).metadata
            assert (metadata["count"], metadata[f"count {who}"]) == (number, number)
            assert labels[sample] == f"class {who}"
            assert vectors[sample] == who + 1
