"""The strategies that look at the embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from msgspec import Meta

from lightly_widget.errors import InvalidValueError, Progress, did_you_mean, listed, no_progress, shown
from lightly_widget.strategies.base import Model, Prepared, Source, Strategy
from lightly_widget.strategies.by_value import numbers_of
from lightly_widget.strategies.candidates import Candidates, DatasetInfo
from lightly_widget.structs import MAX_FLOAT, Distance, Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.solver import Term

NO_EMBEDDINGS = "The dataset has no embeddings yet: dataset.embed() or dataset.add_embeddings(…) adds them."
NEIGHBORS = 20


class _NeedsEmbeddings(Strategy, frozen=True):
    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        return None if info.embedding_models else NO_EMBEDDINGS


class EmbeddingDiversityStrategy(_NeedsEmbeddings, tag="diversity", frozen=True):
    """Greedy farthest-first (k-center): each pick is the candidate farthest from all picks before it (Euclidean)."""

    title: ClassVar[str] = "Diverse"
    use_when: ClassVar[str] = "you want every kind of sample once, rare ones too."
    inverted: ClassVar[str] = "Inverted: near-copies of what is chosen come first."
    embedding_model_name: Model = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Diversity

        return Prepared((Diversity(candidates.embeddings(self.embedding_model_name), strength=self.strength),))


class EmbeddingRepresentativeStrategy(_NeedsEmbeddings, tag="representative", frozen=True):
    """Coverage: picks that stand for all candidates.

    `scope="global"` (the default) maximizes the mean over targets t of max over picks l of exp(−‖z_t − z_l‖² / h²), z
    the candidates' embeddings minus their mean, at unit length, h the `bandwidth`; targets are all candidates up to
    8,192, of more a fixed random 8,192 (Bae et al. 2024). `scope="local"` is facility location on the graph of the
    candidates' 20 nearest neighbors, which ignores `bandwidth`.

    Use global for small budgets and whenever in doubt. Accuracy of a linear probe above random picks, in points: at 100
    labels global +4.9 and local +2.2 on photographs of 10 classes, +6.5 and +6.0 on texts of 52 very unequal classes,
    +2.1 and +1.3 on industrial images; at 300, +1.5 and +0.5, +2.9 and +3.6, +0.8 and +1.2; at 1,000, +0.5 and +0.2 on
    photographs, +0.9 and +0.9 on texts. Local is for large budgets, where many small groups count: it is ahead only at
    300 labels, on texts and industrial images, and within the intervals there. A larger bandwidth covers more coarsely:
    1.0 was better on photographs up to 300 labels, and worse at 1,000. A gain is not
    certain: on emoji of 9 unequal groups global gained 2.6 and local 6.0 at 30 labels, and both lost about 2.4 at 100.
    `SamplingResult.worth` measures it on your own data.

    `weight_by` names a metadata key of numbers ≥ 0 that weighs the mean over targets: with a probe's uncertainty, picks
    are representative of what it is unsure of. For `scope="global"`.
    """

    title: ClassVar[str] = "Representative"
    use_when: ClassVar[str] = "you can label only a few and want them to stand for all."
    inverted: ClassVar[str] = "Inverted: samples that stand for few others come first."
    embedding_model_name: Model = None
    bandwidth: Annotated[float, Meta(ge=0.01, le=MAX_FLOAT, title="Bandwidth", extra={"brief": "bandwidth {}"})] = 0.7
    scope: Annotated[Literal["global", "local"], Meta(title="Scope")] = "global"
    weight_by: Annotated[Text | None, Meta(title="Weighted by", extra={"kind": "weight"})] = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import KernelCoverage

        embeddings = candidates.embeddings(self.embedding_model_name)  # also says what is missing
        if self.scope == "global":
            weights = None if self.weight_by is None else _target_weights(candidates, self.weight_by)
            return Prepared((KernelCoverage(embeddings, self.bandwidth, self.strength, weights),))
        if self.weight_by is not None:
            raise InvalidValueError(f"weight_by={shown(self.weight_by)} needs scope='global', got scope='local'")
        return Prepared((self._local(candidates, embeddings, progress),))

    def _local(self, candidates: Candidates, embeddings: NDArray[np.float32], progress: Progress) -> Term:
        """When all embedded samples of the dataset are candidates, the graph stored with the dataset serves."""
        from lightly_widget.neighbors import build_graph
        from lightly_widget.solver import FacilityLocation

        _, all_ids = candidates.dataset_embeddings(self.embedding_model_name)
        if all_ids.equals(candidates.sample_ids):
            graph = candidates.dataset_graph(self.embedding_model_name, progress)
        else:
            graph = build_graph(embeddings, NEIGHBORS, progress=progress)
        return FacilityLocation(graph.indices, edge_similarities(graph.distances), strength=self.strength)


def _target_weights(candidates: Candidates, key: str) -> NDArray[np.float64]:
    weights = numbers_of(candidates, key, "weight_by")
    if len(weights) and not (weights.min() >= 0 and weights.max() > 0):
        raise InvalidValueError(
            f"weight_by={shown(key)} must hold numbers of 0 or more, and not only 0, got {weights.min():g} to "
            f"{weights.max():g}; name another metadata key"
        )
    return weights


class EmbeddingDeduplicationStrategy(_NeedsEmbeddings, tag="deduplication", frozen=True):
    """Diversity that stops when no candidate is at least this far (Euclidean, ≥ 0) from the picks."""

    title: ClassVar[str] = "Deduplicate"
    use_when: ClassVar[str] = "there are near-duplicates, such as frames of a video, and you want one of each."
    inverted: ClassVar[str] = "Inverted: near-copies come first."
    stopping_condition_minimum_distance: Annotated[
        Distance, Meta(title="Min. distance", extra={"kind": "number", "initial": 0.1, "brief": "≥ {}"})
    ]
    embedding_model_name: Model = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Diversity

        embeddings = candidates.embeddings(self.embedding_model_name)
        minimum = self.stopping_condition_minimum_distance
        return Prepared((Diversity(embeddings, strength=self.strength, minimum_distance=minimum),))


class EmbeddingSimilarityStrategy(_NeedsEmbeddings, tag="similarity", frozen=True):
    """Weighs each candidate by exp(−d / mean d), d its Euclidean distance to the nearest sample of the query tag."""

    title: ClassVar[str] = "Similar to a tag"
    use_when: ClassVar[str] = "you have a few examples and want more like them."
    inverted: ClassVar[str] = "Inverted: samples least like the tag come first."
    query_tag_name: Annotated[Text, Meta(title="Like tag", extra={"kind": "tag"})]
    embedding_model_name: Model = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Weighting

        query, warnings = query_embeddings(candidates, self.query_tag_name, self.embedding_model_name)
        weights = similarity(candidates.embeddings(self.embedding_model_name), query, progress)
        return Prepared((Weighting(weights, strength=self.strength),), warnings)

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        if not info.embedding_models:
            return NO_EMBEDDINGS
        return None if info.tag_names else "There is no tag to be similar to: tag a few example samples first."


class EmbeddingTypicalityStrategy(_NeedsEmbeddings, tag="typicality", frozen=True):
    """Weighs each candidate by how close its 20 nearest neighbors in the whole dataset are."""

    title: ClassVar[str] = "Typical"
    use_when: ClassVar[str] = "you want the usual cases; with a negative strength, the odd ones."
    inverted: ClassVar[str] = "Inverted: the oddest samples come first."
    embedding_model_name: Model = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Weighting

        ids, values = typicality(candidates, self.embedding_model_name, progress)
        table = pl.DataFrame({"sample_id": ids, "value": values})
        found = pl.DataFrame({"sample_id": candidates.sample_ids}).join(
            table, on="sample_id", how="left", maintain_order="left"
        )["value"]
        if count := found.null_count():
            missing = candidates.sample_ids.filter(found.is_null())
            raise InvalidValueError(
                f"{count:,} of {len(candidates):,} candidates have no embedding (first: {listed(missing.head(3))}); "
                "dataset.embed() embeds them, or leave them out with a filter"
            )
        return Prepared((Weighting(found.to_numpy().astype(np.float64), strength=self.strength),))


class SubpartDiversityStrategy(_NeedsEmbeddings, tag="subpart_diversity", frozen=True):
    """Diversity of what is inside the annotated boxes: a sample scores the mean over its crops."""

    title: ClassVar[str] = "Diverse objects"
    use_when: ClassVar[str] = "the objects matter more than the whole image: you want different ones."
    inverted: ClassVar[str] = "Inverted: objects like those chosen come first."
    embedding_model_name: Model = None
    annotation_source: Source = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import SubpartDiversity

        embeddings, rows = candidates.crop_embeddings(self.embedding_model_name, self.annotation_source, progress)
        if not len(rows):
            raise InvalidValueError("no candidate has an annotated box; widen the query or add object detections first")
        return Prepared((SubpartDiversity(embeddings, rows, strength=self.strength),))

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        if not info.embedding_models:
            return NO_EMBEDDINGS
        if "object_detection" in info.annotation_sources.values():
            return None
        return "The dataset has no boxes: add object detections, for instance from COCO or YOLO files."


def query_embeddings(
    candidates: Candidates, tag_name: str, model_name: str | None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """(m, d) embeddings of the tag's samples, candidates or not, and a warning when some of them have none."""
    if not isinstance(tag_name, str) or tag_name not in (tags := candidates.tag_names()):
        tags = candidates.tag_names()
        raise InvalidValueError(f"query_tag_name: {did_you_mean('tag', tag_name, tags)}")
    members = candidates.tag(tag_name)
    embeddings, ids = candidates.dataset_embeddings(model_name)
    rows = np.flatnonzero(ids.is_in(members.implode()).to_numpy())
    if not len(rows):
        what = "is empty" if not len(members) else f"holds {len(members):,} samples, none with an embedding"
        raise InvalidValueError(f"query_tag_name={shown(tag_name)}: the tag {what}; add embedded samples to it")
    missing = len(members) - len(rows)
    note = f"{missing:,} of the {len(members):,} samples of the query tag {shown(tag_name)} have no embedding"
    return embeddings[rows], (note,) if missing else ()


