"""All neighbors of one set of rows: every pair of blocks is multiplied once and read in both directions.

Half the products of the plain blocked search, at the price of keeping every block's candidates until the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import Progress
from lightly_widget.neighbors.blocks import STRIPES, Candidates, FloatArray, Space, part_of, search, settle
from lightly_widget.threads import in_threads, one_blas_thread

BLOCK: Final = 1024  # rows
_LEAST_BLOCKS: Final = 4


def search_itself(array: NDArray[Any], k: int, progress: Progress) -> tuple[NDArray[np.int32], FloatArray]:
    """The k nearest other rows of every row, exactly: indices (n, k) int32 and Euclidean distances (n, k) float32."""
    n = len(array)
    size = block_size(n)
    if n < _LEAST_BLOCKS * size:
        return search(array, array, k, itself=np.arange(n), progress=progress)
    space = Space({"embeddings": array}, part_of(progress, 0.0, 0.02))
    half_norms = space.half_norms(array, part_of(progress, 0.02, 0.04))
    largest = float(half_norms.max())
    blocks = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    best = [Candidates(space.take(array, block), k, largest) for block in blocks]
    indices = np.empty((n, k), dtype=np.int32)
    distances = np.empty((n, k), dtype=np.float32)

    def compare(pair: tuple[int, int], buffer: FloatArray, stopped: Callable[[], bool]) -> None:
        i, j = pair
        one, other = blocks[i], blocks[j]
        rows, columns = np.arange(one.start, one.stop), np.arange(other.start, other.stop)
        scores = buffer[: len(rows) * len(columns)].reshape(len(rows), len(columns))
        np.matmul(space.take(array, one), space.take(array, other).T, out=scores)
        scores -= half_norms[other]
        scores -= half_norms[one, None]
        if i == j:
            np.fill_diagonal(scores, -np.inf)
        stripes = best[i].stripes_for(len(columns)) if len(columns) % STRIPES == 0 else 1
        tops = scores.reshape(len(rows), stripes, -1).max(axis=1)
        best[i].take_in(scores.ravel(), (len(columns), 1), tops, stripes, columns)
        if i != j:
            stripes = best[j].stripes_for(len(rows)) if len(rows) % STRIPES == 0 else 1
            tops = np.ascontiguousarray(scores.reshape(stripes, -1, len(columns)).max(axis=0).T)
            best[j].take_in(scores.ravel(), (1, len(columns)), tops, stripes, rows)

    def finish(i: int, buffer: FloatArray, stopped: Callable[[], bool]) -> None:
        indices[blocks[i]], distances[blocks[i]] = settle(array[blocks[i]], array, best[i].ids, k)

    rounds = list(tournament(len(blocks)))
    with one_blas_thread():
        for number, pairs in enumerate(rounds):
            part = part_of(progress, 0.04 + 0.84 * number / len(rounds), 0.04 + 0.84 * (number + 1) / len(rounds))
            in_threads(pairs, compare, size * size, part)
        in_threads(range(len(blocks)), finish, 1, part_of(progress, 0.88, 1.0))
    return indices, distances


def block_size(n: int) -> int:
    """Small enough that a few cores find work in every round of a small set; a multiple of the stripes."""
    return int(np.clip(n // 16 // STRIPES * STRIPES, 256, BLOCK))


def tournament(n: int) -> Iterator[list[tuple[int, int]]]:
    """Rounds in which all pairs of n meet once, each at most once a round; first everyone meets itself.

    So a round needs no locks, and the answer does not depend on which thread is faster, even where so many rows are
    equally near that not all can be kept.
    """
    yield [(i, i) for i in range(n)]
    seats = list(range(n + n % 2))
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        pairs = zip(seats[:half], seats[: half - 1 : -1], strict=True)
        yield [(min(pair), max(pair)) for pair in pairs if max(pair) < n]
        seats = [seats[0], seats[-1], *seats[1:-1]]
