"""Every sampling strategy beside the peer a user would pick, in one run; writes the table into benchmarks/README.md.

    python -m benchmarks.sampling [--rows diverse-real balancing …] [--repeats 3] [--no-write]

Ours and the peer's turns alternate; times are medians. A peer's time includes handing it the data, ours reads them
where they lie. 'Silence' is the longest time between two signs of life of a sampling, 'memory' the peak above the
embeddings (or counts, weights) as a share of their size.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generators import CACHE, class_counts, fashion_embeddings, fashion_labels, heavy_noise
from benchmarks.neighbors import peak_above, realistic
from lightly_widget import solver
from lightly_widget.neighbors import NeighborGraph, build_graph, similarity_weights, typicality
from lightly_widget.solver import Balancing, Diversity, FacilityLocation, KernelCoverage, Term, Weighting
from lightly_widget.solver.kernel import target_rows

README = Path(__file__).parent / "README.md"
START, END = "<!-- sampling: begin -->", "<!-- sampling: end -->"


@dataclass
class Row:
    """One line of the table."""

    work: str
    ours: Callable[[], Any]
    peer: Callable[[], Any] | None
    peer_name: str
    reach: float
    aim: float
    size: int = 0
    check: Callable[[Any, Any], str] = field(default=lambda ours, peer: "")
    recorded: float | None = None
    peer_time: Callable[[], float] | None = None
    """The time of the peer's last turn, where it is not that of the call."""


class Watched:
    """Solves, and remembers the longest silence."""

    longest = 0.0

    def __call__(self, terms: Sequence[Term], n: int, k: int) -> list[int]:
        rows: list[int] = []
        last = time.perf_counter()
        for block in solver.iterate(terms, n_rows=n, n_picks=k):
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now
            rows += block.rows.tolist()
        return rows


watched = Watched()


def mundig(n: int, k: int, **terms: Any) -> list[int]:
    import lightly_mundig

    selection = lightly_mundig.Selection()
    if "embeddings" in terms:
        selection.add_diversifying_strategy(terms["embeddings"], 1.0)
    if "weights" in terms:
        selection.add_weighting_strategy(terms["weights"], 1.0)
    if "counts" in terms:
        selection.add_balancing_strategy(terms["counts"], terms["target"], 1.0)
    return list(selection.run_selection([], n, k))


def judged(score: Callable[[list[int], int], float]) -> Callable[[list[int], list[int]], str]:
    """Where the picks part, `score(earlier picks, row)` in float64 says whose is better."""

    def check(ours: list[int], peer: list[int]) -> str:
        differ = [i for i, (a, b) in enumerate(zip(ours, peer, strict=True)) if a != b]
        if not differ:
            return "same picks"
        at = differ[0]
        mine, theirs = score(ours[:at], ours[at]), score(ours[:at], peer[at])
        verdict = "a tie" if abs(mine - theirs) <= 1e-13 * abs(mine) else "ours" if mine > theirs else "THE PEER'S"
        return f"picks part at {at + 1} of {len(ours)}; better in float64: {verdict} ({mine:.10g}, {theirs:.10g})"

    return check


def nearest_square(x: np.ndarray, picks: list[int], row: int) -> float:
    return float(((x[picks].astype(np.float64) - x[row]) ** 2).sum(axis=1).min(initial=np.inf))


def entropy(counts: np.ndarray, target: np.ndarray, picks: list[int]) -> float:
    sums = counts[picks].sum(axis=0, dtype=np.float64)
    return float(-(np.log(np.maximum(sums / sums.sum(), 1e-7)) * target).sum())


def log_spread(x: np.ndarray, picks: list[int], row: int) -> float:
    spread = sum(nearest_square(x, [p for p in picks if p != q], q) for q in picks) if len(picks) > 1 else 0.0
    return float(np.log(spread + nearest_square(x, picks, row)))


