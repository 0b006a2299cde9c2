"""Choose which data to label, train on or review, in the notebook.

Everything public is reachable from here; each name is loaded when it is first used, so that the import stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "dataset": ("Dataset", "ImageDataset"),
    "embedding": ("EfficientNetLite0", "Embedder", "SentenceMiniLM"),
    "engines": ("LocalEngine", "RayEngine"),
    "query": (
        "AND",
        "NOT",
        "OR",
        "ClassificationField",
        "ClassificationQuery",
        "ImageSampleField",
        "ObjectDetectionField",
        "ObjectDetectionQuery",
        "Query",
        "SampleField",
    ),
    "sampling": ("SamplingResult",),
    "strategies": (
        "AnnotationClassBalancingStrategy",
        "AtMost",
        "Budget",
        "EmbeddingDeduplicationStrategy",
        "EmbeddingDiversityStrategy",
        "EmbeddingRepresentativeStrategy",
        "EmbeddingSimilarityStrategy",
        "EmbeddingTypicalityStrategy",
        "Gap",
        "MetadataBalancingStrategy",
        "MetadataWeightingStrategy",
        "RandomStrategy",
        "SubpartDiversityStrategy",
    ),
    "widget": ("Explorer",),
}
_MODULES = {"errors": "errors", "expressions": "query.expressions", "plots": "plots"}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*sorted(_HOME_OF), *_MODULES]

if TYPE_CHECKING:
    from lightly_widget import errors as errors
    from lightly_widget import plots as plots
    from lightly_widget.dataset import Dataset as Dataset
    from lightly_widget.dataset import ImageDataset as ImageDataset
    from lightly_widget.embedding import EfficientNetLite0 as EfficientNetLite0
    from lightly_widget.embedding import Embedder as Embedder
    from lightly_widget.embedding import SentenceMiniLM as SentenceMiniLM
    from lightly_widget.engines import LocalEngine as LocalEngine
    from lightly_widget.engines import RayEngine as RayEngine
    from lightly_widget.query import AND as AND
    from lightly_widget.query import NOT as NOT
    from lightly_widget.query import OR as OR
    from lightly_widget.query import ClassificationField as ClassificationField
    from lightly_widget.query import ClassificationQuery as ClassificationQuery
    from lightly_widget.query import ImageSampleField as ImageSampleField
    from lightly_widget.query import ObjectDetectionField as ObjectDetectionField
    from lightly_widget.query import ObjectDetectionQuery as ObjectDetectionQuery
    from lightly_widget.query import Query as Query
    from lightly_widget.query import SampleField as SampleField
    from lightly_widget.query import expressions as expressions
    from lightly_widget.sampling import SamplingResult as SamplingResult
    from lightly_widget.strategies import AnnotationClassBalancingStrategy as AnnotationClassBalancingStrategy
    from lightly_widget.strategies import AtMost as AtMost
    from lightly_widget.strategies import Budget as Budget
    from lightly_widget.strategies import EmbeddingDeduplicationStrategy as EmbeddingDeduplicationStrategy
    from lightly_widget.strategies import EmbeddingDiversityStrategy as EmbeddingDiversityStrategy
    from lightly_widget.strategies import EmbeddingRepresentativeStrategy as EmbeddingRepresentativeStrategy
    from lightly_widget.strategies import EmbeddingSimilarityStrategy as EmbeddingSimilarityStrategy
    from lightly_widget.strategies import EmbeddingTypicalityStrategy as EmbeddingTypicalityStrategy
    from lightly_widget.strategies import Gap as Gap
    from lightly_widget.strategies import MetadataBalancingStrategy as MetadataBalancingStrategy
    from lightly_widget.strategies import MetadataWeightingStrategy as MetadataWeightingStrategy
    from lightly_widget.strategies import RandomStrategy as RandomStrategy
    from lightly_widget.strategies import SubpartDiversityStrategy as SubpartDiversityStrategy
    from lightly_widget.widget import Explorer as Explorer


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"lightly_widget.{_MODULES[name]}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'lightly_widget' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"lightly_widget.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
