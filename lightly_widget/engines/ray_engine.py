"""A Ray cluster."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Final

from lightly_widget.checks import check_integer, check_string
from lightly_widget.engines.local import PATIENCE
from lightly_widget.engines.partitions import ROWS_PER_PARTITION, solve_part
from lightly_widget.engines.rounds import I64, NO_ROWS, Parts, two_rounds
from lightly_widget.errors import MissingDependencyError
from lightly_widget.solver import Limit, Picks, StopReason, Term

_RETRIES: Final = 5


class RayEngine:
    """Solve large samplings in partitions, as tasks of a Ray cluster.

    The same partitions, and with the same `seed` and `rows_per_partition` the same picks, as `LocalEngine`. A task that
    dies with its worker or node is run again, up to five times. The nodes need this package.
    """

    def __init__(
        self, address: str | None = "auto", *, rows_per_partition: int = ROWS_PER_PARTITION, seed: int = 0
    ) -> None:
        """address: "auto" for the cluster that this machine belongs to, "ray://host:10001", or None to start one here.

        Raises:
            MissingDependencyError: Ray is not installed.
        """
        self.address = None if address is None else check_string("address", address)
        self.rows_per_partition = check_integer("rows_per_partition", rows_per_partition, least=1)
        self.seed = check_integer("seed", seed, least=0)
        _ray()

    def __repr__(self) -> str:
        return f"RayEngine({self.address!r}, rows_per_partition={self.rows_per_partition}, seed={self.seed})"

    def iterate(
        self,
        terms: Sequence[Term],
        *,
        n_rows: int,
        n_picks: int,
        preselected: I64 = NO_ROWS,
        excluded: I64 = NO_ROWS,
        limits: Sequence[Limit] = (),
    ) -> Generator[Picks, None, StopReason]:
        """See `lightly_widget.engines.Engine`. Connects to the cluster unless this process is connected already."""
        return two_rounds(
            terms,
            n_rows=n_rows,
            n_picks=n_picks,
            preselected=preselected,
            excluded=excluded,
            rows_per_partition=self.rows_per_partition,
            seed=self.seed,
            solve_parts=lambda parts: self._solve_parts(terms, parts, preselected, n_picks, limits),
            limits=limits,
        )

    def _solve_parts(
        self, terms: Sequence[Term], parts: list[I64], preselected: I64, n_picks: int, limits: Sequence[Limit]
    ) -> Parts:
        ray = _ray()
        if not ray.is_initialized():
            ray.init(address=self.address, log_to_driver=False)
        work = ray.remote(max_retries=_RETRIES, num_cpus=1)(solve_part)
        shared = ray.put(list(terms))  # once per node; tasks read it without a copy
        tasks = [work.remote(shared, part, preselected, n_picks, limits) for part in parts]
        running = list(tasks)
        try:
            while running:
                _, running = ray.wait(running, num_returns=len(running), timeout=PATIENCE)
                yield len(tasks) - len(running)
            answers: list[I64] = ray.get(tasks)
            return answers
        finally:
            for task in running:
                ray.cancel(task, force=True)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingDependencyError(
            "RayEngine needs the package ray, which is not installed; run: pip install 'lightly-widget[ray]'"
        ) from None
    return ray
