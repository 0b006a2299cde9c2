"""Target distributions of the balancing strategies: what was asked for → one share per column of counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import numpy as np
from msgspec import Meta

from lightly_widget.errors import InvalidValueError, did_you_mean, listed
from lightly_widget.structs import Distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

Target: TypeAlias = Annotated[
    Literal["uniform", "input"] | dict[str, Distance], Meta(title="Target", extra={"kind": "target"})
]

OTHERS: Final = "(all others)"
_MAX_CELLS: Final = 2**29
_SUM_TOLERANCE: Final = 1e-6


def check_target(target: Target) -> None:
    """ValueError: a dict that gives no class a share."""
    if isinstance(target, dict) and not any(target.values()):
        raise InvalidValueError(
            "target_distribution gives no class a share above 0; use 'uniform', 'input' or positive shares"
        )


def columns(
    wanted: Target, names: list[str], totals: NDArray[np.float64], everywhere: Callable[[], list[str]]
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]:
    """(column names, their shares with sum 1, the column of each class, warnings) for classes with these totals.

    A dict has a column per class that it names, and one for all others together, which gets what is left to 1. Shares
    that sum to more than 1, or to less with no class left to take the rest, are normalized. A named class that only
    samples outside of the candidates have, as `everywhere` knows, keeps its column, with a warning.
    """
    own = np.arange(len(names), dtype=np.int64)
    if wanted == "uniform":
        return tuple(names), np.full(len(names), 1 / len(names)), own, ()
    if wanted == "input":
        return tuple(names), totals / totals.sum(), own, ()
    assert isinstance(wanted, dict)
    absent = _absent(wanted, names, everywhere)
    position = {name: column for column, name in enumerate(wanted)}
    column_of = np.array([position.get(name, len(wanted)) for name in names], dtype=np.int64)
    shares = np.array(list(wanted.values()), dtype=np.float64)
    total, others = _sum(shares), not position.keys() >= set(names)
    if total > 1 + _SUM_TOLERANCE:
        warnings: tuple[str, ...] = (f"target_distribution sums to {total:.4g}, more than 1: it was normalized",)
    elif total < 1 - _SUM_TOLERANCE and not others:
        warnings = (f"target_distribution sums to {total:.4g} and names every class: it was normalized to 1",)
    else:
        warnings = ()
    if others:
        shares = np.append(shares, max(1 - total, 0.0))
    labels = (*wanted, OTHERS) if others else tuple(wanted)
    if warnings:
        shares = shares / shares.max()  # first, so that shares near the end of the floats do not overflow in the sum
        shares = shares / shares.sum()
    if absent:
        reachable = [share for label, share in zip(labels, shares, strict=True) if label not in absent]
        if not any(reachable):
            raise InvalidValueError(f"target_distribution: no candidate is {listed(absent)}; widen the query")
        warnings += (f"no candidate is {listed(absent)}: the sample cannot come nearer to that share",)
    return labels, shares, column_of, warnings


def _absent(wanted: Mapping[str, float], names: list[str], everywhere: Callable[[], list[str]]) -> list[str]:
    """The named classes that no candidate has. ValueError: one that no sample has."""
    absent = sorted(wanted.keys() - set(names))
    if absent:
        known = everywhere()
        for name in absent:
            if name not in known:
                raise InvalidValueError(f"target_distribution: {did_you_mean('class', name, known)}")
    return absent


def _sum(shares: NDArray[np.float64]) -> float:
    with np.errstate(over="ignore"):
        return float(shares.sum())


def count_matrix(
    rows: NDArray[np.int64], column: NDArray[np.int64], n_rows: int, n_columns: int
) -> NDArray[np.float32]:
    """(n_rows, n_columns) how often each (row, column) pair occurs."""
    if n_rows * n_columns > _MAX_CELLS:
        raise InvalidValueError(
            f"balancing {n_columns:,} classes over {n_rows:,} candidates takes more than {_MAX_CELLS:,} counts; "
            "name the classes that matter in target_distribution, the others then count as one"
        )
    matrix = np.zeros((n_rows, n_columns), dtype=np.float32)
    np.add.at(matrix, (rows, column), np.float32(1))
    return matrix
