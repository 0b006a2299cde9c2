"""Neighbor searches beside lightly-mundig and pynndescent, in one run.

    python -m benchmarks.neighbors [--rows typicality similarity million pynndescent libraries] [--repeats 3]
                                   [--n 1000000]

Each row prints both times (loading of the embeddings into the peer included, as ours reads them where they lie), the
largest difference of the values where both are exact, and the peak memory above the embeddings.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.generators import heavy_noise
from lightly_widget.neighbors import build_graph, nearest, similarity_weights, typicality

F32 = NDArray[np.float32]

# What the presets of real data sets look like; see `realistic`.
PRESETS: dict[str, dict[str, float]] = {
    "fashion": {
        "zipf": 0.48,
        "beta": 1.131,
        "k0": 1.403,
        "wbeta": 1.04,
        "between": 0.52,
        "gain": 1.018,
        "scale": 0.168,
        "point": 0.077,
        "cos": 0.354,
    },
    "cifar": {
        "zipf": 0.165,
        "beta": 0.605,
        "k0": 5.44,
        "wbeta": 0.936,
        "between": 0.171,
        "gain": 0.928,
        "scale": 0.056,
        "point": 0.085,
        "cos": 0.348,
    },
}


def realistic(n: int, d: int, preset: str = "cifar", seed: int = 0) -> F32:
    """(n, d) rows of unit length whose spectrum, clusters and neighbor distances are like those of real embeddings.

    Clusters of Zipf sizes about two levels of centers; within each a power-law spectrum with gains of its own; point
    and cluster scales; a rotation, a common offset, and 1 % near-duplicates.
    """
    p = PRESETS[preset]
    rng = np.random.default_rng(seed)
    clusters = max(int((1.07 if preset == "fashion" else 0.19) * np.sqrt(n)), 2)
    rank = np.arange(1, d + 1)
    between, within = (rank + p["k0"]) ** -p["beta"], (rank + p["k0"]) ** -p["wbeta"]
    spread = np.sqrt(between / between.sum() * p["between"] / 2)
    parents = rng.standard_normal((max(int(np.sqrt(clusters)), 1), d)) * spread
    centers = parents[rng.integers(len(parents), size=clusters)] + rng.standard_normal((clusters, d)) * spread
    gains = within * np.exp(p["gain"] * rng.standard_normal((clusters, d)))
    gains = np.sqrt(gains * (1 - p["between"]) / gains.sum(axis=1, keepdims=True)).astype(np.float32)
    gains *= np.exp(p["scale"] * rng.standard_normal((clusters, 1))).astype(np.float32)
    sizes = np.arange(1, clusters + 1.0) ** -p["zipf"]
    label = rng.choice(clusters, n, p=sizes / sizes.sum())
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0].astype(np.float32)
    offset = rng.standard_normal(d)
    offset *= np.sqrt(p["cos"] / (1 - p["cos"])) / np.linalg.norm(offset)
    out = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, 16384):
        own = label[start : start + 16384]
        x = rng.standard_normal((len(own), d), dtype=np.float32) * gains[own]
        x *= np.exp(p["point"] * rng.standard_normal((len(own), 1), dtype=np.float32))
        x = (x + centers[own].astype(np.float32)) @ turn + offset.astype(np.float32)
        out[start : start + 16384] = x / np.linalg.norm(x, axis=1, keepdims=True)
    copies = rng.choice(n, n // 100, replace=False)
    x = out[rng.choice(n, len(copies))] + 0.02 / np.sqrt(d) * rng.standard_normal((len(copies), d), dtype=np.float32)
    out[copies] = x / np.linalg.norm(x, axis=1, keepdims=True)
    return out


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The median time in seconds, and the last answer."""
    times, answer = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), answer


