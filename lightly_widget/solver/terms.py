"""What the solver is asked: the terms of the objective, as plain arrays, and the checks on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightly_widget.checks import check_number
from lightly_widget.errors import InvalidValueError, shown

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Diversity:
    """Rows far from the selection: P = B(S) + squared Euclidean distance to the nearest pick.

    `embeddings` (n, d) float32, may be memory-mapped. With `minimum_distance` (Euclidean), rows nearer than it to the
    selection are not eligible.
    """

    embeddings: F32
    strength: float = 1.0
    minimum_distance: float | None = None


@dataclass(frozen=True)
class SubpartDiversity:
    """Diversity of crops: P = B(crops of S) + mean over a row's crops of the squared distance to the nearest crop.

    `embeddings` (m, d) float32, one row per crop; `rows` (m,) the owner of each crop. P is 0 for rows without crops.
    """

    embeddings: F32
    rows: I64
    strength: float = 1.0


@dataclass(frozen=True)
class Weighting:
    """Rows of large weight: P = the sum of the selection's weights. `weights` (n,), finite; negatives are shifted."""

    weights: F64
    strength: float = 1.0


@dataclass(frozen=True)
class Balancing:
    """Class shares near a target: P = 1 / cross-entropy of the target and the selection's summed counts.

    `counts` (n, c) ≥ 0 (instances per class, or one-hot); `target` (c,) ≥ 0, normalized here.
    """

    counts: NDArray[Any]
    target: F64
    strength: float = 1.0


@dataclass(frozen=True)
class FacilityLocation:
    """Rows that stand for many: P = Σ over all rows of the largest similarity to a pick, on a neighbor graph.

    `indices` (n, k): row j's neighbors, each once, −1 where there is none; `similarities` (n, k) in 0…1. A row's
    similarity to itself is 1, and 0 where there is no edge.
    """

    indices: NDArray[np.int32]
    similarities: F32
    strength: float = 1.0


Term = Diversity | SubpartDiversity | Weighting | Balancing | FacilityLocation


class StopReason(StrEnum):
    """Why there are no more picks."""

    COMPLETE = "complete"
    EXHAUSTED = "exhausted"
    MINIMUM_DISTANCE = "minimum_distance"


@dataclass(frozen=True)
class Picks:
    """A block of picks in order, perhaps empty (a sign of life); `fraction` of the whole work done, 0…1."""

    rows: I64
    gains: F64
    fraction: float


@dataclass(frozen=True)
class Solution:
    """All picks in order, the gain of each, and why they end.

    A gain is, for one term: diversity, the Euclidean distance to the nearest earlier pick (inf where there is none);
    subparts, the root of the crops' mean squared distance; weighting, the weight; balancing, KL(target ‖ selection)
    after the pick; facility location, what the pick adds to Σ similarity. For several terms: Σ strength · log P.
    """

    rows: I64
    gains: F64
    stop_reason: StopReason


def check_terms(terms: list[Term], n_rows: int) -> None:
    """Raise InvalidValueError where a term's shapes, strength or target cannot be used.

    Embeddings are checked for NaN by the solver as it reads them the first time.
    """
    for term in terms:
        name = type(term).__name__
        check_number(f"{name}.strength", term.strength)
        _CHECKS[type(term)](term, n_rows)


def check_rows(name: str, rows: Any, n_rows: int) -> I64:
    """`rows` as unique int64, in order of first appearance; each must be in 0…n_rows−1."""
    values = np.asarray(rows)
    if values.size == 0:
        return np.empty(0, dtype=np.int64)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise InvalidValueError(f"{name} must be a 1-d array of whole row numbers, got {values.dtype} {values.shape}")
    wrong = (values < 0) | (values >= n_rows)
    if wrong.any():
        raise InvalidValueError(f"{name} holds {int(wrong.sum()):,} rows outside 0…{n_rows - 1}, as {values[wrong][0]}")
    unique, first = np.unique(values.astype(np.int64), return_index=True)
    return np.asarray(unique[np.argsort(first)])


def _check_matrix(name: str, array: Any, rows: int | None) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise InvalidValueError(f"{name} must be a 2-d array, got {getattr(array, 'shape', type(array).__name__)}")
    if rows is not None and len(array) != rows:
        raise InvalidValueError(f"{name} has {len(array):,} rows, expected one for each of {rows:,} candidates")


