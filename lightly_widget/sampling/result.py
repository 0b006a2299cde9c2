"""What a sampling gives back: the picks in order, why it stopped, and how good they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from lightly_widget.checks import check_bool, check_integer, check_items
from lightly_widget.errors import InvalidValueError, Progress, no_progress, shown
from lightly_widget.indexes import CandidateIndexes
from lightly_widget.sampling.checks import check_result_tag
from lightly_widget.sampling.metrics import (
    BalanceCounts,
    Coverage,
    CoverageCurve,
    Shares,
    coverage_curve,
    label_shares,
    normalized,
    random_rows,
)
from lightly_widget.sampling.recipe import python_code
from lightly_widget.sampling.worth import Resample, worth_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.sampling.home import ResultHome
    from lightly_widget.solver import StopReason
    from lightly_widget.strategies import Balance, Strategy
    from lightly_widget.worth import LearningCurve


@dataclass(frozen=True, eq=False, repr=False)
class SamplingResult:
    """A sample: the preselected and pinned samples that are in it, then the new picks in pick order.

    Each prefix of the new picks is the answer for a smaller count; iterating and `len` are about the whole sample.

    It keeps the snapshot that it was taken from, for the figures that are computed when first asked for.
    """

    new_ids: list[str]
    """The new picks, without the samples that were there before."""
    gains: NDArray[np.float64]
    """(n_new,) what each new pick brought: for diversity the distance to the picks before it (inf for the first), for
    weightings the weight, for balancing the divergence from the target after it; for combinations the joint score."""
    stop_reason: StopReason
    message: str
    """What happened, and what to do about it."""
    n_requested: int
    tag_name: str | None
    """The tag that was written, or None."""
    warnings: tuple[str, ...]
    recipe: dict[str, Any]
    """Plain data that `Sampling.run` repeats: the query, the strategies, the count, the preselection, the versions."""
    rows: CandidateIndexes
    """(n_new,) the candidate row of each new pick."""
    preselected_rows: CandidateIndexes
    """The candidate rows that were in the sample before: the preselected tag's, then the pinned ones."""
    excluded_rows: CandidateIndexes
    strategies: tuple[Strategy, ...]
    _home: ResultHome = field(repr=False)
    _resample: Resample = field(repr=False)
    """The same strategies and preselection, with other exclusions and another count."""
    _balances: tuple[Balance, ...] = field(default=(), repr=False)

    @cached_property
    def sample_ids(self) -> list[str]:
        """The ids of the whole sample: `preselected_ids`, then `new_ids`."""
        return [*self.preselected_ids, *self.new_ids]

    @property
    def n_new(self) -> int:
        """How many new picks there are."""
        return len(self.new_ids)

    def __len__(self) -> int:
        return len(self.preselected_rows) + self.n_new

    def __iter__(self) -> Iterator[str]:
        return iter(self.sample_ids)

    def __repr__(self) -> str:
        kinds = " + ".join(strategy.type for strategy in self.strategies)
        tag = f", tag {shown(self.tag_name)}" if self.tag_name is not None else ""
        before = f", {len(self.preselected_rows):,} before" if len(self.preselected_rows) else ""
        counts = f"{self.n_new:,}{' new' * bool(before)}{before} of {self.n_candidates:,} candidates"
        return f"<SamplingResult: {counts} by {kinds}{tag}; {self.message}>"

    @property
    def n_candidates(self) -> int:
        """How many candidates there were, preselected ones included."""
        return len(self._home)

    @property
    def candidate_ids(self) -> pl.Series:
        """The ids of all candidates, in their order."""
        return self._home.sample_ids

    def embeddings(self) -> NDArray[np.float32] | None:
        """(n_candidates, d) embeddings that the strategies use, else the dataset's only ones.

        None where there are none, several and none named, or not for all candidates.
        """
        model = self._model()
        return None if model is None else self._home.embeddings(model)

    @property
    def preselected_ids(self) -> list[str]:
        """The ids of the preselected and the pinned samples."""
        return self._ids(self.preselected_rows)

    @property
    def samples(self) -> list[Any]:
        """The samples, those that were there before first, then the new ones in pick order."""
        return self._home.samples(pl.Series("sample_id", self.sample_ids, dtype=pl.String))

    def to_polars(self) -> pl.DataFrame:
        """The sample's rows, with `rank` (u32, the first new pick is 1) and `gain` (f64).

        Both are null for the samples that were there before, which come first.
        """
        frame = self._home.frame(pl.Series("sample_id", self.sample_ids, dtype=pl.String))
        before = [None] * len(self.preselected_rows)
        rank = pl.Series("rank", [*before, *range(1, self.n_new + 1)], dtype=pl.UInt32)
        gain = pl.Series("gain", [*before, *self.gains.tolist()], dtype=pl.Float64)
        return frame.drop("rank", "gain", strict=False).with_columns(rank, gain)

    def prefix(self, n: int) -> SamplingResult:
        """The answer for a smaller count of new picks, at no cost. ValueError: n is more than there are."""
        count = self._count("n", n)
        if count == self.n_new:
            return self
        from lightly_widget.solver import StopReason

        return dataclasses.replace(
            self,
            new_ids=self.new_ids[:count],
            gains=self.gains[:count],
            rows=CandidateIndexes(self.rows[:count]),
            stop_reason=StopReason.COMPLETE,
            message=f"the first {count:,} of {self.n_new:,} picks.",
            n_requested=count,
            tag_name=None,
            recipe=self.recipe | {"n_samples_to_select": count, "tag_name": None},
        )

    def save_as(self, tag_name: str, n: int | None = None, grow: bool = False, replace: bool = False) -> SamplingResult:
        """Write the sample, cut to its first `n` new picks (all for None), as a tag, in one atomic write.

        With `grow`, a tag of that name keeps its samples, and those that it lacks are added at its end; so does the
        preselected tag when it is named. With `replace`, a tag of that name holds this sample alone. Else ValueError:
        the tag exists. Returns the result with its `tag_name`.
        """
        check_bool("grow", grow)
        if check_bool("replace", replace) and grow:
            raise InvalidValueError("grow=True and replace=True exclude each other; give one of them")
        part = self if n is None else self.prefix(n)
        checked = check_result_tag(self._home, tag_name, part.recipe["preselected_tag_name"], grow=grow or replace)
        if not part.n_new:
            raise InvalidValueError("there is nothing to save; the sample has no new picks")
        return written_as(part, checked, grow=grow, replace=replace)

    def to_python(self) -> str:
        """Code that repeats this sampling in a fresh interpreter and leaves it in `result`; it writes no tag."""
        return python_code(self.recipe, self.strategies, self._home.query_code(), self._changed_preselection())

    def to_html(self, path: str | Path, **options: Any) -> Path:
        """Write a page that shows the sample among its candidates, alive without a kernel and without a network.

        Options are those of `Explorer.to_html`; `compare` is another result that is shown as B.
        """
        return self._home.to_html(self, path, options)

    def _changed_preselection(self) -> list[str] | None:
        """What the preselected tag held, where it holds something else now: the result itself may have grown it."""
        tag_name = self.recipe["preselected_tag_name"]
        if tag_name is None:
            return None
        held = self.preselected_ids[: self.recipe["n_preselected"]]
        exists = tag_name in self._home.tag_names()
        return None if exists and self._home.tag(tag_name).to_list() == held else held

    @cached_property
    def coverage(self) -> Coverage | None:
        """How tightly the sample covers the candidates, beside random. Computed when first asked for, then kept.

        Measured in `embeddings()`; None where these are None, or when there is neither a pick nor a preselected sample.
        """
        curve = self.coverage_curve([self.n_new])
        return None if curve is None else curve.last

    def coverage_curve(self, at: Sequence[int] | None = None, progress: Progress = no_progress) -> CoverageCurve | None:
        """`coverage` after each of the counts in `at`, rising, 1…n_new; None there means about 30 counts over all."""
        if not len(self):
            return None
        embeddings = self.embeddings()
        counts = _spread(self.n_new) if at is None else sorted(self._counts(at))
        if not len(self.preselected_rows):
            counts = [count for count in counts if count]
        if embeddings is None or not counts:
            return None
        return coverage_curve(embeddings, self.rows, self._baseline(), self.preselected_rows, counts, progress)

    def worth(
        self,
        labels: str | None = None,
        *,
        beside: Sequence[SamplingResult] = (),
        budgets: Sequence[int] | None = None,
        embedding_model_name: str | None = None,
        n_random: int = 10,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> LearningCurve:
        """What labels bought this way are worth: learning curves of a probe, beside random samples.

        A quarter of the labeled candidates (2,000 at most) is held out. The strategies sample again among the others,
        and a logistic regression on the embeddings, trained on prefixes of that sample, is tested on what was held out,
        beside `n_random` random samples. Unlabeled candidates are left out; preselected samples with a label are in
        every training set. Strategies that look at the whole dataset see held-out embeddings, and never their labels.

        labels: an annotation source of classifications or a metadata key of strings or booleans; None where there is
            one such source. beside: samples of the same candidates, whose curves are drawn with this one's. budgets:
            ascending counts of labels, by default six up to the size of this sample. embedding_model_name: what the
            probe is trained on, by default what the strategies use. n_random: 2 or more.

        Raises:
            InvalidValueError: no labels or one class only, too few labels, an unknown name, bad budgets, a sample in
                `beside` of other candidates.
        """
        others = check_items("beside", beside, what="SamplingResults")
        for position, other in enumerate(others):
            if not self.is_comparable(other):
                raise InvalidValueError(
                    f"beside[{position}] must be a sample of the same candidates and preselection, got {shown(other)}"
                )
        samplings: dict[str, Resample] = {}
        for result in (self, *others):
            kinds = " + ".join(strategy.type for strategy in result.strategies)
            same = sum(name == kinds or name.startswith(f"{kinds} (") for name in samplings)
            samplings[kinds if not same else f"{kinds} ({same + 1})"] = result._resample
        return worth_of(
            self._home,
            samplings,
            embedding_model_name if embedding_model_name is not None else self._model(),
            labels=labels,
            budgets=budgets,
            most=self.n_new,
            preselected=self.preselected_rows,
            excluded=np.unique(np.concatenate([result.excluded_rows for result in (self, *others)])),
            n_random=n_random,
            seed=seed,
            progress=progress,
        )

    def is_comparable(self, other: object) -> bool:
        """Whether another sample is of the same candidates, in the same order, beside the same preselection."""
        return (
            isinstance(other, SamplingResult)
            and self.preselected_ids == other.preselected_ids
            and self.candidate_ids.equals(other.candidate_ids)
        )

    @property
    def shares(self) -> tuple[Shares, ...]:
        """Target against achieved shares, one entry per balancing strategy, the preselected samples counted in."""
        return tuple(self._balance_shares(balance) for balance in self._balances)

    @property
    def balance_counts(self) -> tuple[BalanceCounts, ...]:
        """The objects won per class and the picks without any, one entry per balancing strategy."""
        return tuple(
            BalanceCounts(
                balance.what,
                dict(zip(balance.names, balance.counts[self.rows].sum(axis=0).astype(int).tolist(), strict=True)),
                int((~balance.counts[self.rows].any(axis=1)).sum()),
            )
            for balance in self._balances
        )

    def class_shares(self, annotation_source: str | None = None) -> Shares:
        """The shares of the annotated classes among the candidates, the sample and a random one of its size."""
        frame = self._home.annotations(annotation_source)
        rows = frame["row"].cast(pl.Int64).to_numpy()
        return self._label_shares(annotation_source or "classes", frame["class_name"], rows)

    def metadata_shares(self, metadata_key: str) -> Shares:
        """The same for the values of a metadata key that holds text or booleans; missing ones are not counted."""
        from lightly_widget.strategies.by_value import text_groups

        values = text_groups(self._home, metadata_key)
        return self._label_shares(metadata_key, values, np.arange(len(values), dtype=np.int64))

    def metadata_values(self, metadata_key: str) -> tuple[pl.Series, pl.Series, pl.Series]:
        """The values of a metadata key among the candidates, the sample and a random one of its size."""
        values = self._home.metadata(metadata_key)
        return values, values.gather(self._all_rows(self.rows)), values.gather(self._all_rows(self._baseline()))

    def _balance_shares(self, balance: Balance) -> Shares:
        def share(rows: CandidateIndexes) -> list[float]:
            return normalized(balance.counts[rows].sum(axis=0, dtype=np.float64))

        pool = normalized(balance.counts.sum(axis=0, dtype=np.float64))
        sample, random = share(self._all_rows(self.rows)), share(self._all_rows(self._baseline()))
        return Shares(balance.what, list(balance.names), pool, sample, random, balance.target.tolist())

    def _label_shares(self, what: str, labels: pl.Series, rows: NDArray[np.int64]) -> Shares:
        sample, random = self._all_rows(self.rows), self._all_rows(self._baseline())
        return label_shares(what, labels, rows, self.n_candidates, sample, random)

    def _all_rows(self, rows: CandidateIndexes) -> CandidateIndexes:
        return CandidateIndexes(np.concatenate([self.preselected_rows, rows]))

    def _baseline(self) -> CandidateIndexes:
        taken = np.concatenate([self.preselected_rows, self.excluded_rows])
        return CandidateIndexes(random_rows(self.n_candidates, self.n_new, taken))

    def _model(self) -> str | None:
        models = self._home.info().embedding_models
        named = [getattr(strategy, "embedding_model_name", None) for strategy in self.strategies]
        model = next((name for name in named if name in models), models[0] if len(models) == 1 else None)
        if model is None:
            return None
        _, embedded = self._home.dataset_embeddings(model)
        return model if self._home.sample_ids.is_in(embedded.implode()).all() else None

    def _counts(self, at: Sequence[int]) -> set[int]:
        return {self._count("at", count) for count in check_items("at", at, what="integers")}

    def _count(self, name: str, n: int) -> int:
        count = check_integer(name, n, least=0)
        if count > self.n_new:
            raise InvalidValueError(
                f"{name} must be at most {self.n_new:,}, got {count:,}; sample again for more picks"
            )
        return count

    def _ids(self, rows: CandidateIndexes) -> list[str]:
        ids: list[str] = self._home.sample_ids.gather(rows).to_list()
        return ids


def written_as(result: SamplingResult, tag_name: str, *, grow: bool = False, replace: bool = False) -> SamplingResult:
    """The result, written as a tag whose name was checked before the sampling began."""
    grow = not replace and (grow or tag_name == result.recipe["preselected_tag_name"])
    recipe = result.recipe | {"tag_name": tag_name}
    ids = pl.Series("sample_id", result.sample_ids, dtype=pl.String)
    result._home.write_tag(tag_name, ids, recipe=recipe, grow=grow, replace=replace)
    return dataclasses.replace(result, tag_name=tag_name, recipe=recipe)


def _spread(n: int, points: int = 30) -> list[int]:
    """About `points` counts from 1 to n, denser at the start."""
    if n == 0:
        return [0]
    return sorted({round(value) for value in np.geomspace(1, n, points)})
