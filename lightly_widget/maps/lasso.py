"""Which points a lasso holds: the non-zero winding rule.

The boundary is half open, so that polygons side by side share no point and leave none out: of an axis-parallel
rectangle the left and the bottom edge are inside, the right and the top edge are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Lasso:
    """Points sorted by y once, so that each edge of a polygon looks only at the points beside it."""

    def __init__(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> None:
        """x and y are (n,); a point with NaN is in no polygon."""
        self._order = np.argsort(y, kind="stable")
        self._x = x.astype(np.float64)[self._order]
        self._y = y.astype(np.float64)[self._order]

    def inside(self, polygon: NDArray[np.float32]) -> NDArray[np.bool_]:
        """(n,) whether each point is inside; the polygon's (c, 2) corners are closed from the last to the first."""
        corners = polygon.astype(np.float64)
        winding = np.zeros(len(self._x), dtype=np.int32)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            start, stop = np.searchsorted(self._y, (min(y0, y1), max(y0, y1)), side="left")
            x, y = self._x[start:stop], self._y[start:stop]
            side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
            if y0 <= y1:
                winding[start:stop] += side > 0
            else:
                winding[start:stop] -= side < 0
        result = np.zeros(len(self._x), dtype=np.bool_)
        result[self._order] = winding != 0
        return result
