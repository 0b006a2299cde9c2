"""What the engines share: the same partitions, and two rounds of solving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence

from lightly_widget.checks import check_integer
from lightly_widget.engines.partitions import ROWS_PER_PARTITION
from lightly_widget.engines.rounds import I64, NO_ROWS, Parts, two_rounds
from lightly_widget.solver import Limit, Picks, StopReason, Term


class PartitionedEngine(ABC):
    """An `Engine` that deals the rows out to partitions; how these are solved is its subclass's business."""

    def __init__(self, rows_per_partition: int = ROWS_PER_PARTITION, seed: int = 0) -> None:
        self.rows_per_partition = check_integer("rows_per_partition", rows_per_partition, least=1)
        self.seed = check_integer("seed", seed, least=0)

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
        """See `lightly_widget.engines.Engine`."""
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

    @abstractmethod
    def _solve_parts(
        self, terms: Sequence[Term], parts: list[I64], preselected: I64, n_picks: int, limits: Sequence[Limit]
    ) -> Parts:
        """The picks of each partition; yields how many are done, now and then."""
