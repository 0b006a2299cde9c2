"""The k-nearest-neighbor graph and what is computed from it; rows only, no ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lightly_widget.checks import check_choice, check_integer
from lightly_widget.errors import InvalidValueError, Progress, no_progress
from lightly_widget.neighbors.blocks import as_matrix, part_of, search
from lightly_widget.neighbors.pairs import search_itself

EXACT_WORK: Final = 6e12  # n² · d up to which every pair is compared: about 40 s on two cores

LEAST_APPROXIMATE: Final = 1000  # rows up to which there is nothing to gain


@dataclass(frozen=True)
class NeighborGraph:
    """Every row's k nearest other rows, by Euclidean distance.

    indices: (n, k) int32, nearest first, equal distances by row; -1 where there are fewer than k others.
    distances: (n, k) float32, ascending; infinite where the index is -1.
    exact: whether all pairs were compared.
    recall: share of the true neighbors that are in the graph: 1.0 when exact, else estimated on a sample of rows.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    exact: bool = True
    recall: float = 1.0


def build_graph(
    embeddings: NDArray[Any],
    k: int = 20,
    *,
    method: Literal["auto", "exact", "approximate"] = "auto",
    seed: int = 0,
    progress: Progress = no_progress,
) -> NeighborGraph:
    """The graph of (n, d) embeddings, read as float32; a memory-mapped array is not loaded whole.

    `auto` compares all pairs while n² · d is at most 6e12 (60,000 × 1280), and is approximate beyond, with a recall of
    0.95 or more that the graph states. The exact graph depends on nothing but the embeddings; the approximate one also
    on `seed`, and is exact after all up to 1,000 rows or 8 k. Raises InvalidValueError when values are not finite.
    """
    array = as_matrix("embeddings", embeddings)
    check_integer("k", k, least=1)
    check_choice("method", method, ["auto", "exact", "approximate"])
    if method == "auto":
        method = "exact" if float(len(array)) ** 2 * array.shape[1] <= EXACT_WORK else "approximate"
    if method == "approximate" and len(array) > max(LEAST_APPROXIMATE, 8 * k):
        from lightly_widget.neighbors.partitions import approximate_graph

        indices, distances, recall = approximate_graph(array, k, seed=seed, progress=progress)
        return NeighborGraph(indices, distances, exact=False, recall=recall)
    return NeighborGraph(*search_itself(array, k, progress))


def extend_graph(
    graph: NeighborGraph, embeddings: NDArray[Any], n_old: int, progress: Progress = no_progress
) -> NeighborGraph:
    """The graph of all embeddings, given that of the first `n_old`: only pairs with a new row are compared.

    Of an exact graph the result is the same as building it from scratch. An approximate one keeps its stated recall,
    which the new rows, compared with all, can only raise. It is rebuilt if extending it would take minutes.
    """
    array = as_matrix("embeddings", embeddings)
    if graph.indices.shape[0] != n_old or n_old > len(array):
        raise InvalidValueError(
            f"n_old is {n_old:,}, but the graph has {graph.indices.shape[0]:,} rows and embeddings {len(array):,}"
        )
    k = graph.indices.shape[1]
    n_new = len(array) - n_old
    if n_new == 0:
        return graph
    if 2.0 * n_new * len(array) * array.shape[1] > EXACT_WORK:
        return build_graph(array, k, progress=progress)
    old_to_new = search(array[:n_old], array[n_old:], k, progress=part_of(progress, 0.0, 0.5))
    indices = np.concatenate([graph.indices, np.where(old_to_new[0] < 0, -1, old_to_new[0] + n_old)], axis=1)
    distances = np.concatenate([graph.distances, old_to_new[1]], axis=1)
    order = np.lexsort((np.where(indices < 0, np.iinfo(np.int32).max, indices), distances), axis=1)[:, :k]
    new_rows = search(array[n_old:], array, k, itself=np.arange(n_old, len(array)), progress=part_of(progress, 0.5, 1))
    return NeighborGraph(
        np.concatenate([np.take_along_axis(indices, order, axis=1), new_rows[0]]),
        np.concatenate([np.take_along_axis(distances, order, axis=1), new_rows[1]]),
        graph.exact,
        graph.recall,
    )


def nearest(
    embeddings: NDArray[Any], query: NDArray[Any], k: int, progress: Progress = no_progress
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k rows of embeddings (n, d) nearest to each query vector (m, d), exactly.

    Returns indices (m, k) int32 and Euclidean distances (m, k) float32, nearest first, equal distances by row; padded
    with -1 and infinity where k > n.
    """
    check_integer("k", k, least=1)
    return search(as_matrix("query", query), as_matrix("embeddings", embeddings), k, progress=progress)


def distance_to_set(
    embeddings: NDArray[Any], queries: NDArray[Any], progress: Progress = no_progress
) -> NDArray[np.float64]:
    """Euclidean distance of every row of embeddings (n, d) to the nearest row of queries (m, d), m ≥ 1: (n,)."""
    rows, columns = as_matrix("embeddings", embeddings), as_matrix("queries", queries)
    if len(columns) == 0:
        raise InvalidValueError("queries is empty: a distance needs at least one query row")
    return search(rows, columns, 1, progress=progress)[1][:, 0].astype(np.float64)


def typicality(graph: NeighborGraph) -> NDArray[np.float64]:
    """The mean over each row's neighbors of exp(-distance / D), D the mean of all the graph's distances: (n,), 0…1.

    Rows in dense places come near 1. All rows identical, or a single one: 1.0. Formula of LightlyStudio 1.2.
    """
    known = graph.indices >= 0
    if not known.any():
        return np.ones(len(graph.indices))
    distances = np.where(known, graph.distances, 0.0).astype(np.float64)
    mean = distances.sum() / np.count_nonzero(known)
    if mean == 0:
        return np.ones(len(graph.indices))
    near = np.where(known, np.exp(-distances / mean), 0.0)
    count = np.count_nonzero(known, axis=1)
    return np.where(count > 0, near.sum(axis=1) / np.maximum(count, 1), 1.0)


def similarity_weights(
    embeddings: NDArray[Any], query_rows: NDArray[np.int64], progress: Progress = no_progress
) -> NDArray[np.float64]:
    """exp(-d / mean d) per row of embeddings, d its distance to the nearest of the rows `query_rows`: (n,), 0…1.

    The mean is over all rows, the query's own included. All distances 0: 1.0. Formula of LightlyStudio 1.2.
    """
    array = as_matrix("embeddings", embeddings)
    rows = np.asarray(query_rows)
    if len(rows) == 0:
        raise InvalidValueError("query_rows must hold at least one row, got none")
    if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(array):
        raise InvalidValueError(f"query_rows must be rows of embeddings, integers in 0…{len(array) - 1}")
    distances = distance_to_set(array, array[np.unique(rows)], progress)
    mean = distances.mean()
    return np.exp(-distances / mean) if mean > 0 else np.ones(len(array))