def peak_above(work: Callable[[], Any]) -> int:
    """Bytes by which the process's memory rose at most while working (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024

    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def report(what: str, ours: float, peer: float, peer_name: str, note: str) -> None:
    print(f"{what:<48} {ours:8.2f} s   {peer_name} {peer:8.2f} s   ×{peer / ours:.1f}   {note}", flush=True)


def bench_typicality(repeats: int) -> None:
    import lightly_mundig

    x = heavy_noise(20_000, 512)
    ours, values = timed(lambda: typicality(build_graph(x, 20, method="exact")), repeats)
    peer, expected = timed(lambda: lightly_mundig.Typicality(x).calculate_typicality(20), min(repeats, 1))
    memory = peak_above(lambda: build_graph(x, 20, method="exact")) / x.nbytes
    note = f"largest difference {np.abs(values - np.array(expected)).max():.1e}, memory {memory:.2f}× the embeddings"
    report("typicality 20,000 × 512, k = 20, exact", ours, peer, "lightly-mundig", note)


def bench_similarity(repeats: int) -> None:
    import lightly_mundig

    x = heavy_noise(100_000, 512)
    rows = np.random.default_rng(1).choice(len(x), 1000, replace=False)
    ours, values = timed(lambda: similarity_weights(x, rows), repeats)
    peer, expected = timed(lambda: lightly_mundig.Similarity(x).calculate_similarity(x[rows]), repeats)
    memory = peak_above(lambda: similarity_weights(x, rows)) / x.nbytes
    note = f"largest difference {np.abs(values - np.array(expected)).max():.1e}, memory {memory:.2f}× the embeddings"
    report("similarity 100,000 × 512 to 1,000", ours, peer, "lightly-mundig", note)


def true_recall(x: F32, distances: F32, k: int) -> float:
    """Share of the true neighbors found, on 500 rows searched exactly; equally near rows count as found."""
    rows = np.random.default_rng(99).choice(len(x), 500, replace=False)
    exact = nearest(x, x[rows], k + 1)[1]
    return float((distances[rows, :k] <= exact[:, k, None]).mean())


def bench_million(n: int) -> None:
    for preset in ("fashion", "cifar"):
        x = realistic(n, 384, preset)
        gaps, last = [0.0], [time.perf_counter()]

        def beat(fraction: float, gaps: list[float] = gaps, last: list[float] = last) -> None:
            now = time.perf_counter()
            gaps.append(now - last[0])
            last[0] = now

        graphs: list[Any] = []
        start = time.perf_counter()
        memory = peak_above(
            lambda x=x, beat=beat, graphs=graphs: graphs.append(  # type: ignore[misc]
                build_graph(x, 20, method="approximate", progress=beat)
            )
        )
        took = time.perf_counter() - start
        typicality(graphs[0])
        print(
            f"neighbors of {n:,} × 384 ({preset}), approximate: {took:.0f} s, recall stated {graphs[0].recall:.3f}, "
            f"measured {true_recall(x, graphs[0].distances, 20):.3f}, memory {memory / x.nbytes:.2f}× the embeddings, "
            f"longest silence {max(gaps):.2f} s",
            flush=True,
        )


def bench_pynndescent(n: int = 300_000) -> None:
    """Why the approximate search is our own; in one process, pynndescent's compiling included."""
    import pynndescent

    for preset in ("fashion", "cifar"):
        x = realistic(n, 384, preset)
        start = time.perf_counter()
        memory = peak_above(lambda x=x: build_graph(x, 20, method="approximate"))  # type: ignore[misc]
        ours = time.perf_counter() - start
        found: list[Any] = []
        start = time.perf_counter()
        theirs = peak_above(
            lambda x=x, found=found: found.append(pynndescent.NNDescent(x, n_neighbors=21, random_state=0))  # type: ignore[misc]
        )
        peer = time.perf_counter() - start
        recall = true_recall(x, found[0].neighbor_graph[1][:, 1:], 20)
        note = f"recall {recall:.3f}; memory {memory / x.nbytes:.2f}× against {theirs / x.nbytes:.2f}× the embeddings"
        report(f"neighbors of {n:,} × 384 ({preset})", ours, peer, "pynndescent", note)


class Heart:
    """Counts the seconds between beats: the longest gap is how long a cancel could have to wait."""

    def __init__(self) -> None:
        self.longest, self._last = 0.0, time.perf_counter()

    def beat(self, fraction: float = 0.0) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def blocks(n: int, size: int = 4096) -> list[slice]:
    return [slice(start, start + size) for start in range(0, n, size)]


def in_blocks(search: Callable[[F32], F32], x: F32, heart: Heart) -> F32:
    """The distances to all neighbors but the row itself, searched in blocks so that a cancel has a place."""
    parts = []
    for block in blocks(len(x)):
        parts.append(np.sqrt(np.maximum(search(x[block])[:, 1:], 0)))
        heart.beat()
    return np.concatenate(parts)