def diverse_real() -> Row:
    x = fashion_embeddings()
    return Row(
        "diverse, 60,000 × 1280 Fashion-MNIST, n = 1,000",
        lambda: watched([Diversity(x)], len(x), 1000),
        lambda: mundig(len(x), 1000, embeddings=x),
        "lightly-mundig",
        20,
        40,
        x.nbytes,
        judged(lambda picks, row: nearest_square(x, picks, row)),
    )


def diverse_noise() -> Row:
    x = heavy_noise(100_000, 512)
    return Row(
        "diverse, 100,000 × 512 heavy noise, n = 1,000",
        lambda: watched([Diversity(x)], len(x), 1000),
        lambda: mundig(len(x), 1000, embeddings=x),
        "lightly-mundig",
        3,
        8,
        x.nbytes,
        judged(lambda picks, row: nearest_square(x, picks, row)),
    )


def fashion_graph() -> NeighborGraph:
    path = CACHE / "fashion_graph.npz"
    if not path.exists():
        graph = build_graph(fashion_embeddings(), 20)
        np.savez(path, indices=graph.indices, distances=graph.distances, recall=graph.recall)
    kept = np.load(path)
    return NeighborGraph(kept["indices"], kept["distances"], exact=False, recall=float(kept["recall"]))


def combined() -> Row:
    x, weights = fashion_embeddings(), typicality(fashion_graph())
    counts, target = np.eye(10, dtype=np.float32)[fashion_labels()], np.full(10, 0.1)
    terms = [Diversity(x), Weighting(weights), Balancing(counts, target)]
    return Row(
        "diverse + typicality + balancing, 60,000 × 1280, n = 1,000",
        lambda: watched(terms, len(x), 1000),
        lambda: mundig(len(x), 1000, embeddings=x, weights=weights, counts=counts, target=target),
        "lightly-mundig",
        5,
        20,
        x.nbytes,
        judged(
            lambda picks, row: (
                log_spread(x, picks, row)
                + float(np.log(weights[[*picks, row]].sum()))
                - float(np.log(entropy(counts, target, [*picks, row])))
            )
        ),
    )


def typical() -> Row:
    import lightly_mundig

    x = heavy_noise(20_000, 512)
    return Row(
        "typicality, 20,000 × 512, k = 20, exact",
        lambda: typicality(build_graph(x, 20, method="exact")),
        lambda: lightly_mundig.Typicality(x).calculate_typicality(20),
        "lightly-mundig",
        7,
        15,
        x.nbytes,
        lambda ours, peer: f"values within {np.abs(ours - np.array(peer)).max():.0e}",
    )


def similar() -> Row:
    import lightly_mundig

    x = heavy_noise(100_000, 512)
    rows = np.random.default_rng(1).choice(len(x), 1000, replace=False)
    return Row(
        "similarity of 100,000 × 512 to a query of 1,000",
        lambda: similarity_weights(x, rows),
        lambda: lightly_mundig.Similarity(x).calculate_similarity(x[rows]),
        "lightly-mundig",
        5,
        8,
        x.nbytes,
        lambda ours, peer: f"values within {np.abs(ours - np.array(peer)).max():.0e}",
    )


def balancing() -> Row:
    counts, target = class_counts(100_000, 80), np.full(80, 1 / 80)
    return Row(
        "balancing, 100,000 × 80 classes, n = 1,000",
        lambda: watched([Balancing(counts, target)], len(counts), 1000),
        lambda: mundig(len(counts), 1000, counts=counts, target=target),
        "lightly-mundig",
        10,
        40,
        counts.nbytes,
        judged(lambda picks, row: -entropy(counts, target, [*picks, row])),
    )


def weighting() -> Row:
    # Whole float32 numbers: the peer keeps no more digits, and its ties would be others.
    weights = np.random.default_rng(0).random(1_000_000, dtype=np.float32).astype(np.float64)
    return Row(
        "metadata weighting, 1,000,000, n = 1,000",
        lambda: watched([Weighting(weights)], len(weights), 1000),
        lambda: mundig(len(weights), 1000, weights=weights),
        "lightly-mundig",
        10,
        30,
        check=judged(lambda picks, row: float(weights[row])),
    )


