"""A Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lightly_widget.checks import check_string
from lightly_widget.engines.local import PATIENCE
from lightly_widget.engines.partitioned import PartitionedEngine
from lightly_widget.engines.partitions import ROWS_PER_PARTITION, solve_part
from lightly_widget.engines.rounds import I64, Parts
from lightly_widget.errors import MissingDependencyError
from lightly_widget.solver import Limit, Term

_RETRIES: Final = 5


class RayEngine(PartitionedEngine):
    """Solve large samplings in partitions, as tasks of a Ray cluster.

    The same partitions, and with the same `seed` and `rows_per_partition` the same picks, as `LocalEngine`. A task that
    dies with its worker or node is run again, up to five times. The nodes need this package. Connects to the cluster
    unless this process is connected already.
    """

    def __init__(
        self, address: str | None = "auto", *, rows_per_partition: int = ROWS_PER_PARTITION, seed: int = 0
    ) -> None:
        """address: "auto" for the cluster that this machine belongs to, "ray://host:10001", or None to start one here.

        Raises:
            MissingDependencyError: Ray is not installed.
        """
        self.address = None if address is None else check_string("address", address)
        super().__init__(rows_per_partition, seed)
        _ray()

    def __repr__(self) -> str:
        return f"RayEngine({self.address!r}, rows_per_partition={self.rows_per_partition}, seed={self.seed})"

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
