"""What the solver answers: blocks of picks, all of them, and why they end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .terms import F64, I64


class StopReason(StrEnum):
    """Why there are no more picks."""

    COMPLETE = "complete"
    EXHAUSTED = "exhausted"
    MINIMUM_DISTANCE = "minimum_distance"
    LIMIT = "limit"


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