def representative() -> Row:
    from scipy.sparse import csr_array

    graph = fashion_graph()
    n, k = graph.indices.shape
    similarity = np.exp(-graph.distances / graph.distances.mean(dtype=np.float64)).astype(np.float32)
    source = np.repeat(np.arange(n, dtype=np.int32), k)
    entries = np.concatenate([similarity.ravel(), np.ones(n, np.float32)]).astype(np.float64)
    to = np.concatenate([graph.indices.ravel(), np.arange(n, dtype=np.int32)])
    of = np.concatenate([source, np.arange(n, dtype=np.int32)])
    matrix = csr_array((entries, (to, of)), shape=(n, n))  # row l: whom picking l covers
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)

    def apricot(k: int = 1000) -> list[int]:
        from apricot import FacilityLocationSelection
        from scipy.sparse import csr_matrix

        chosen = FacilityLocationSelection(k, metric="precomputed", optimizer="lazy").fit(csr_matrix(matrix))
        return [int(i) for i in chosen.ranking]

    def covered(rows: list[int]) -> float:
        return float(matrix[rows].max(axis=0).sum())

    apricot(5)  # its compiling is not counted
    return Row(
        "representative, scope local, 60,000, k = 20 graph, n = 1,000",
        lambda: watched([FacilityLocation(graph.indices, similarity)], n, 1000),
        apricot,
        "apricot-select",
        3,
        10,
        n * 1280 * 4,
        lambda ours, peer: f"Σ similarity {covered(ours):.2f} against {covered(peer):.2f}",
    )


def coverage_row(n: int, d: int, k: int, plain_picks: int) -> Row:
    """Beside the plain numpy greedy over the same targets, whose picks all take the same time: a few are timed."""
    x = realistic(n, d, "fashion")
    targets = target_rows(n)
    extrapolated = [0.0]

    def plain() -> list[int]:
        start = time.perf_counter()
        z = x - x.mean(axis=0)
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        likeness = np.empty((n, len(targets)), dtype=np.float32)
        for at in range(0, n, 4096):
            np.matmul(z[at : at + 4096], z[targets].T, out=likeness[at : at + 4096])
            likeness[at : at + 4096] -= 1
            likeness[at : at + 4096] *= 2 / 0.7**2
            np.exp(likeness[at : at + 4096], out=likeness[at : at + 4096])
        ready = time.perf_counter()
        best, picked = np.zeros(len(targets), dtype=np.float32), []
        for _ in range(plain_picks):
            more = [np.maximum(likeness[at : at + 4096] - best, 0).sum(axis=1) for at in range(0, n, 4096)]
            picked.append(int(np.concatenate(more).argmax()))
            best = np.maximum(best, likeness[picked[-1]])
        extrapolated[0] = ready - start + (time.perf_counter() - ready) / plain_picks * k
        return picked

    return Row(
        f"representative, {n:,} × {d} like Fashion-MNIST, n = {k:,}",
        lambda: watched([KernelCoverage(x)], n, k),
        plain,
        f"plain numpy, {plain_picks} picks timed",
        20,
        20,
        x.nbytes,
        lambda ours, peer: (
            f"the first {plain_picks} picks are {'the same' if ours[:plain_picks] == peer else 'OTHERS'}"
        ),
        peer_time=lambda: extrapolated[0],
    )


def first_pick() -> Row:
    x = heavy_noise(100_000, 512)

    def first() -> int:
        return next(int(b.rows[0]) for b in solver.iterate([Diversity(x)], n_rows=len(x), n_picks=1000) if len(b.rows))

    return Row("first pick after the call, 100,000 × 512", first, None, "seconds", 0.3, 0.1)


