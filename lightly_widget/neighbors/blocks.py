"""Exact nearest columns of many rows, by blocked matrix products.

A product gives −‖a − b‖²/2 up to a constant of the row, quickly and to float32 rounding. All columns within that
rounding of the k-th best are kept, and their distances are then computed from differences in float64. So the answer
is that of the plain float64 search, whatever the block sizes, the BLAS or the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, no_progress, shown
from lightly_widget.threads import in_threads

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

TILE_COLUMNS: Final = 4096
TILE_ROWS: Final = 512
STRIPES: Final = 16  # a tile is read as 16 stripes; the maxima across them find the few places worth a look
_SUMS_VALUES: Final = 1 << 25  # of the matrices that are summed side by side, together
_REFINE_VALUES: Final = 1 << 16  # differences held at once while distances are recomputed: in cache as float64


def as_matrix(name: str, value: object) -> NDArray[Any]:
    """`value` as an array (n, d) of real numbers, not copied; memory-mapped arrays stay so."""
    if not isinstance(value, np.ndarray):
        value = np.asarray(value)
    if value.dtype.kind not in "fiu":
        raise InvalidTypeError(f"{name} must hold real numbers; its dtype is {value.dtype}")
    if value.ndim != 2 or value.shape[1] == 0:
        raise InvalidValueError(f"{name} must have the shape (n, d) with d ≥ 1; it is {shown(value.shape)}")
    return value


def part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part that takes the whole from one fraction to another."""
    return lambda fraction: progress(start + (stop - start) * fraction)


