"""What the strategies and the sampling need to know about the candidates: the protocol that the dataset fulfills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from lightly_widget.errors import Progress
    from lightly_widget.neighbors import NeighborGraph


@dataclass(frozen=True)
class ViewInfo:
    """What a dataset offers to sample by. Cheap to make; the panel's reasons for grayed-out cards come from it."""

    n_samples: int
    embedding_models: tuple[str, ...] = ()
    tag_names: tuple[str, ...] = ()
    annotation_sources: Mapping[str, Literal["classification", "object_detection"]] = field(default_factory=dict)
    metadata: Mapping[str, Literal["number", "string", "boolean", "other"]] = field(default_factory=dict)


class CandidateView(Protocol):
    """Snapshot of the candidates of a query: row i is ``sample_ids[i]``, in query order.

    Later changes of the dataset do not change it. Every method raises this package's errors, which name the unknown
    thing and list what there is.
    """

    @property
    def sample_ids(self) -> pl.Series:
        """(n,) strings."""

    def __len__(self) -> int: ...

    def info(self) -> ViewInfo:
        """Names and types of what the dataset (not only the candidates) offers."""

    def embeddings(self, model_name: str | None) -> NDArray[np.float32]:
        """(n, d) in row order. ValueError: no model, several and none named, unknown, candidates without one."""

    def dataset_embeddings(self, model_name: str | None) -> tuple[NDArray[np.float32], pl.Series]:
        """(N, d) and the (N,) sample ids of every embedded sample of the whole dataset."""

    def dataset_graph(self, model_name: str | None, progress: Progress) -> NeighborGraph:
        """The stored k-nearest-neighbor graph (k = 20), rows as in ``dataset_embeddings``; built when missing."""

    def metadata(self, key: str) -> pl.Series:
        """(n,) values in row order, null where missing. ValueError: unknown key."""

    def dataset_values(self, key: str) -> list[str]:
        """The values of a key, as text, that any sample of the whole dataset has, sorted."""

    def dataset_classes(self, annotation_source: str | None) -> list[str]:
        """The classes that any sample of the whole dataset has, sorted."""

    def tag_names(self) -> list[str]:
        """The dataset's tags as they are now, not at the snapshot, so that a name taken since is seen."""

    def tag(self, name: str) -> pl.Series:
        """Sample ids of the tag as it is now, in pick order, candidates or not. ValueError: unknown tag."""

    def annotations(self, annotation_source: str | None) -> pl.DataFrame:
        """Columns row (u32), class_name, annotation_type, x, y, width, height, confidence. ValueError: unknown."""

    def crop_embeddings(
        self, model_name: str | None, annotation_source: str | None, progress: Progress
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(m, d) embeddings of the annotated boxes and the (m,) candidate row that owns each."""

    def write_tag(self, name: str, sample_ids: pl.Series, *, recipe: dict[str, Any], grow: bool) -> None:
        """One atomic write; the pick rank is the position.

        With ``grow``, a tag that exists then keeps its samples, and those that it lacks follow. Else ValueError.
        """

    def write_metadata(self, key: str, sample_ids: pl.Series, values: pl.Series) -> None:
        """Set the metadata of these samples in one atomic write; others keep theirs."""

    def frame(self, sample_ids: pl.Series) -> pl.DataFrame:
        """The samples' rows (with tags and ``metadata.<key>`` columns), in the order of the ids."""

    def samples(self, sample_ids: pl.Series) -> list[Any]:
        """The samples as objects, in the order of the ids."""

    def query_dict(self) -> dict[str, Any]:
        """The query as plain data: dataset name and filter, order and slice."""

    def query_code(self) -> str:
        """Python lines that define ``dataset`` and ``query`` (names repr-quoted), for ``SamplingResult.to_python``."""