def tuned(search: Callable[[F32, int], F32], x: F32, k: int, recall: float, settings: list[int]) -> int:
    """The first setting with which 400 rows find that share of their neighbors, or the last one."""
    rows = np.random.default_rng(5).choice(len(x), 400, replace=False)
    exact = nearest(x, x[rows], k + 1)[1][:, k, None]
    for setting in settings:
        found = np.sqrt(np.maximum(search(x[rows], setting), 0))[:, 1:]
        if (found <= exact * (1 + 1e-5)).mean() >= recall:
            return setting
    return settings[-1]


def our_neighbors(x: F32, k: int, heart: Heart) -> tuple[F32, str]:
    return build_graph(x, k, method="approximate", progress=heart.beat).distances, ""


def faiss_neighbors(x: F32, k: int, heart: Heart, recall: float = 0.95) -> tuple[F32, str]:
    """An inverted file, probing as many lists as the recall takes; the distances (n, k), and that number."""
    import faiss

    d = x.shape[1]
    lists = int(4 * np.sqrt(len(x)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists)
    index.train(x[np.random.default_rng(0).choice(len(x), min(len(x), 40 * lists), replace=False)])
    heart.beat()
    for block in blocks(len(x)):
        index.add(x[block])
        heart.beat()

    def search(rows: F32, probes: int) -> F32:
        index.nprobe = probes
        return index.search(rows, k + 1)[0]  # type: ignore[no-any-return]

    probes = tuned(search, x, k, recall, [4, 8, 16, 32, 64, 128, 256, lists])
    return in_blocks(lambda rows: search(rows, probes), x, heart), f"{probes} of {lists} lists"


def usearch_neighbors(x: F32, k: int, heart: Heart, recall: float = 0.95) -> tuple[F32, str]:
    """A navigable graph, searched as widely as the recall takes; the distances (n, k), and that width."""
    from usearch.index import Index

    index = Index(ndim=x.shape[1], metric="l2sq", dtype="f32")
    for block in blocks(len(x)):
        index.add(np.arange(len(x))[block], x[block])
        heart.beat()

    def search(rows: F32, width: int) -> F32:
        index.expansion_search = width
        return index.search(rows, k + 1).distances  # type: ignore[no-any-return]

    width = tuned(search, x, k, recall, [32, 64, 128, 256, 512, 1024])
    return in_blocks(lambda rows: search(rows, width), x, heart), f"width {width}"


LIBRARIES: dict[str, Callable[[F32, int, Heart], tuple[F32, str]]] = {
    "ours": our_neighbors,
    "faiss-cpu": faiss_neighbors,
    "usearch": usearch_neighbors,
}


def bench_libraries(n: int) -> None:
    """Our cluster search beside faiss-cpu and usearch, each tuned to the recall that ours promises."""
    for preset in ("fashion", "cifar"):
        x = realistic(n, 384, preset)
        for name, library in LIBRARIES.items():
            found: list[tuple[F32, str]] = []
            heart, start, worked = Heart(), time.perf_counter(), time.process_time()
            memory = peak_above(
                lambda library=library, found=found, heart=heart, x=x: found.append(library(x, 20, heart))  # type: ignore[misc]
            )
            took, worked = time.perf_counter() - start, time.process_time() - worked
            distances, setting = found[0]
            print(
                f"neighbors of {n:,} × 384 ({preset}), {name} {setting}: {took:.0f} s ({worked:.0f} s of CPU), "
                f"recall {true_recall(x, distances * np.float32(1 - 1e-5), 20):.3f}, "
                f"memory {memory / x.nbytes:.2f}× the embeddings, longest wait for a cancel {heart.longest:.2f} s",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = ["typicality", "similarity", "million", "pynndescent", "libraries"]
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--n", type=int, default=1_000_000, help="rows of the approximate searches")
    options = parser.parse_args()
    if "typicality" in options.rows:
        bench_typicality(options.repeats)
    if "similarity" in options.rows:
        bench_similarity(options.repeats)
    if "million" in options.rows:
        bench_million(options.n)
    if "libraries" in options.rows:
        bench_libraries(options.n)
    if "pynndescent" in options.rows:
        bench_pynndescent(min(options.n, 300_000))


if __name__ == "__main__":
    main()
