"""Arrays in, picks out: the greedy objective behind every sampling strategy. Knows rows, and no ids, tags or frames."""

from __future__ import annotations

from .coverage import Coverage, coverage
from .greedy import iterate, solve
from .terms import (
    Balancing,
    Diversity,
    FacilityLocation,
    Picks,
    Solution,
    StopReason,
    SubpartDiversity,
    Term,
    Weighting,
)

__all__ = [
    "Balancing",
    "Coverage",
    "Diversity",
    "FacilityLocation",
    "Picks",
    "Solution",
    "StopReason",
    "SubpartDiversity",
    "Term",
    "Weighting",
    "coverage",
    "iterate",
    "solve",
]
