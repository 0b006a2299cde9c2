"""What a sampling asks of an engine."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.solver import Limit, Picks, StopReason, Term


class Engine(Protocol):
    """Computes the picks of a sampling. The same arguments and results as `lightly_widget.solver.iterate`."""

    def iterate(
        self,
        terms: Sequence[Term],
        *,
        n_rows: int,
        n_picks: int,
        preselected: NDArray[np.int64],
        excluded: NDArray[np.int64],
        limits: Sequence[Limit],
    ) -> Generator[Picks, None, StopReason]:
        """Yield blocks of picks, also empty ones as signs of life; closing the generator leaves no work running."""
