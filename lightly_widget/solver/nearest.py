"""The distance from every row to its nearest pick: upper bounds, brought up to date only where it counts.

The distance to the nearest pick only shrinks as picks are added, so an old value is an upper bound. Float32 products
(‖a‖² + ‖b‖² − 2ab) are inflated by their rounding error, so they bound from above too; exact values come from
differences in float64, of the few pairs that rounding cannot tell apart.
"""

from __future__ import annotations

import numpy as np

from lightly_widget.errors import InvalidValueError
from lightly_widget.threads import at_once, available_cores, in_steps

from .terms import F32, F64, I64, Beats

BLOCK = 512
SHADOWED = 8192  # rows from which shadows pay
TINY = np.float32(1e-35)  # added to each squared norm, so that bounds hold where float32 squares vanish
KEPT = 16_000_000  # elements of picked vectors that may lie side by side whatever their share of the data
PORTION = 64  # rows whose exact distances are settled together
LARGEST = np.finfo(np.float32).max
PARALLEL = 2_000_000  # elements; a smaller product is over before another thread has begun


class NearestPick:
    """Squared distances of the rows of `embeddings` to the nearest point added so far."""

    def __init__(self, embeddings: F32, capacity: int, name: str, shadowed: bool = False) -> None:
        n, d = embeddings.shape
        self.x, self.name, self.d = embeddings, name, d
        self.bound = np.full(n, np.inf, dtype=np.float32)
        self.seen = np.zeros(n, dtype=np.int32)
        self.squares = np.empty(n, dtype=np.float32)
        self.center: F32 | None = None
        self.unit = 1.0  # distances here are in this unit, so that float32 squares neither overflow nor vanish
        # Rounding of a float32 dot product of length d: a random walk of d steps, taken four times as far and more;
        # twice, for the product and for the squared norms.
        self.gamma = np.float32(2 * min(d + 2, 4 * np.sqrt(d) + 16) * 2.0**-24)
        self.size = 0
        self.rows = np.empty(max(capacity, 1), dtype=np.int64)
        self.point_squares = np.empty(max(capacity, 1), dtype=np.float32)
        self.largest = np.float32(0)
        # The picks' own vectors side by side, unless they would be a second copy of much of the data.
        few = capacity <= max(1024, n // 16) or capacity * d <= KEPT
        self.kept = np.empty((capacity, d), dtype=np.float32) if few else None
        # A shadow of each row in few dimensions guesses which pick is nearest; the distance to that one is a bound.
        self.shadow: F32 | None = None
        self.shadowed = shadowed
        self.exact_value = np.full(n, np.inf)
        self.exact_seen = np.zeros(n, dtype=np.int32)

    def prepare(self) -> Beats:
        """One pass over the data: squared norms, and the check that all is finite."""
        n = len(self.x)
        sample = np.asarray(self.x[:: max(1, n // 512)])[:512]
        if len(sample) and np.isfinite(sample).all():
            mean = sample.mean(axis=0)
            # A far offset would eat the digits of the products; a near one is not worth a subtraction per block.
            largest = float(np.abs(sample - mean).max(initial=0.0))
            if largest and not 1e-12 < largest < 1e12:
                self.unit = 2.0 ** round(np.log2(largest))
            wide = (sample / self.unit).astype(np.float64)
            if np.square(wide.mean(axis=0)).sum() > 4 * wide.var(axis=0).sum():
                self.center = mean
        wanted = self.shadowed and n >= SHADOWED and self.d >= 256
        directions = self._directions(sample) if wanted else None
        if directions is not None:
            self.shadow = np.empty((n, directions.shape[1]), dtype=np.float32)
        wrong: list[I64] = []

        def read(start: int) -> None:
            part = self.block(slice(start, start + step))
            squares = np.einsum("ij,ij->i", part, part)
            self.squares[start : start + step] = squares * (1 + self.gamma) + TINY
            if directions is not None and self.shadow is not None:
                np.dot(part, directions, out=self.shadow[start : start + step])
            if not np.isfinite(squares).all():
                wrong.append(start + np.flatnonzero(~np.isfinite(squares)))

        step = max(1, 1_000_000 // max(self.d, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            yield from in_steps(read, range(0, n, step))
        if wrong:
            self._refuse(np.sort(np.concatenate(wrong)))

    def _refuse(self, rows: I64) -> None:
        bad = rows[~np.isfinite(self.x[rows]).all(axis=1)]
        if not len(bad):
            raise InvalidValueError(
                f"{self.name} has {len(rows):,} rows too far from the others for float32 distances, "
                f"the first is row {rows[0]}"
            )
        raise InvalidValueError(f"{self.name} has {len(bad):,} rows with NaN or infinity, the first is row {bad[0]}")

    def _directions(self, sample: F32) -> F32:
        """(d, d // 40) the leading directions of a sample, by subspace iteration."""
        centerd = (sample - sample.mean(axis=0)) / np.float32(self.unit)
        start = np.random.default_rng(0).standard_normal((self.d, int(np.clip(self.d // 40, 8, 32))))
        basis = start.astype(np.float32)
        for _ in range(2):
            basis = np.linalg.qr(centerd.T @ (centerd @ basis))[0]
        return np.ascontiguousarray(basis, dtype=np.float32)

    def guess(self, rows: I64) -> Beats:
        """Lower the bounds of `rows` by their distance to the pick that is nearest in the shadow."""
        assert self.shadow is not None
        k = self.size
        rows = rows[np.argsort(self.seen[rows], kind="stable")]
        shadow = self.shadow

        def try_nearest(start: int) -> None:
            part = rows[start : start + BLOCK]
            low = int(self.seen[part[0]])
            picks = shadow[self.rows[low:k]]
            likeness = shadow[part] @ picks.T
            likeness -= np.einsum("ij,ij->i", picks, picks) / 2
            j = low + likeness.argmax(axis=1)
            points = self.kept[j] if self.kept is not None else self.block(self.rows[j])
            distance = self.squares[part] + self.point_squares[j]
            distance -= 2 * np.einsum("ij,ij->i", self.block(part), points)
            self.bound[part] = np.minimum(self.bound[part], np.maximum(distance, 0))

        return in_steps(try_nearest, range(0, len(rows), BLOCK))

    def block(self, rows: slice | I64) -> F32:
        part = self.x[rows] if isinstance(rows, slice) else np.take(self.x, rows, axis=0)
        if self.center is not None:
            part = part - self.center
        return np.asarray(part if self.unit == 1 else part * np.float32(1 / self.unit))

    def points(self, low: int, high: int) -> F32:
        if self.kept is not None:
            return self.kept[low:high]
        return self.block(self.rows[low:high])

    def add(self, row: int) -> None:
        """The row joins the selection; every bound stays valid."""
        k = self.size
        if self.kept is not None:
            self.kept[k] = self.block(slice(row, row + 1))[0]
        self.rows[k] = row
        self.point_squares[k] = self.squares[row]
        self.largest = max(self.largest, self.squares[row])
        self.size = k + 1

    def slack(self, rows: I64 | slice) -> F32:
        """How far the bound of an up to date row can lie above its true value."""
        return np.asarray(2 * self.gamma * (self.squares[rows] + self.largest) + 4 * TINY)

    def refresh(self, rows: I64) -> Beats:
        """Bring the bounds of `rows` up to date with all picks."""
        k = self.size
        stale = rows[self.seen[rows] < k]
        if not len(stale):
            return
        stale = stale[np.argsort(self.seen[stale], kind="stable")]

        def catch_up(start: int) -> None:
            part = stale[start : start + BLOCK]
            vectors = self.block(part)
            base, best = self.squares[part], self.bound[part]
            low = int(self.seen[part[0]])
            for at in range(low, k, 2 * BLOCK):
                found = self._against(vectors, at, min(k, at + 2 * BLOCK))
                np.minimum(best, np.maximum(found + base, 0), out=best)
            self.bound[part] = best
            self.seen[part] = k

        yield from in_steps(catch_up, range(0, len(stale), BLOCK))

    def _against(self, vectors: F32, low: int, high: int) -> F32:
        """(len(vectors),) least of ‖p‖² − 2 x·p over the picks low…high."""
        if high - low == 1:
            return np.asarray(self.point_squares[low] - 2 * product(vectors, self.points(low, high)[0]))
        distance = vectors @ self.points(low, high).T
        distance *= -2
        distance += self.point_squares[low:high]
        return np.asarray(distance.min(axis=1))

    def exact(self, rows: I64) -> F64:
        """(len(rows),) squared distances to the nearest pick in float64, from differences."""
        at_once(self._settle_all, self._unsettled(rows))
        self.exact_seen[rows] = self.size
        return self.exact_value[rows]

    def settle(self, rows: I64) -> Beats:
        """`exact` for many rows, with stops on the way."""
        yield from in_steps(self._settle_all, self._unsettled(rows))
        self.exact_seen[rows] = self.size

    def _unsettled(self, rows: I64) -> list[I64]:
        """Portions of the rows that are behind. A distance of zero cannot shrink."""
        rows = rows[(self.exact_seen[rows] < self.size) & (self.exact_value[rows] > 0)]
        rows = rows[np.argsort(self.exact_seen[rows], kind="stable")]
        return [rows[at : at + PORTION] for at in range(0, len(rows), PORTION)]

    def _settle_all(self, part: I64) -> None:
        """Rows that were settled before go on from there."""
        vectors, squares, value = self.block(part), self.squares[part], self.exact_value[part]
        for low in range(int(self.exact_seen[part[0]]), self.size, 4 * BLOCK):
            high = min(self.size, low + 4 * BLOCK)
            self._settle(part, value, *self._nearest(vectors, squares, value, low, high))
        self.exact_value[part] = value
        self.bound[part] = np.minimum(self.bound[part], value * (1 + 2.0**-20))

    def to_earlier(self, places: I64) -> F64:
        """Squared distances of the picks at `places`, rising, to the nearest pick before; inf for the very first."""
        rows = self.rows[places]
        value = np.where(self.exact_seen[rows] == places, self.exact_value[rows], np.inf)
        unsettled = np.flatnonzero(self.exact_seen[rows] != places)
        for start in range(0, len(unsettled), BLOCK):
            at = unsettled[start : start + BLOCK]
            value[at] = self._from_before(places[at])
        return value

    def _from_before(self, places: I64) -> F64:
        rows, value = self.rows[places], np.full(len(places), np.inf)
        vectors, squares = self.block(rows), self.squares[rows]
        for low in range(0, int(places[-1]), 4 * BLOCK):
            high = min(int(places[-1]), low + 4 * BLOCK)
            self._settle(rows, value, *self._nearest(vectors, squares, value, low, high, places))
        return value

    def _nearest(
        self, vectors: F32, squares: F32, value: F64, low: int, high: int, places: I64 | None = None
    ) -> tuple[I64, I64]:
        """Pairs (vector, pick of low…high) that rounding leaves as nearest, none farther than `value`.

        With `places`, the vectors are the picks there, each compared with those before it only.
        """
        half = self.point_squares[low:high] / 2
        points = self.points(low, high)
        apart = product(points, vectors[0])[None] if len(vectors) == 1 else vectors @ points.T
        np.subtract(half, apart, out=apart)  # half of the squared distance, but for the vector's own square
        if places is not None and high > places[0]:
            apart[np.arange(low, high) >= places[:, None]] = np.inf
        reach = squares.astype(np.float64) + self.largest
        nearest = np.minimum(2.0 * apart.min(axis=1).astype(np.float64) + squares, value)
        limit = (nearest - squares) / 2 + (self.gamma + 1e-6) * reach + 4 * TINY
        i, j = np.nonzero(apart <= np.minimum(limit, LARGEST).astype(np.float32)[:, None])
        return i, j + low

    def _settle(self, part: I64, value: F64, i: I64, j: I64) -> None:
        step = max(1, 500_000 // max(self.d, 1))
        for start in range(0, len(i), step):
            a, b = i[start : start + step], self.rows[j[start : start + step]]
            np.minimum.at(value, a, self.apart(part[a], b))

    def apart(self, a: I64, b: I64) -> F64:
        """Squared distances of rows a[i] and b[i], from differences in float64."""
        difference = np.subtract(self.x[a], self.x[b], dtype=np.float64)
        difference *= 1 / self.unit
        return np.asarray(np.einsum("ij,ij->i", difference, difference))


def product(matrix: F32, vector: F32, out: F32 | None = None) -> F32:
    """matrix @ vector, on all cores where it is large."""
    out = np.empty(len(matrix), dtype=np.float32) if out is None else out
    if matrix.size < PARALLEL:
        return np.asarray(np.dot(matrix, vector, out=out))
    step = -(-len(matrix) // available_cores())

    def part(start: int) -> None:
        np.dot(matrix[start : start + step], vector, out=out[start : start + step])

    at_once(part, range(0, len(matrix), step))
    return out
