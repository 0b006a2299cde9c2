"""A pool of processes on this machine."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Final

from lightly_widget.checks import check_integer
from lightly_widget.engines.arrays import map_arrays, store_arrays
from lightly_widget.engines.partitioned import PartitionedEngine
from lightly_widget.engines.partitions import ROWS_PER_PARTITION, solve_part
from lightly_widget.engines.rounds import I64, Parts
from lightly_widget.errors import LightlyWidgetError
from lightly_widget.solver import Limit, Term

PATIENCE: Final = 0.05
"""Seconds between signs of life."""
_RETRIES: Final = 3


class WorkerLostError(LightlyWidgetError, RuntimeError):
    """Worker processes died again and again, most likely for want of memory."""


class LocalEngine(PartitionedEngine):
    """Solve large samplings in partitions, side by side in `workers` processes on this machine.

    Rows are dealt out at random, but the same for the same `seed`; each partition is solved greedily, and the union of
    the partitions' picks is solved again (see `lightly_widget.engines.partitions` for what that guarantees). The picks
    depend on the seed and the data, never on the number of workers. Up to `rows_per_partition` rows, and for a single
    weighting, whose answer is exact anyway, nothing is divided and the picks are those without an engine. A smaller
    count is not always a prefix of a larger one here; the prefixes of one result are still the answer to cut it to.
    `WorkerLostError` says that workers kept dying.
    """

    def __init__(
        self, workers: int | None = None, *, rows_per_partition: int = ROWS_PER_PARTITION, seed: int = 0
    ) -> None:
        """workers: processes, by default one per core. rows_per_partition: at most how many rows one of them holds."""
        from lightly_widget.threads import available_cores

        self.workers = available_cores() if workers is None else check_integer("workers", workers, least=1)
        super().__init__(rows_per_partition, seed)

    def __repr__(self) -> str:
        return f"LocalEngine(workers={self.workers}, rows_per_partition={self.rows_per_partition}, seed={self.seed})"

    def _solve_parts(
        self, terms: Sequence[Term], parts: list[I64], preselected: I64, n_picks: int, limits: Sequence[Limit]
    ) -> Parts:
        with tempfile.TemporaryDirectory(prefix="lightly_widget_") as folder:
            stored = store_arrays(terms, Path(folder))
            answers: dict[int, I64] = {}
            for attempt in range(_RETRIES + 1):
                try:
                    work = partial(_work, stored, preselected=preselected, n_picks=n_picks, limits=limits)
                    yield from self._run(work, parts, answers)
                    break
                except BrokenProcessPool as error:
                    if attempt == _RETRIES:
                        raise WorkerLostError(
                            f"worker processes died {_RETRIES + 1} times; lower rows_per_partition "
                            f"(now {self.rows_per_partition:,}) or workers (now {self.workers}) to use less memory"
                        ) from error
            return [answers[at] for at in range(len(parts))]

    def _run(self, work: Callable[[I64], I64], parts: list[I64], answers: dict[int, I64]) -> Generator[int, None, None]:
        """Add the answers that are missing."""
        missing = [at for at in range(len(parts)) if at not in answers]
        pool = ProcessPoolExecutor(min(self.workers, len(missing)), mp_context=multiprocessing.get_context("spawn"))
        try:
            running: dict[Future[I64], int] = {pool.submit(work, parts[at]): at for at in missing}
            while running:
                over, _ = wait(running, PATIENCE)
                for future in over:
                    answers[running.pop(future)] = future.result()
                yield len(answers)
        finally:
            _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """Leave no process behind, whatever they are doing."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join()


def _work(terms: Sequence[Term], rows: I64, *, preselected: I64, n_picks: int, limits: Sequence[Limit]) -> I64:
    return solve_part(map_arrays(terms), rows, preselected, n_picks, limits)
