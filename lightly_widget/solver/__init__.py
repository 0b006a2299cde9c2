"""Arrays in, picks out: the greedy objective behind every sampling strategy. Knows rows, and no ids, tags or frames."""

from __future__ import annotations

from .balancing import Balancing
from .coverage import Coverage, coverage
from .diversity import Diversity, SubpartDiversity
from .facility import FacilityLocation
from .greedy import iterate, solve
from .kernel import KernelCoverage
from .limits import AtMostPerGroup, CostBudget, LeastGap, Limit
from .solution import Picks, Solution, StopReason
from .terms import Term
from .weighting import Weighting

__all__ = [
    "AtMostPerGroup",
    "Balancing",
    "CostBudget",
    "Coverage",
    "Diversity",
    "FacilityLocation",
    "KernelCoverage",
    "LeastGap",
    "Limit",
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
