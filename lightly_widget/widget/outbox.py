"""Everything that a widget says, numbered: `seq` rises by one a message, so that the browser sees what got lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from lightly_widget.errors import Cancelled, LightlyWidgetError, MissingValuesError
from lightly_widget.wire import PART_POINTS, ColorBy, Reply, encode, pack_bits
from lightly_widget.wire.replies import Category, Colors, Error, Mask, MissingValues, Picks, Positions, Sync

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.coloring import Coloring
    from lightly_widget.indexes import PointIndexes

Send = Callable[[dict[str, Any], list[memoryview]], None]


QUIET: Final = (4.0, 16.0, 64.0)
"""Seconds after the last message at which `sync` follows. Servers that drop messages do so for some seconds."""


class Outbox:
    """Sends replies from any thread, in the order of their numbers."""

    def __init__(self, send: Send, quiet: Sequence[float] = QUIET) -> None:
        self._send = send
        self._quiet = quiet
        self._seq = 0
        self._said_at = 0.0
        self._syncs = 0
        self._timer: threading.Timer | None = None
        self._closed = False
        self._lock = threading.RLock()

    def close(self) -> None:
        """No more `sync`."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def say(self, reply: Reply, id: int | None = None, done: bool = False) -> None:  # noqa: A002 - the wire's name
        """One message; `done` marks the last answer to the request `id`."""
        content, buffers = encode(reply)
        with self._lock:
            self._number(content, buffers, id, done)
            self._said_at, self._syncs = time.monotonic(), 0
            if self._timer is None:
                self._sync_in(self._quiet[0])

    def _number(self, content: dict[str, Any], buffers: list[memoryview], id: int | None, done: bool) -> None:  # noqa: A002
        self._seq += 1
        self._send(content | {"seq": self._seq, "id": id, "done": done}, buffers)

    def _sync_in(self, seconds: float) -> None:
        if not self._closed:
            timer = threading.Timer(seconds, self._sync)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError:  # no thread to be had: the next message tries again
                return
            self._timer = timer

    def _sync(self) -> None:
        """A gap in the numbers shows with the next message only: after the last one, there must be one more."""
        with self._lock:
            self._timer = None
            left = self._said_at + self._quiet[self._syncs] - time.monotonic()
            if left > 0:
                self._sync_in(left)
                return
            self._number(*encode(Sync()), None, False)
            self._syncs += 1
            if self._syncs < len(self._quiet):
                self._sync_in(self._said_at + self._quiet[self._syncs] - time.monotonic())

    def error(self, error: BaseException, id: int | None) -> None:  # noqa: A002
        """An error as the last answer, as a sentence."""
        missing = MissingValues(error.key, error.count) if isinstance(error, MissingValuesError) else None
        self.say(Error(type(error).__name__, words(error), missing), id, done=id is not None)

    def positions(self, projection: str, x: NDArray[np.float32], y: NDArray[np.float32], *, animate: bool) -> None:
        """The geometry, in parts below 4 MB; at least one."""
        with self._lock:
            for start in range(0, max(len(x), 1), PART_POINTS):
                part = slice(start, start + PART_POINTS)
                last = start + PART_POINTS >= len(x)
                self.say(Positions(projection, animate, start, len(x), x[part], y[part], last))

    def mask(self, name: Literal["filter", "selection", "preselected"], mask: NDArray[np.bool_] | None, n: int) -> None:
        """One bit per point. None: every one of the `n` points for the filter, none for the others."""
        if mask is None:
            self.say(Mask(name, n if name == "filter" else 0, None))
        else:
            self.say(Mask(name, int(mask.sum()), pack_bits(mask)))

    def colors(self, color_by: ColorBy, coloring: Coloring, id: int | None, n: int) -> None:  # noqa: A002
        """A coloring, in parts below 4 MB; the last is the answer."""
        categories = [Category(name, count) for name, count in coloring.categories]
        with self._lock:
            for start in range(0, n if coloring.values is not None and n else 1, 2 * PART_POINTS):
                values = None if coloring.values is None else coloring.values[start : start + 2 * PART_POINTS]
                last = coloring.values is None or start + 2 * PART_POINTS >= n
                about = categories, coloring.domain, coloring.note
                self.say(Colors(color_by, coloring.scale, start, n, last, values, *about), id, done=last)

    def picks(
        self,
        slot: Literal["A", "B"],
        points: PointIndexes,
        gains: NDArray[np.float64],
        *,
        offset: int = 0,
        fraction: float = 1.0,
        id: int | None = None,  # noqa: A002
    ) -> None:
        """Picks in order from `offset` on, in parts below 4 MB; at least one, so that 0 picks clear those before."""
        with self._lock:
            for start in range(0, max(len(points), 1), PART_POINTS):
                part = slice(start, start + PART_POINTS)
                some = points[part].astype(np.uint32), gains[part].astype(np.float32)
                self.say(Picks(slot, offset + start, *some, fraction), id)


def words(error: BaseException) -> str:
    """What to tell the user about an error: ours say it themselves, others get their type named."""
    text = str(error)
    if isinstance(error, LightlyWidgetError):
        return text or ("cancelled" if isinstance(error, Cancelled) else type(error).__name__)
    return f"{type(error).__name__}: {text[:2_000]}" if text else type(error).__name__
