"""From a query's candidates to a sample: the methods of `query.sampling()`, and the result they give."""

from lightly_widget.sampling.api import Sampling
from lightly_widget.sampling.home import ResultHome
from lightly_widget.sampling.metrics import Coverage, CoverageCurve, Shares
from lightly_widget.sampling.result import SamplingResult
from lightly_widget.sampling.run import PickedBlock
from lightly_widget.sampling.stored_values import compute_similarity_metadata, compute_typicality_metadata

__all__ = [
    "Coverage",
    "CoverageCurve",
    "PickedBlock",
    "ResultHome",
    "Sampling",
    "SamplingResult",
    "Shares",
    "compute_similarity_metadata",
    "compute_typicality_metadata",
]
