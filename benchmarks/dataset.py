"""A dataset of 1,000,000 samples beside plain polars on the same frame: filters, tags, loading, many small writes.

    python benchmarks/dataset.py [--samples 1000000] [--writes 10000] [--kills 300] [--mutants 1000]

Plain polars keeps nothing on disk; it is the speed that a filter could have. Times are the median of repeated calls in
seconds, on whatever else the machine is doing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lightly_widget import Dataset, ImageDataset, ImageSampleField
from lightly_widget.dataset import core_of
from lightly_widget.dataset.images import add_scan
from lightly_widget.ingest import IMAGE_SCHEMA, ImageScan


def timed(work: Callable[[], Any], repeats: int = 7) -> float:
    """The median time of a call, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def report(what: str, ours: float, limit: float | None = None, plain: float | None = None) -> None:
    """One line of the table."""
    beside = f"   polars {plain * 1e3:8.1f} ms   ×{ours / plain:.2f}" if plain else ""
    goal = "" if limit is None else f"   (goal {limit * 1e3:.0f} ms: {'met' if ours <= limit else 'MISSED'})"
    print(f"{what:<58} {ours * 1e3:9.1f} ms{beside}{goal}", flush=True)


def make(folder: Path, n: int) -> ImageDataset:
    """Rows as a scan of a folder would give them; no files are made."""
    rng = np.random.default_rng(0)
    names = pl.select(pl.format("image_{}.jpg", pl.int_range(n))).to_series()
    scan = ImageScan(
        pl.DataFrame(
            {
                "file_name": names,
                "file_path_abs": "/data/train/" + names,
                "width": rng.integers(64, 4096, n),
                "height": rng.integers(64, 4096, n),
            },
            schema=IMAGE_SCHEMA,
        ),
        [],
        {},
        [],
    )
    dataset = ImageDataset.create("million", folder)
    start = time.perf_counter()
    add_scan(core_of(dataset), scan)
    report(f"add {n:,} samples", time.perf_counter() - start)
    ids = dataset.query().sample_ids
    frame = pl.DataFrame({"sample_id": ids, "score": rng.random(n), "city": rng.choice(["Rom", "Bern", "Oslo"], n)})
    start = time.perf_counter()
    dataset.metadata.update(frame)
    report("set 2 metadata values of each", time.perf_counter() - start)
    return dataset


def queries(dataset: ImageDataset, n: int) -> None:
    """Filters of three conditions, tags, loading."""
    field = ImageSampleField
    frame = dataset.to_polars()

    def plain() -> pl.DataFrame:
        wanted = (pl.col("width") > 2000) & (pl.col("metadata.score") < 0.3) & (pl.col("metadata.city") == "Oslo")
        return frame.filter(wanted)

    condition = (field.width > 2000) & (field.metadata["score"] < 0.3) & (field.metadata["city"] == "Oslo")
    assert len(dataset.match(condition)) == plain().height
    report("match three conditions, count", timed(lambda: len(dataset.match(condition))), 0.05, timed(plain))
    report("match three conditions, the ids", timed(lambda: dataset.match(condition).sample_ids), None, timed(plain))
    report("match three conditions, to_polars", timed(lambda: dataset.match(condition).to_polars(), 3))
    report(
        "order_by width",
        timed(lambda: len(dataset.order_by(field.width)), 3),
        None,
        timed(lambda: frame.sort("width"), 3),
    )
    ids = dataset.query().sample_ids.gather(np.random.default_rng(1).permutation(n)[: min(n, 100_000)])
    counter = iter(range(1000))
    report(f"tag {len(ids):,} samples", timed(lambda: dataset.select(ids).add_tag(f"tag {next(counter)}"), 3), 1.0)
    report("match tags.contains", timed(lambda: len(dataset.match(field.tags.contains("tag 0")))))
    home = Path(dataset.uri).parent
    report("load, and the number of samples", timed(lambda: len(ImageDataset.load("million", home)), 3), 2.0)
    first = timed(lambda: len(ImageDataset.load("million", home).match(condition)), 3)
    report("load, and a first filter", first, 2.0)


def small_writes(folder: Path, count: int) -> None:
    """Many small writes leave a dataset that opens quickly."""
    names = [f"s{i}" for i in range(1000)]
    dataset = Dataset.from_polars(pl.DataFrame({"sample_id": names, "text": names}), name="small", path=folder)
    start = time.perf_counter()
    for i in range(count):
        if i % 3 == 0:
            dataset.select([names[i % 1000]]).add_tag(f"tag {i % 7}")
        else:
            dataset.metadata.update({names[i % 1000]: {"value": i, "word": f"{i}"}})
    took = time.perf_counter() - start
    size = sum(f.stat().st_size for f in (folder / "small").rglob("*") if f.is_file())
    files = sum(f.is_file() for f in (folder / "small").rglob("*"))
    report(f"one of {count:,} small writes", took / count)
    report(f"load after {count:,} small writes", timed(lambda: Dataset.load("small", folder).to_polars(), 3), 2.0)
    print(f"  {files} files, {size / 2**20:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--writes", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        dataset = make(Path(name), options.samples)
        queries(dataset, options.samples)
        small_writes(Path(name), options.writes)


if __name__ == "__main__":
    main()