def calls() -> list[Row]:
    """The user's whole calls, beside LightlyStudio 1.2.0 as it was measured once on two quiet cores."""
    import polars as pl

    from lightly_widget import Dataset, SampleField

    folder = CACHE / "datasets"
    n = 10_000
    rng = np.random.default_rng(0)
    dataset = Dataset.load_or_create("calls", folder)
    if len(dataset) == 0:
        frame = pl.DataFrame({"text": [f"text {i}" for i in range(n)], "score": rng.random(n)})
        shutil.rmtree(folder, ignore_errors=True)
        dataset = Dataset.from_polars(frame, heavy_noise(n, 512), name="calls", path=folder)
    tags = iter(range(1_000_000))

    def tag() -> str:
        return f"bench {time.time_ns()} {next(tags)}"

    return [
        Row(
            "whole call: diverse(100) of 10,000 × 512",
            lambda: dataset.query().sampling().diverse(100, tag()),
            None,
            "LightlyStudio 1.2.0, recorded",
            20,
            50,
            recorded=2.4,
        ),
        Row(
            "whole call: metadata_weighting(100) of 10,000",
            lambda: dataset.query().sampling().metadata_weighting(100, tag(), metadata_key="score"),
            None,
            "LightlyStudio 1.2.0, recorded",
            20,
            50,
            recorded=1.2,
        ),
        Row(
            "whole call: match().diverse(10) of 10,000 × 512",
            lambda: dataset.match(SampleField.metadata["score"] >= 0).sampling().diverse(10, tag()),
            None,
            "LightlyStudio 1.2.0, recorded",
            20,
            50,
            recorded=2.1,
        ),
    ]


ROWS: dict[str, Callable[[], Row | list[Row]]] = {
    "diverse-real": diverse_real,
    "diverse-noise": diverse_noise,
    "combined": combined,
    "typicality": typical,
    "similarity": similar,
    "balancing": balancing,
    "weighting": weighting,
    "representative": lambda: coverage_row(60_000, 1280, 1000, 10),
    "representative-small": lambda: coverage_row(20_000, 256, 1000, 20),
    "representative-local": representative,
    "first-pick": first_pick,
    "calls": calls,
}


def measure(row: Row, repeats: int) -> str:
    """One line of the table."""
    ours: list[float] = []
    peer: list[float] = []
    mine = theirs = None
    watched.longest = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        mine = row.ours()
        ours.append(time.perf_counter() - start)
        if row.peer is not None:
            start = time.perf_counter()
            theirs = row.peer()
            peer.append(row.peer_time() if row.peer_time else time.perf_counter() - start)
    silence = f"{watched.longest:.2f} s" if watched.longest else ""
    memory = f"{peak_above(row.ours) / row.size:.2f}×" if row.size else ""
    took = statistics.median(ours)
    note = row.check(mine, theirs) if row.peer is not None else ""
    if row.peer is None and row.recorded is None:
        met = "aim" if took <= row.aim else "reach" if took <= row.reach else "MISSED"
        return f"| {row.work} | {took:.3f} s | – | – | {row.reach} s / {row.aim} s | {met} | {memory} | {silence} | |"
    against = row.recorded if row.recorded is not None else statistics.median(peer)
    ratio = against / took
    met = "aim" if ratio >= row.aim else "reach" if ratio >= row.reach else "MISSED"
    return (
        f"| {row.work} | {took:.3f} s | {against:.2f} s ({row.peer_name}) | {ratio:.1f}× "
        f"| {row.reach:g}× / {row.aim:g}× | {met} | {memory} | {silence} | {note} |"
    )


def machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the start, "
        f"Python {platform.python_version()}, numpy {np.__version__}, {time.strftime('%Y-%m-%d')}"
    )


def write(lines: list[str]) -> None:
    """Put the table between its marks in the README, which keeps whatever else it says."""
    text = README.read_text() if README.exists() else f"# Benchmarks\n\n## Sampling\n\n{START}\n{END}\n"
    before, rest = text.split(START)
    README.write_text(f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{rest.split(END)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args()
    lines = [
        f"`python -m benchmarks.sampling` on {machine()}; medians of {options.repeats}.",
        "",
        "| work | ours | peer | ratio | reach / aim | met | memory | silence | agreement |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in options.rows:
        made = ROWS[name]()
        for row in made if isinstance(made, list) else [made]:
            lines.append(measure(row, options.repeats))
            print(lines[-1], flush=True)
    if not options.no_write:
        write(lines)


if __name__ == "__main__":
    main()
