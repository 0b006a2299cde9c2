"""Random sampling, plain and stratified: the baseline that every other strategy is judged against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import polars as pl
from msgspec import Meta

from lightly_widget.errors import InvalidValueError, Progress, did_you_mean, no_progress, shown
from lightly_widget.strategies.base import Prepared, Strategy
from lightly_widget.strategies.by_value import text_groups
from lightly_widget.strategies.candidates import Candidates, DatasetInfo
from lightly_widget.structs import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNLABELED = "(no label)"


class RandomStrategy(Strategy, tag="random", frozen=True):
    """A random order of the candidates, the same for the same `seed` and candidates.

    `stratify_by` names an annotation source or a metadata key (text or booleans): then every group has its share of
    every prefix of the order. A sample with several classes belongs to the group of its most frequent one; samples
    without any form a group of their own.
    """

    title: ClassVar[str] = "Random"
    use_when: ClassVar[str] = "you need a baseline, or a test set that looks like the data."
    inverted: ClassVar[str] = ""
    has_gain: ClassVar[bool] = False
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, title="Seed", extra={"kind": "integer", "brief": "seed {}"})] = 0
    stratify_by: Annotated[Text | None, Meta(title="Stratify by", extra={"kind": "stratify"})] = None

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Weighting

        order = np.random.default_rng(self.seed).permutation(len(candidates))
        if self.stratify_by is not None:
            groups = strata(candidates, self.stratify_by)
            order = interleave(order, groups, progress)
        weights = np.empty(len(candidates))
        weights[order] = np.arange(len(candidates), 0, -1) / max(len(candidates), 1)
        return Prepared((Weighting(weights, strength=self.strength),))

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        return None


def strata(candidates: Candidates, name: str) -> NDArray[np.int64]:
    """(n,) the group of each candidate, by an annotation source or a metadata key; largest group first."""
    info = candidates.info()
    if name in info.annotation_sources and name in info.metadata:
        raise InvalidValueError(
            f"stratify_by={shown(name)} is both an annotation source and a metadata key; rename one"
        )
    if name in info.annotation_sources:
        labels = main_classes(candidates, name)
    elif name in info.metadata:
        labels = text_groups(candidates, name)
    else:
        options = [*info.annotation_sources, *info.metadata]
        raise InvalidValueError(f"stratify_by: {did_you_mean('annotation source or metadata key', name, options)}")
    by_size = (
        labels.fill_null(UNLABELED)
        .value_counts(sort=False, name="count")
        .sort(["count", labels.name], descending=[True, False])
    )
    names = by_size[labels.name].to_list()
    codes = labels.fill_null(UNLABELED).replace_strict(names, list(range(len(names))), return_dtype=pl.Int64)
    return codes.to_numpy()


def main_classes(candidates: Candidates, source: str | None) -> pl.Series:
    """(n,) the most frequent class of each candidate, ties to the first in the alphabet, null without annotation."""
    counted = candidates.annotations(source).group_by("row", "class_name").len()
    best = counted.sort("row", "len", "class_name", descending=[False, True, False]).unique("row", keep="first")
    rows = pl.DataFrame({"row": np.arange(len(candidates), dtype=np.uint32)})
    return rows.join(best, on="row", how="left", maintain_order="left")["class_name"]


def interleave(
    order: NDArray[np.int64], groups: NDArray[np.int64], progress: Progress = no_progress
) -> NDArray[np.int64]:
    """The order rearranged so that each prefix holds every group in proportion, each group in its own order.

    Smooth weighted round robin: at each step the group whose count lags most behind its quota gives its next row (the
    largest remainder of that prefix), ties to the lower group. In integers, so that no rounding moves a pick.
    """
    queued = order[np.argsort(groups[order], kind="stable")]
    sizes = np.bincount(groups, minlength=1).astype(np.int64)
    next_row = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    result, lag = np.empty_like(order), np.zeros(len(sizes), dtype=np.int64)
    ends = np.cumsum(sizes)
    for step in range(len(order)):
        lag += sizes
        group = int(lag.argmax())
        lag[group] -= len(order)
        result[step] = queued[next_row[group]]
        next_row[group] += 1
        if next_row[group] == ends[group]:
            sizes[group], lag[group] = 0, np.iinfo(np.int64).min // 2
        if step % 16_384 == 0:
            progress(step / len(order))
    return result
