"""The three numbers that a sample has, each a type of its own, so that mypy catches one used for another.

- sample index: its number in the dataset, in the order in which samples were added; never changes
- candidate index: its position among the candidates of one sampling
- point index: its position in one explorer, and its number on the wire and in TypeScript
"""

from __future__ import annotations

from typing import NewType

import numpy as np
from numpy.typing import NDArray

SampleIndex = NewType("SampleIndex", int)
SampleIndexes = NewType("SampleIndexes", NDArray[np.int64])
CandidateIndex = NewType("CandidateIndex", int)
CandidateIndexes = NewType("CandidateIndexes", NDArray[np.int64])
PointIndex = NewType("PointIndex", int)
PointIndexes = NewType("PointIndexes", NDArray[np.int64])