class Space:
    """Where a set of arrays is compared: shifted and scaled where float32 products would otherwise lose too much.

    Raises InvalidValueError when a value is not finite, with the number of such rows and the first of them.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]], progress: Progress = no_progress) -> None:
        total = max(sum(len(a) for a in arrays.values()), 1)
        d = next(iter(arrays.values())).shape[1]
        for name, array in arrays.items():
            if array.shape[1] != d:
                raise InvalidValueError(f"{name} has {array.shape[1]} dimensions where {d} are expected")
        parts = [(name, start) for name, array in arrays.items() for start in range(0, len(array), TILE_COLUMNS)]
        sums, squares = np.zeros((len(parts), d)), np.zeros(len(parts))
        highs = np.zeros(len(parts))

        def read(i: int, _: FloatArray, stopped: Callable[[], bool]) -> None:
            name, start = parts[i]
            block = np.asarray(arrays[name][start : start + TILE_COLUMNS], dtype=np.float32)
            highs[i] = max(block.max(), -block.min())  # NaN or infinite when any value is
            with np.errstate(over="ignore", invalid="ignore"):
                sums[i] = block.sum(axis=0, dtype=np.float64)
                squares[i] = float(np.vdot(block, block)) if highs[i] < 1e15 else np.inf

        in_threads(range(len(parts)), read, 0, progress)
        for i in np.flatnonzero(~np.isfinite(highs))[:1]:
            raise InvalidValueError(_not_finite(parts[i][0], arrays[parts[i][0]]))
        # Summed in the order of the blocks, so that the answer does not depend on the number of threads.
        largest, square = float(highs.max(initial=0.0)), float(squares.sum())
        mean = sums.sum(axis=0)
        mean /= total
        self._mean = mean
        with np.errstate(over="ignore"):
            offset = float(mean @ mean) > 0.5 * square / total
        # Norms far above the distances cost digits, and squares beyond float32 cost everything.
        self.scale = np.float32(1.0 if 1e-12 < largest < 1e12 or largest == 0 else 2.0 ** -np.floor(np.log2(largest)))
        self.shift: FloatArray | None = None
        if offset or self.scale != 1:
            self.center()

    def center(self) -> None:
        """Put the origin at the mean of all rows."""
        self.shift = (self._mean * float(self.scale)).astype(np.float32)

    def take(self, array: NDArray[Any], rows: slice | IntArray) -> FloatArray:
        """Those rows of the array, in this space; may be a view of it."""
        block: FloatArray = np.asarray(array[rows], dtype=np.float32)
        if self.scale != 1:
            block = block * self.scale
        return block if self.shift is None else block - self.shift

    def cross_products(self, array: NDArray[Any], progress: Progress = no_progress) -> NDArray[np.float64]:
        """(d, d) the sum of x xᵀ over the rows x."""
        d = array.shape[1]
        starts = range(0, len(array), TILE_COLUMNS)
        # Each sum is float64 and of its own blocks; their number depends on the data alone, and so does the answer.
        sums = np.zeros((int(np.clip(_SUMS_VALUES // d**2, 2, 16)), d, d))

        def add(i: int, _: FloatArray, stopped: Callable[[], bool]) -> None:
            for start in starts[i :: len(sums)]:
                if stopped():
                    return
                block = self.take(array, slice(start, start + TILE_COLUMNS))
                sums[i] += block.T @ block

        in_threads(range(len(sums)), add, 0, progress)
        return np.asarray(sums.sum(axis=0))

    def half_norms(self, array: NDArray[Any], progress: Progress = no_progress) -> FloatArray:
        """‖x‖²/2 of every row, (n,) float32."""
        out = np.empty(len(array), dtype=np.float32)

        def read(start: int, _: FloatArray, stopped: Callable[[], bool]) -> None:
            block = self.take(array, slice(start, start + TILE_COLUMNS))
            np.einsum("ij,ij->i", block, block, out=out[start : start + TILE_COLUMNS])

        in_threads(range(0, len(array), TILE_COLUMNS), read, 0, progress)
        return np.multiply(out, np.float32(0.5), out=out)


def _not_finite(name: str, array: NDArray[Any]) -> str:
    bad: list[IntArray] = []
    for start in range(0, len(array), TILE_COLUMNS):
        block = np.asarray(array[start : start + TILE_COLUMNS], dtype=np.float32)
        bad.append(np.flatnonzero(~np.isfinite(block).all(axis=1)) + start)
    rows = np.concatenate(bad)
    return (
        f"{name} holds values that are not finite (NaN, infinite, or beyond float32) in {len(rows):,} of "
        f"{len(array):,} rows, the first is row {rows[0]:,}; embed those samples again or leave them out"
    )


@dataclass(frozen=True)
class Tile:
    """Some columns to compare with: their numbers, their vectors in the space, and their half norms."""

    ids: IntArray
    vectors: FloatArray
    half_norms: FloatArray


def tiles(
    space: Space, array: NDArray[Any], half_norms: FloatArray, width: int = TILE_COLUMNS, ids: IntArray | None = None
) -> Iterator[Tile]:
    """The array, or its rows `ids`, cut into tiles."""
    for start in range(0, len(array) if ids is None else len(ids), width):
        if ids is None:
            part = np.arange(start, min(start + width, len(array)))
            yield Tile(part, space.take(array, slice(start, start + width)), half_norms[start : start + width])
        else:
            part = ids[start : start + width]
            yield Tile(part, space.take(array, part), half_norms[part])


class Candidates:
    """For a block of rows: every column seen so far that may be among the k nearest.

    Kept as sorted integers, the score in the upper half, largest first, and the column in the lower: sorting those is
    many times faster than sorting scores and taking the columns along, and breaks ties by column.
    """

    def __init__(self, rows: FloatArray, k: int, largest_half_norm: float, itself: IntArray | None = None) -> None:
        b, d = rows.shape
        self.k, self.itself = k, itself
        self.limit = 4 * k + 64
        self.keys = np.empty((b, 0), dtype=np.int64)
        self.floor = np.full(b, -np.inf, dtype=np.float32)  # the k-th best score so far
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows) * 2.0 * max(largest_half_norm, 0.0))
        # The bound on a float32 sum of d products, twice: the k-th and the rival may both be off.
        self.margin = (2 * (d + 16) * 2.0**-24 * (norms + 2 * largest_half_norm)).astype(np.float32)

    @property
    def ids(self) -> IntArray:
        """(b, c) columns, -1 where a row has fewer than others."""
        return np.where(self.keys == _NOTHING, -1, self.keys & 0xFFFFFFFF)

    def add(self, rows: FloatArray, tile: Tile, buffer: FloatArray) -> None:
        """Compare the rows with the tile's columns; `buffer` is scratch of at least rows × (columns + STRIPES)."""
        b, m = len(rows), len(tile.ids)
        if m == 0:
            return
        stripes = self.stripes_for(m)
        width = -(-m // stripes) * stripes
        scores = buffer[: b * width].reshape(b, width)
        np.matmul(rows, tile.vectors.T, out=scores[:, :m])
        scores[:, m:] = -np.inf
        scores[:, :m] -= tile.half_norms
        if self.itself is not None:
            at = np.searchsorted(tile.ids, self.itself)
            here = np.flatnonzero((at < m) & (tile.ids[np.minimum(at, m - 1)] == self.itself))
            scores[here, at[here]] = -np.inf
        tops = scores.reshape(b, stripes, width // stripes).max(axis=1)
        self.take_in(scores.ravel(), (width, 1), tops, stripes, tile.ids)

    def stripes_for(self, m: int) -> int:
        """Stripes pay for wide tiles, or once the floor is known."""
        return STRIPES if m >= 4 * STRIPES * self.k or (m >= 16 * STRIPES and np.isfinite(self.floor).all()) else 1

    def take_in(
        self, scores: FloatArray, strides: tuple[int, int], tops: FloatArray, stripes: int, ids: IntArray
    ) -> None:
        """Keep what is good enough of the flat scores, row r and column c at r · strides[0] + c · strides[1].

        `tops` (b, w) are the maxima over the stripes, a stripe being w neighboring columns.
        """
        w = tops.shape[1]
        if w >= self.k and np.isinf(self.floor).any():
            np.maximum(self.floor, np.partition(tops, w - self.k, axis=1)[:, w - self.k], out=self.floor)
        cut = np.maximum(self.floor - self.margin, np.finfo(np.float32).min)
        flat = np.flatnonzero(self._thinned(tops >= cut[:, None], tops))
        row, place = flat // w, flat % w
        among = scores[(row * strides[0] + place * strides[1])[:, None] + np.arange(stripes) * (w * strides[1])]
        i, stripe = np.nonzero(among >= cut[row][:, None])
        self._merge(row[i], _keys(among[i, stripe], ids[stripe * w + place[i]]))

    def _thinned(self, hits: NDArray[np.bool_], tops: FloatArray) -> NDArray[np.bool_]:
        """At most `limit` hits a row, so that thousands of equal rows cost no more than others; the better stay."""
        crowded = np.flatnonzero(np.count_nonzero(hits, axis=1) > self.limit)
        if len(crowded):
            better = tops[crowded] > self.floor[crowded, None]  # fewer than k
            equal = hits[crowded] & ~better
            hits[crowded] = better | (equal & (np.cumsum(equal, axis=1) <= self.limit - self.k))
        return hits

    def _merge(self, row: IntArray, keys: IntArray) -> None:
        """Sort new keys in; the rows ascend."""
        if len(row) == 0:
            return
        b, width = self.keys.shape
        counts = np.bincount(row, minlength=b)
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        merged = np.full((b, width + int(counts.max())), _NOTHING)
        merged[:, :width] = self.keys
        merged[row, width + place] = keys
        merged.sort(axis=1)
        if merged.shape[1] >= self.k:
            np.maximum(self.floor, _scores(merged[:, self.k - 1]), out=self.floor)
            reach = _keys(np.maximum(self.floor - self.margin, np.finfo(np.float32).min), np.full(b, 0xFFFFFFFF))
            keep = int(np.count_nonzero(merged <= reach[:, None], axis=1).max())
            merged = merged[:, : min(max(keep, self.k), self.limit)]
        self.keys = merged


_NOTHING: Final = np.iinfo(np.int64).max


def _keys(scores: FloatArray, ids: IntArray) -> IntArray:
    """Integers that sort by falling score, then by column."""
    bits = scores.view(np.int32).astype(np.int64)
    bits ^= (bits >> 63) & 0x7FFFFFFF  # negative floats sort backwards as integers
    return (-bits << 32) | ids


def _scores(keys: IntArray) -> FloatArray:
    bits = -(keys >> 32)
    bits ^= (bits >> 63) & 0x7FFFFFFF
    return np.where(keys == _NOTHING, np.float32(-np.inf), bits.astype(np.int32).view(np.float32))


def settle(
    rows: NDArray[Any], columns: NDArray[Any], candidates: IntArray, k: int
) -> tuple[NDArray[np.int32], FloatArray]:
    """The k nearest of each row's candidate columns (−1: none), by distances from float64 differences.

    Ascending by distance as float32, then by column; padded with −1 and infinity.
    """
    b, width = candidates.shape
    distances = np.full((b, max(width, k)), np.inf, dtype=np.float32)
    step = max(_REFINE_VALUES // max(width * rows.shape[1], 1), 1)
    for start in range(0, b, step):
        part = candidates[start : start + step]
        # By way of float32 whatever the array holds, as in the products.
        away = np.asarray(columns[np.maximum(part, 0)], dtype=np.float32).astype(np.float64)
        away -= np.asarray(rows[start : start + step], dtype=np.float32)[:, None]
        distances[start : start + step, :width] = np.where(part < 0, np.inf, np.sqrt(np.vecdot(away, away)))
    ids = np.full(distances.shape, np.iinfo(np.int32).max, dtype=np.int32)
    ids[:, :width][candidates >= 0] = candidates[candidates >= 0]
    order = np.lexsort((ids, distances), axis=1)[:, :k]
    distances = np.take_along_axis(distances, order, axis=1)
    ids = np.take_along_axis(ids, order, axis=1)
    ids[np.isinf(distances)] = -1
    return ids, distances


def search(
    rows: NDArray[Any],
    columns: NDArray[Any],
    k: int,
    *,
    itself: IntArray | None = None,
    progress: Progress = no_progress,
) -> tuple[NDArray[np.int32], FloatArray]:
    """The k nearest columns of every row, exactly: indices (n, k) int32 and Euclidean distances (n, k) float32.

    With `itself`, row i is column itself[i], and no row is its own neighbor.
    """
    arrays = {"embeddings": columns} if itself is not None else {"embeddings": columns, "query": rows}
    space = Space(arrays, part_of(progress, 0.0, 0.02))
    half_norms = space.half_norms(columns, part_of(progress, 0.02, 0.04))
    largest = float(half_norms.max(initial=0.0))
    indices = np.empty((len(rows), k), dtype=np.int32)
    distances = np.empty((len(rows), k), dtype=np.float32)
    width = min(TILE_COLUMNS, -(-max(len(columns), 1) // STRIPES) * STRIPES)
    height = tile_rows(rows.shape[1])

    def work(start: int, buffer: FloatArray, stopped: Callable[[], bool]) -> None:
        part = slice(start, min(start + height, len(rows)))
        vectors = space.take(rows, part)
        best = Candidates(vectors, k, largest, None if itself is None else itself[part])
        for tile in tiles(space, columns, half_norms, width):
            if stopped():
                return
            best.add(vectors, tile, buffer)
        indices[part], distances[part] = settle(rows[part], columns, best.ids, k)

    starts = range(0, len(rows), height)
    in_threads(starts, work, height * (width + STRIPES), part_of(progress, 0.04, 1))
    return indices, distances


def tile_rows(d: int) -> int:
    """Rows a block holds, so that one product stays well below the time between two looks at the stop flag."""
    return max(min(TILE_ROWS, (1 << 18) // d), 16)