def _check_embeddings(name: str, array: Any, rows: int | None) -> None:
    _check_matrix(name, array, rows)
    if array.dtype != np.float32:
        raise InvalidValueError(f"{name} must be float32, got {array.dtype}; use .astype(numpy.float32)")
    if array.shape[1] == 0 and len(array):
        raise InvalidValueError(f"{name} has rows of length 0")


def check_finite(name: str, array: NDArray[Any]) -> None:
    """Raise naming how many rows of `array` hold NaN or infinity, and the first."""
    bad = ~np.isfinite(array)
    if bad.ndim > 1:
        bad = bad.any(axis=1)
    if bad.any():
        rows = np.flatnonzero(bad)
        raise InvalidValueError(f"{name} has {len(rows):,} rows with NaN or infinity, the first is row {rows[0]}")


def _check_diversity(term: Diversity, n_rows: int) -> None:
    _check_embeddings("Diversity.embeddings", term.embeddings, n_rows)
    distance = term.minimum_distance
    if distance is not None and not (math.isfinite(distance) and distance >= 0):
        raise InvalidValueError(f"Diversity.minimum_distance must be finite and at least 0, got {shown(distance)}")


def _check_subparts(term: SubpartDiversity, n_rows: int) -> None:
    _check_embeddings("SubpartDiversity.embeddings", term.embeddings, None)
    rows = np.asarray(term.rows)
    if rows.shape != (len(term.embeddings),) or (rows.size and not np.issubdtype(rows.dtype, np.integer)):
        raise InvalidValueError(
            f"SubpartDiversity.rows must name one row per crop: {len(term.embeddings):,} numbers, got {rows.shape}"
        )
    if rows.size and not (rows.min() >= 0 and rows.max() < n_rows):
        raise InvalidValueError(f"SubpartDiversity.rows must be in 0…{n_rows - 1}, got {rows.min()}…{rows.max()}")


def _check_weighting(term: Weighting, n_rows: int) -> None:
    weights = np.asarray(term.weights)
    if weights.shape != (n_rows,):
        raise InvalidValueError(f"Weighting.weights must be one per candidate, ({n_rows:,},), got {weights.shape}")
    check_finite("Weighting.weights", weights)


def _check_balancing(term: Balancing, n_rows: int) -> None:
    _check_matrix("Balancing.counts", term.counts, n_rows)
    check_finite("Balancing.counts", term.counts)
    if term.counts.size and term.counts.min() < 0:
        raise InvalidValueError(f"Balancing.counts must not be negative, got {term.counts.min()}")
    target = np.asarray(term.target, dtype=np.float64)
    if target.shape != (term.counts.shape[1],):
        raise InvalidValueError(
            f"Balancing.target must hold one share for each of {term.counts.shape[1]} classes, got {target.shape}"
        )
    if not (np.isfinite(target).all() and (target >= 0).all() and target.sum() > 0):
        raise InvalidValueError(
            f"Balancing.target must be finite, not negative and above 0 in sum, got {shown(target.tolist())}"
        )


def _check_facility(term: FacilityLocation, n_rows: int) -> None:
    _check_matrix("FacilityLocation.indices", term.indices, n_rows)
    _check_matrix("FacilityLocation.similarities", term.similarities, n_rows)
    if term.indices.shape != term.similarities.shape:
        raise InvalidValueError(
            f"FacilityLocation.indices {term.indices.shape} and .similarities {term.similarities.shape} must agree"
        )
    if not np.issubdtype(term.indices.dtype, np.integer):
        raise InvalidValueError(f"FacilityLocation.indices must be whole numbers, got {term.indices.dtype}")
    check_finite("FacilityLocation.similarities", term.similarities)
    if not term.indices.size:
        return
    if term.indices.min() < -1 or term.indices.max() >= n_rows:
        raise InvalidValueError(f"FacilityLocation.indices must be in −1…{n_rows - 1}")
    if term.similarities.min() < 0 or term.similarities.max() > 1:
        raise InvalidValueError("FacilityLocation.similarities must be in 0…1")


_CHECKS: dict[type, Any] = {
    Diversity: _check_diversity,
    SubpartDiversity: _check_subparts,
    Weighting: _check_weighting,
    Balancing: _check_balancing,
    FacilityLocation: _check_facility,
}
