"""Approximate neighbors of very many rows: only clusters of rows that are near each other are compared.

Not pynndescent, although umap-learn brings it: its calls can be neither cancelled nor watched, its memory not bounded
(1.35 times the embeddings at 200,000 × 384, against 0.29), it starts with compiling, and its recall is what it happens
to be (0.99 and 0.94 on two sets). Products over clusters have none of that, and the share of true neighbors that they
find can be chosen: the neighbors of a sample of rows, searched exactly, say which clusters have to be compared. On the
harder of the two sets they take longer (`python -m benchmarks.neighbors --rows pynndescent`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import Progress
from lightly_widget.neighbors.blocks import (
    TILE_COLUMNS,
    Candidates,
    FloatArray,
    IntArray,
    Space,
    part_of,
    search,
    settle,
    tiles,
)
from lightly_widget.threads import in_threads

_ROWS_A_CLUSTER: Final = 250
_MOST_CLUSTERS: Final = 4096
_LARGEST: Final = 4  # times the mean size; larger clusters are cut, so that no place in space costs n²
_SAMPLE: Final = 400  # rows whose true neighbors choose the clusters, and as many others that estimate the recall
_LEAST_RECALL: Final = 0.95
_AIMS: Final = (0.965, 0.985, 0.995)  # the next is tried when the recall comes out below the least
_PREFERENCES: Final = 16  # nearest clusters that each row asks for


@dataclass(frozen=True)
class Partition:
    """Rows ordered by cluster: those of cluster c are order[starts[c]:starts[c + 1]], ascending."""

    order: IntArray
    starts: IntArray
    demand: FloatArray  # (c, c): how much the rows of a cluster ask for another

    @property
    def sizes(self) -> IntArray:
        return np.diff(self.starts)

    def members(self, cluster: int) -> IntArray:
        return self.order[self.starts[cluster] : self.starts[cluster + 1]]

    def cluster_of(self, rows: IntArray) -> IntArray:
        place = np.empty(len(self.order), dtype=np.int32)
        place[self.order] = np.repeat(np.arange(len(self.sizes), dtype=np.int32), self.sizes)
        return place[rows].astype(np.int64)


def approximate_graph(
    array: NDArray[Any], k: int, *, seed: int, progress: Progress
) -> tuple[NDArray[np.int32], NDArray[np.float32], float]:
    """Indices (n, k), distances (n, k), and the recall estimated on rows that took no part in choosing the clusters."""
    n = len(array)
    rng = np.random.default_rng(seed)
    space = Space({"embeddings": array}, part_of(progress, 0.0, 0.01))
    half_norms = space.half_norms(array, part_of(progress, 0.01, 0.02))
    partition = make_partition(array, k, rng, part_of(progress, 0.02, 0.2))
    sample = np.sort(rng.choice(n, min(2 * _SAMPLE, n), replace=False))
    truth = search(array[sample], array, k, itself=sample, progress=part_of(progress, 0.2, 0.25))
    tuning = rng.permutation(len(sample)) < len(sample) // 2
    for aim in _AIMS:
        cut = _least_demand(partition, sample[tuning], truth[0][tuning], truth[1][tuning], aim)
        indices, distances = _compare(array, space, half_norms, partition, cut, k, part_of(progress, 0.25, 1))
        # By distance, so that of several equally near rows any will do.
        found = np.count_nonzero(distances[sample[~tuning]] <= truth[1][~tuning, -1:])
        recall = found / (k * int(np.count_nonzero(~tuning)))
        if recall >= _LEAST_RECALL:
            break
    return indices, distances, recall


def make_partition(array: NDArray[Any], k: int, rng: np.random.Generator, progress: Progress) -> Partition:
    """Cut the rows into clusters by k-means on a sample, and count which clusters each cluster's rows are near to."""
    n = len(array)
    count = int(np.clip(n // max(_ROWS_A_CLUSTER, 4 * k), 1, _MOST_CLUSTERS))
    centers = _k_means(array, count, rng, part_of(progress, 0.0, 0.4))
    wanted = min(_PREFERENCES, count)
    nearest = search(array, centers, wanted, progress=part_of(progress, 0.4, 0.9))[0]
    order = np.argsort(nearest[:, 0], kind="stable")
    sizes = np.bincount(nearest[:, 0], minlength=count)
    demand = np.zeros((count, count), dtype=np.float32)
    for rank in range(wanted):
        np.add.at(demand.reshape(-1), nearest[:, 0].astype(np.int64) * count + nearest[:, rank], np.float32(1))
        progress(0.9 + 0.1 * rank / wanted)
    demand /= np.maximum(sizes, 1)[:, None]
    # Clusters that none of a sample of rows asks for still differ: the nearer are the likelier.
    demand -= np.float32(1e-3) * _distances(centers)
    progress(1.0)
    return _cut_the_largest(order, sizes, demand)


def _cut_the_largest(order: IntArray, sizes: IntArray, demand: FloatArray) -> Partition:
    most = _LARGEST * -(-len(order) // len(sizes))
    pieces = np.maximum(-(-sizes // most), 1)
    starts = np.cumsum(sizes) - sizes
    ends = [start + np.arange(1, p + 1) * size // p for start, size, p in zip(starts, sizes, pieces, strict=True)]
    parent = np.repeat(np.arange(len(sizes)), pieces)
    return Partition(order, np.concatenate([[0], *ends]), demand[parent][:, parent])


def _k_means(
    array: NDArray[Any], count: int, rng: np.random.Generator, progress: Progress, rounds: int = 4
) -> FloatArray:
    """Centers (count, d) after a few of Lloyd's rounds on a sample: rough, but clusters need only be local."""
    rows = np.sort(rng.choice(len(array), min(20 * count, len(array)), replace=False))
    points = np.asarray(array[rows], dtype=np.float32)
    centers: FloatArray = points[np.sort(rng.choice(len(points), count, replace=False))]
    for i in range(rounds):
        label = search(points, centers, 1, progress=part_of(progress, i / rounds, (i + 1) / rounds))[0][:, 0]
        members = np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label, minlength=count))[:-1])
        for cluster, own in enumerate(members):
            if len(own):
                centers[cluster] = points[own].mean(axis=0)
    return centers


def _distances(centers: FloatArray) -> FloatArray:
    """Distances between all centers, as shares of the largest."""
    square = np.einsum("ij,ij->i", centers, centers)
    out = np.sqrt(np.maximum(square[:, None] + square - 2 * (centers @ centers.T), 0))
    return np.asarray(out / (out.max() or 1.0), dtype=np.float32)


def _least_demand(
    partition: Partition, rows: IntArray, indices: NDArray[np.int32], distances: FloatArray, aim: float
) -> float:
    """The demand above which clusters must be compared for that share of the rows' true neighbors to be found."""
    # A row with k exact copies of itself finds k in its own cluster.
    known = (indices >= 0) & (distances.max(axis=1, keepdims=True) > 0)
    if not known.any():
        return np.inf
    own = np.broadcast_to(partition.cluster_of(rows)[:, None], indices.shape)[known]
    theirs = partition.cluster_of(indices[known].astype(np.int64))
    needed = np.where(own == theirs, np.inf, partition.demand[own, theirs])
    return float(np.quantile(needed, 1 - aim, method="lower"))


def _compare(
    array: NDArray[Any],
    space: Space,
    half_norms: FloatArray,
    partition: Partition,
    cut: float,
    k: int,
    progress: Progress,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Every cluster's rows against the rows of the clusters it asks for at least as much as `cut`."""
    n = len(array)
    indices = np.empty((n, k), dtype=np.int32)
    distances = np.empty((n, k), dtype=np.float32)
    sizes = partition.sizes
    largest = float(half_norms.max(initial=0.0))

    def work(cluster: int, buffer: FloatArray, stopped: Callable[[], bool]) -> None:
        members = partition.members(cluster)
        demand = partition.demand[cluster].copy()
        demand[cluster] = np.inf
        ranked = np.argsort(-demand, kind="stable")
        enough = int(np.searchsorted(np.cumsum(sizes[ranked]), min(8 * (k + 1), n))) + 1
        chosen = ranked[: max(enough, int(np.count_nonzero(demand >= cut)))]
        columns = np.sort(np.concatenate([partition.members(c) for c in chosen]))
        vectors = space.take(array, members)
        best = Candidates(vectors, k, largest, itself=members)
        for tile in tiles(space, array, half_norms, TILE_COLUMNS, columns):
            if stopped():
                return
            best.add(vectors, tile, buffer)
        indices[members], distances[members] = settle(array[members], array, best.ids, k)

    filled = np.flatnonzero(sizes)
    scratch = int(sizes.max(initial=0)) * (TILE_COLUMNS + 16)
    in_threads(filled.tolist(), work, scratch, progress)
    return indices, distances
