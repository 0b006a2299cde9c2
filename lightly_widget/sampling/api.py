"""The methods of `query.sampling()`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, SamplingWarning, no_progress, shown
from lightly_widget.sampling.checks import check_result_tag
from lightly_widget.sampling.home import ResultHome
from lightly_widget.sampling.recipe import check_recipe
from lightly_widget.sampling.result import SamplingResult, written_as
from lightly_widget.sampling.run import Plan, drain, execute, make_plan, resampling
from lightly_widget.sampling.worth import worth_of
from lightly_widget.strategies import (
    AnnotationClassBalancingStrategy,
    EmbeddingDeduplicationStrategy,
    EmbeddingDiversityStrategy,
    EmbeddingRepresentativeStrategy,
    EmbeddingSimilarityStrategy,
    EmbeddingTypicalityStrategy,
    Limit,
    MetadataBalancingStrategy,
    MetadataWeightingStrategy,
    RandomStrategy,
    Strategy,
    SubpartDiversityStrategy,
    parse_limits,
    parse_strategies,
)

if TYPE_CHECKING:
    from lightly_widget.engines import Engine
    from lightly_widget.worth import LearningCurve


class Sampling:
    """Choose samples among the candidates of a query, a snapshot in query order.

    Every method picks greedily, so that the answer for a smaller count is a prefix of the answer for a larger one;
    writes the preselected and the picked samples, in pick order, as the tag `sampling_result_tag_name`; and returns a
    `SamplingResult`. Shared arguments:

    n_samples_to_select: how many new samples to pick, 0 or more. More than there are: all, with a warning. 0: an empty
        result, a warning, no tag. With a `Budget`, `preview` and `multi_strategies` take None: as many as it allows.
    sampling_result_tag_name: a free name of 1 to 255 characters, or the preselected tag's, which then grows.
    preselected_tag_name: a tag whose samples, all candidates, are taken as picked already; None for none.
    embedding_model_name: the embeddings to use; None where the dataset has one model.
    strength: finite; negative inverts the strategy. For one strategy alone only the sign matters.

    ValueError and TypeError name the argument and the way out. Whatever is raised, also on an interruption, nothing was
    written.
    """

    def __init__(
        self,
        home: ResultHome,
        *,
        progress: Progress = no_progress,
        device: str | None = None,
        engine: Engine | None = None,
        limits: Sequence[Limit | Mapping[str, Any]] = (),
    ) -> None:
        """`progress` is called while the methods work; `device` is where the solver computes, None for its choice;
        `engine` solves in partitions, see `LocalEngine`; `limits` hold in every sampling: `AtMost`, `Gap`, `Budget`."""
        self._home = home
        self._progress = progress
        self._device = device
        self._engine = engine
        self._limits = parse_limits(limits)

    def __len__(self) -> int:
        return len(self._home)

    def __repr__(self) -> str:
        return f"<Sampling among {len(self):,} candidates>"

    def diverse(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        embedding_model_name: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """Greedy farthest-first (k-center) in Euclidean distance, from the first candidate on."""
        strategy = EmbeddingDiversityStrategy(embedding_model_name)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def deduplicate(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        stopping_condition_minimum_distance: float,
        embedding_model_name: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """Like `diverse`; stops when no candidate is at least this Euclidean distance (≥ 0) from the picks."""
        strategy = EmbeddingDeduplicationStrategy(stopping_condition_minimum_distance, embedding_model_name)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def metadata_weighting(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        metadata_key: str,
        strength: float = 1.0,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """The candidates with the highest value of a number (or bool) in the metadata; lowest for strength < 0."""
        strategy = MetadataWeightingStrategy(metadata_key, strength=strength)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def similarity(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        query_tag_name: str,
        strength: float = 1.0,
        embedding_model_name: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """The candidates most like the samples of a tag; its own samples too, when they are candidates."""
        strategy = EmbeddingSimilarityStrategy(query_tag_name, embedding_model_name, strength=strength)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def typicality(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        strength: float = 1.0,
        embedding_model_name: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """The candidates whose 20 nearest neighbors in the whole dataset are nearest; the oddest for strength < 0."""
        strategy = EmbeddingTypicalityStrategy(embedding_model_name, strength=strength)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def annotation_balancing(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        target_distribution: Literal["uniform", "input"] | Mapping[str, float],
        annotation_source: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """Bring the class shares near 'uniform', the 'input' (the candidates') or {class: share}.

        A dict that sums to less than 1 gives the rest to all other classes together; more than 1 is normalized, with a
        warning. ValueError: no annotations; unknown class or source; a share that is negative or not finite; all 0.
        """
        strategy = AnnotationClassBalancingStrategy(target_distribution, annotation_source)  # type: ignore[arg-type]
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def metadata_balancing(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        metadata_key: str,
        target_distribution: Literal["uniform", "input"] | Mapping[str | bool, float],
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """The same for the values of a metadata key that holds text or booleans."""
        strategy = MetadataBalancingStrategy(metadata_key, target_distribution)  # type: ignore[arg-type]
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def subpart_diversity(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        embedding_model_name: str | None = None,
        annotation_source: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """Diversity of the crops in the annotated boxes: an image scores the mean over its crops."""
        strategy = SubpartDiversityStrategy(embedding_model_name, annotation_source)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def representative(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        embedding_model_name: str | None = None,
        bandwidth: float = 0.7,
        scope: Literal["global", "local"] = "global",
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """Picks that stand for all candidates: they cover the embeddings with a kernel, or their neighbor graph.

        scope: 'global' covers all candidates with one smooth kernel: for small budgets, and whenever in doubt. 'local'
            counts the 20 nearest neighbors among the candidates: for large budgets and many small groups.
            `EmbeddingRepresentativeStrategy` has what was measured.
        bandwidth: of the kernel, at least 0.01, on centered embeddings of unit length; larger ones cover more coarsely.
            'local' ignores it.
        """
        strategy = EmbeddingRepresentativeStrategy(
            embedding_model_name=embedding_model_name, bandwidth=bandwidth, scope=scope
        )
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def random(
        self,
        n_samples_to_select: int,
        sampling_result_tag_name: str,
        seed: int = 0,
        stratify_by: str | None = None,
        preselected_tag_name: str | None = None,
    ) -> SamplingResult:
        """A random sample; with `stratify_by` (annotation source or metadata key), every group in proportion."""
        strategy = RandomStrategy(seed, stratify_by)
        return self._tagged(n_samples_to_select, sampling_result_tag_name, [strategy], preselected_tag_name)

    def multi_strategies(
        self,
        n_samples_to_select: int | None,
        sampling_result_tag_name: str,
        sampling_strategies: Sequence[Strategy | Mapping[str, Any]],
        preselected_tag_name: str | None = None,
        pinned_ids: Sequence[str] = (),
        excluded_ids: Sequence[str] = (),
    ) -> SamplingResult:
        """Several strategies (or their dicts) at once: each pick maximizes Σ strength · log(its potential).

        pinned_ids: more candidates to take as picked already. excluded_ids: candidates that must not be picked.
        """
        return self._tagged(
            n_samples_to_select,
            sampling_result_tag_name,
            sampling_strategies,
            preselected_tag_name,
            pinned_ids,
            excluded_ids,
        )

    def preview(
        self,
        n_samples_to_select: int | None,
        sampling_strategies: Sequence[Strategy | Mapping[str, Any]],
        preselected_tag_name: str | None = None,
        pinned_ids: Sequence[str] = (),
        excluded_ids: Sequence[str] = (),
    ) -> SamplingResult:
        """`multi_strategies` that writes no tag; `result.save_as(…)` can do it afterward."""
        plan = self._plan(n_samples_to_select, sampling_strategies, preselected_tag_name, pinned_ids, excluded_ids)
        return self._solved(plan, depth=3)

    def learning_curve(
        self,
        strategies: Sequence[Any] | Mapping[str, Any],
        *,
        labels: str | None = None,
        budgets: Sequence[int] | None = None,
        embedding_model_name: str | None = None,
        preselected_tag_name: str | None = None,
        n_random: int = 10,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> LearningCurve:
        """Compare strategies by what their labels are worth: `SamplingResult.worth` for several at once.

        strategies: each a strategy, its dict, or a list of them that work together; as a mapping, by the name that its
            curve gets. budgets: ascending counts of labels, by default six up to 1,000. The others: see
            `SamplingResult.worth`.

        Raises:
            InvalidValueError: no strategies, no labels or one class only, too few labels, an unknown name, bad budgets.
        """
        plans = {name: self._plan(0, chosen, preselected_tag_name) for name, chosen in _named(strategies).items()}
        first = next(iter(plans.values()))
        return worth_of(
            self._home,
            {name: resampling(plan) for name, plan in plans.items()},
            embedding_model_name,
            labels=labels,
            budgets=budgets,
            most=_LARGEST_BUDGET,
            preselected=first.preselected,
            excluded=first.excluded,
            n_random=n_random,
            seed=seed,
            progress=progress,
        )

    def run(self, recipe: Mapping[str, Any]) -> SamplingResult:
        """Repeat a `result.recipe` among these candidates, as a preview; the recipe's query is the caller's to make."""
        data = check_recipe(recipe)
        plan = make_plan(
            self._home,
            data["n_samples_to_select"],
            data["strategies"],
            data["preselected_tag_name"],
            data["pinned_ids"],
            data["excluded_ids"],
            n_preselected=data["n_preselected"],
            limits=[*data["limits"], *self._limits],
        )
        return self._solved(plan, depth=3)

    def _plan(
        self, n: int | None, strategies: Any, before: str | None, pinned: Sequence[str] = (), out: Sequence[str] = ()
    ) -> Plan:
        return make_plan(self._home, n, strategies, before, pinned, out, limits=self._limits)

    def _tagged(
        self,
        n: int | None,
        tag_name: str,
        strategies: Sequence[Strategy | Mapping[str, Any]],
        preselected_tag_name: str | None,
        pinned_ids: Sequence[str] = (),
        excluded_ids: Sequence[str] = (),
    ) -> SamplingResult:
        plan = self._plan(n, strategies, preselected_tag_name, pinned_ids, excluded_ids)
        checked = check_result_tag(self._home, tag_name, preselected_tag_name)
        result = self._solved(plan, depth=4)
        return written_as(result, checked) if result.n_new else result

    def _solved(self, plan: Plan, depth: int) -> SamplingResult:
        """`depth`: how many calls up the user's line is, which the warnings point at."""
        result = drain(execute(plan, self._progress, self._device, self._engine))
        for warning in result.warnings:
            warnings.warn(warning, SamplingWarning, stacklevel=depth)
        return result


_LARGEST_BUDGET: Final = 1_000


def _named(strategies: object) -> dict[str, list[Any]]:
    """Lists of strategies that work together, by the names of their curves."""
    if isinstance(strategies, Mapping) and strategies and "type" not in strategies:
        return {str(name): _together(chosen) for name, chosen in strategies.items()}
    if isinstance(strategies, str | bytes | Strategy | Mapping) or not isinstance(strategies, Iterable):
        raise InvalidTypeError(
            f"strategies must be a list of strategies, or a dict of them by name, got {shown(strategies)}"
        )
    named: dict[str, list[Any]] = {}
    for chosen in map(_together, check_items("strategies", strategies, what="strategies")):
        title = " + ".join(strategy.type for strategy in parse_strategies(chosen))
        number = sum(name == title or name.startswith(f"{title} (") for name in named)
        named[title if not number else f"{title} ({number + 1})"] = chosen
    if not named:
        raise InvalidValueError("strategies must hold at least one strategy, got none")
    return named


def _together(chosen: Any) -> list[Any]:
    return list(chosen) if isinstance(chosen, list | tuple) else [chosen]
