"""Sampling strategies: immutable structs that turn candidates into solver terms, and themselves into a dict and back.

The dict is the one vocabulary for Python, the saved recipe and the browser's panel:
``{"type": "diversity", "strength": 1.0, "embedding_model_name": None}``.
"""

from lightly_widget.strategies.base import Balance, Prepared, Strategy, strategy_from_dict, strategy_types
from lightly_widget.strategies.baseline import RandomStrategy
from lightly_widget.strategies.by_embedding import (
    EmbeddingDeduplicationStrategy,
    EmbeddingDiversityStrategy,
    EmbeddingRepresentativeStrategy,
    EmbeddingSimilarityStrategy,
    EmbeddingTypicalityStrategy,
    SubpartDiversityStrategy,
)
from lightly_widget.strategies.by_value import (
    AnnotationClassBalancingStrategy,
    MetadataBalancingStrategy,
    MetadataWeightingStrategy,
)
from lightly_widget.strategies.candidates import Candidates, DatasetInfo
from lightly_widget.strategies.limits import MAX_LIMITS, AtMost, Budget, Gap, Limit, LimitDict, parse_limits
from lightly_widget.strategies.registry import (
    MAX_STRATEGIES,
    catalog,
    parse_strategies,
    unusable,
)

__all__ = [
    "MAX_LIMITS",
    "MAX_STRATEGIES",
    "AnnotationClassBalancingStrategy",
    "AtMost",
    "Balance",
    "Budget",
    "Candidates",
    "DatasetInfo",
    "EmbeddingDeduplicationStrategy",
    "EmbeddingDiversityStrategy",
    "EmbeddingRepresentativeStrategy",
    "EmbeddingSimilarityStrategy",
    "EmbeddingTypicalityStrategy",
    "Gap",
    "Limit",
    "LimitDict",
    "MetadataBalancingStrategy",
    "MetadataWeightingStrategy",
    "Prepared",
    "RandomStrategy",
    "Strategy",
    "SubpartDiversityStrategy",
    "catalog",
    "parse_limits",
    "parse_strategies",
    "strategy_from_dict",
    "strategy_types",
    "unusable",
]