def similarity(
    embeddings: NDArray[np.float32], query: NDArray[np.float32], progress: Progress = no_progress
) -> NDArray[np.float64]:
    """(n,) weights exp(−d / mean d) in 0…1, d the Euclidean distance to the nearest of the (m, d) query embeddings.

    The mean is over all rows, the query's own included; 1 everywhere when all distances are 0.
    """
    from lightly_widget.neighbors import distance_to_set

    return _closeness(distance_to_set(embeddings, query, progress=progress))


def typicality(
    candidates: Candidates, model_name: str | None, progress: Progress = no_progress
) -> tuple[pl.Series, NDArray[np.float64]]:
    """The ids of all embedded samples of the dataset and their (N,) typicality in 0…1."""
    from lightly_widget import neighbors

    _, ids = candidates.dataset_embeddings(model_name)
    return ids, neighbors.typicality(candidates.dataset_graph(model_name, progress))


def edge_similarities(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, k) exp(−d / D), D the mean of the finite distances; 0 where there is no edge."""
    known = np.isfinite(distances)
    mean = distances.mean(dtype=np.float64, where=known) if known.any() else 0.0
    if mean == 0:
        return known.astype(np.float32)
    similarities: NDArray[np.float32] = np.exp(distances / np.float32(-mean), dtype=np.float32)
    return similarities


def _closeness(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = distances.mean() if len(distances) else 0.0
    if mean == 0:  # all on the query: all are as similar as can be
        return np.ones(len(distances))
    weights: NDArray[np.float64] = np.exp(-distances / mean)
    return weights
