"""What strategies read about the candidates of a sampling: a protocol, which the dataset implements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from lightly_widget.errors import Progress
    from lightly_widget.neighbors import NeighborGraph


@dataclass(frozen=True)
class DatasetInfo:
    """The names and types of what a dataset offers to sample by. Cheap to make."""

    n_samples: int
    embedding_models: tuple[str, ...] = ()
    tag_names: tuple[str, ...] = ()
    annotation_sources: Mapping[str, Literal["classification", "object_detection"]] = field(default_factory=dict)
    metadata: Mapping[str, Literal["number", "string", "boolean", "other"]] = field(default_factory=dict)


class Candidates(Protocol):
    """The samples of a query at one moment, in query order: candidate i is ``sample_ids[i]``.

    Later changes of the dataset do not change it, except where a method says so. An unknown name raises this package's
    error, which lists the names that exist.
    """

    @property
    def sample_ids(self) -> pl.Series:
        """(n,) strings."""

    def __len__(self) -> int: ...

    def info(self) -> DatasetInfo:
        """The names and types of what the whole dataset offers, not only the candidates."""

    def embeddings(self, model_name: str | None) -> NDArray[np.float32]:
        """(n, d) in query order. ValueError: no model, several and none named, unknown, candidates without one."""

    def dataset_embeddings(self, model_name: str | None) -> tuple[NDArray[np.float32], pl.Series]:
        """(N, d) and the (N,) sample ids of every embedded sample of the whole dataset."""

    def dataset_graph(self, model_name: str | None, progress: Progress) -> NeighborGraph:
        """The k-nearest-neighbor graph (k = 20) of ``dataset_embeddings``, in its order; built if it is missing."""

    def metadata(self, key: str) -> pl.Series:
        """(n,) values in query order, null where missing. ValueError: unknown key."""

    def dataset_values(self, key: str) -> list[str]:
        """The distinct values of a key in the whole dataset, as strings, sorted."""

    def dataset_classes(self, annotation_source: str | None) -> list[str]:
        """The distinct classes in the whole dataset, sorted."""

    def tag_names(self) -> list[str]:
        """The dataset's tags as they are now, so that a name taken in the meantime is seen."""

    def tag(self, name: str) -> pl.Series:
        """Sample ids of the tag as it is now, in pick order, candidates or not. ValueError: unknown tag."""

    def annotations(self, annotation_source: str | None) -> pl.DataFrame:
        """Columns row (u32, the candidate), class_name, annotation_type, x, y, width, height, confidence."""

    def crop_embeddings(
        self, model_name: str | None, annotation_source: str | None, progress: Progress
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(m, d) embeddings of the annotated boxes and the (m,) candidates that own them."""
