"""From checked arguments to a result: the one way that every method, the preview and the widget share."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lightly_widget.checks import check_integer
from lightly_widget.errors import InvalidTypeError, InvalidValueError, Progress, listed, no_progress
from lightly_widget.indexes import CandidateIndexes
from lightly_widget.sampling.checks import id_series, preselected_ids, rows_inside, rows_of
from lightly_widget.sampling.home import ResultHome
from lightly_widget.sampling.recipe import make_recipe
from lightly_widget.sampling.result import SamplingResult
from lightly_widget.sampling.worth import Resample
from lightly_widget.solver import Balancing, Picks, StopReason, iterate
from lightly_widget.strategies import Balance, Budget, LimitDict, Strategy, parse_limits, parse_strategies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.engines import Engine
    from lightly_widget.solver import Limit, Term

PREPARING: Final = 0.5
"""The part of the progress that goes to what precedes the first pick: neighbors, crops, distances."""


@dataclass(frozen=True, eq=False)
class PickedBlock:
    """Some picks, in order; none for a sign of life while the solver works."""

    rows: CandidateIndexes
    """(m,) candidate rows."""
    gains: NDArray[np.float64]
    fraction: float
    """How much of the sampling is done, 0…1."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Checked arguments: what to sample from what."""

    home: ResultHome
    n: int
    strategies: tuple[Strategy, ...]
    limits: tuple[LimitDict, ...]
    preselected: CandidateIndexes
    excluded: CandidateIndexes
    recipe: dict[str, Any]

    @property
    def available(self) -> int:
        """Candidates that may still be picked."""
        return len(self.home) - len(self.preselected) - len(self.excluded)


def make_plan(
    home: ResultHome,
    n: Any,
    strategies: Any,
    preselected_tag_name: Any = None,
    pinned_ids: Any = (),
    excluded_ids: Any = (),
    n_preselected: int | None = None,
    limits: Any = (),
) -> Plan:
    """Check everything that can be checked without computing. Raises this package's value and type errors."""
    parsed, within = parse_strategies(strategies), parse_limits(limits)
    count = _count(n, within, len(home))
    before = preselected_ids(home, preselected_tag_name)
    if n_preselected is not None:
        before = _first_of_tag(before, n_preselected, preselected_tag_name)
    rows = rows_inside(home, before, f"preselected_tag_name={preselected_tag_name!r}")
    pinned, excluded = id_series("pinned_ids", pinned_ids), id_series("excluded_ids", excluded_ids)
    both = pinned.filter(pinned.is_in(excluded.implode()))
    if len(both):
        raise InvalidValueError(f"{len(both):,} samples are both pinned and excluded (first: {listed(both.head(3))})")
    pinned_rows = rows_inside(home, pinned, "pinned_ids")
    preselected = np.concatenate([rows, pinned_rows[~np.isin(pinned_rows, rows)]])
    shut_out = rows_of(home, excluded).drop_nulls().cast(pl.Int64).to_numpy()
    recipe = make_recipe(
        query=home.query_dict(),
        strategies=parsed,
        limits=within,
        n=count,
        preselected_tag_name=preselected_tag_name,
        n_preselected=len(before),
        pinned_ids=pinned.to_list(),
        excluded_ids=excluded.to_list(),
    )
    excluded_rows = CandidateIndexes(shut_out[~np.isin(shut_out, preselected)])
    return Plan(home, count, parsed, within, CandidateIndexes(preselected), excluded_rows, recipe)


def _count(n: Any, limits: tuple[LimitDict, ...], n_candidates: int) -> int:
    if n is None and any(isinstance(limit, Budget) for limit in limits):
        return n_candidates
    if n is None:
        raise InvalidTypeError("n_samples_to_select must be an integer, got None; only a Budget can take its place")
    return check_integer("n_samples_to_select", n, least=0)


def stream(
    home: ResultHome,
    n: int,
    strategies: Sequence[Strategy | Mapping[str, Any]],
    preselected_tag_name: str | None = None,
    pinned_ids: Sequence[str] = (),
    excluded_ids: Sequence[str] = (),
    limits: Sequence[LimitDict | Mapping[str, Any]] = (),
    progress: Progress = no_progress,
) -> Generator[PickedBlock, None, SamplingResult]:
    """`Sampling.preview` in steps, for the widget: yields the picks as they come and returns the result.

    The arguments are checked at once, before the first step. Closing the generator cancels, as does raising in
    `progress`, which is also called while the first pick is being prepared.
    """
    plan = make_plan(home, n, strategies, preselected_tag_name, pinned_ids, excluded_ids, limits=limits)
    return execute(plan, progress)


def _first_of_tag(ids: pl.Series, count: Any, tag_name: Any) -> pl.Series:
    wanted = check_integer("n_preselected", count, least=0)
    if wanted > len(ids):
        raise InvalidValueError(
            f"n_preselected={wanted}: the tag {tag_name!r} holds only {len(ids):,} samples now; it was changed since"
        )
    return ids.head(wanted)


def execute(
    plan: Plan, progress: Progress = no_progress, device: str | None = None, engine: Engine | None = None
) -> Generator[PickedBlock, None, SamplingResult]:
    """Yield the picks as they come, then return the result. Writes nothing; stopping the iteration cancels."""
    if plan.n == 0 or plan.available <= 0:
        return _empty(plan)
    terms, warnings, balances = _prepare(plan, progress)
    if plan.n > plan.available:
        warnings.insert(
            0, f"n_samples_to_select={plan.n} is more than the {plan.available:,} available: all were taken"
        )
    uncounted = _uncounted(plan, terms)
    rows, gains = [], []
    solve_with = engine.iterate if engine is not None else partial(iterate, device=device)
    solving = solve_with(
        terms,
        n_rows=len(plan.home),
        n_picks=min(plan.n, plan.available),
        preselected=plan.preselected,
        excluded=np.union1d(plan.excluded, uncounted),
        limits=_limits(plan),
    )
    try:
        while True:
            try:
                picks = next(solving)
            except StopIteration as stop:
                reason: StopReason = stop.value
                break
            rows.append(picks.rows)
            gains.append(picks.gains)
            yield _block(picks, progress)
    finally:
        solving.close()
    found = CandidateIndexes(np.concatenate([*rows, _NO_ROWS]))
    result = _result(plan, found, np.concatenate([*gains, _NO_GAINS]), reason, warnings, balances)
    if len(uncounted) and len(found) < plan.n:
        why = _uncounted_left(len(found), plan.n, len(uncounted))
        return replace(result, message=why, warnings=(*result.warnings, why.rstrip(".")))
    return result


def _limits(plan: Plan) -> list[Limit]:
    has_gain = any(strategy.has_gain and strategy.strength != 0 for strategy in plan.strategies)
    return [limit.prepare(plan.home, has_gain=has_gain) for limit in plan.limits]


def _uncounted(plan: Plan, terms: Sequence[Term]) -> NDArray[np.int64]:
    """Rows without any count that are not picked because balancing is all that is asked for.

    Such a row leaves the shares as they are, so that pure balancing would prefer it as soon as they are perfect.
    """
    active = [term for term in terms if term.strength != 0]
    if not active or not all(isinstance(term, Balancing) for term in active):
        return _NO_ROWS
    counted = np.logical_or.reduce([term.counts.any(axis=1) for term in active if isinstance(term, Balancing)])
    return np.setdiff1d(np.flatnonzero(~counted), np.concatenate([plan.preselected, plan.excluded]))


def _uncounted_left(picked: int, n: int, left: int) -> str:
    return (
        f"took all {picked:,} samples with a class to balance, {n:,} were asked for: the other {left:,} have none; "
        "combine balancing with another strategy, such as diversity, to select among them, too."
    )


_NO_ROWS: Final = CandidateIndexes(np.empty(0, dtype=np.int64))
_NO_GAINS: Final = np.empty(0, dtype=np.float64)


def _block(picks: Picks, progress: Progress) -> PickedBlock:
    fraction = PREPARING + (1 - PREPARING) * picks.fraction
    progress(fraction)
    return PickedBlock(CandidateIndexes(picks.rows), picks.gains, fraction)


def _prepare(plan: Plan, progress: Progress) -> tuple[list[Term], list[str], list[Balance]]:
    terms: list[Term] = []
    warnings: list[str] = []
    balances: list[Balance] = []
    share = PREPARING / len(plan.strategies)
    for position, strategy in enumerate(plan.strategies):
        start = position * share
        progress(start)
        prepared = strategy.prepare(plan.home, _within(progress, start, share))
        terms += prepared.terms
        warnings += prepared.warnings
        balances += [prepared.balance] if prepared.balance else []
    progress(PREPARING)
    return terms, warnings, balances


def _within(progress: Progress, start: float, share: float) -> Progress:
    return lambda fraction: progress(start + share * fraction)


def _empty(plan: Plan) -> SamplingResult:
    if plan.n == 0:
        why, reason = "n_samples_to_select is 0: nothing was selected; ask for 1 or more.", StopReason.COMPLETE
    elif not len(plan.home):
        why, reason = "the query has no candidates: nothing was selected; widen the query.", StopReason.EXHAUSTED
    else:
        why = f"all {len(plan.home):,} candidates are preselected or excluded: nothing was selected; widen the query."
        reason = StopReason.EXHAUSTED
    return _build(plan, _NO_ROWS, _NO_GAINS, reason, why, [why.rstrip(".")], [])


def _result(
    plan: Plan,
    rows: CandidateIndexes,
    gains: NDArray[np.float64],
    reason: StopReason,
    warnings: list[str],
    balances: list[Balance],
) -> SamplingResult:
    if reason == StopReason.COMPLETE and len(rows) < plan.n:
        reason = StopReason.EXHAUSTED
    if not len(rows):
        warnings.append("nothing was selected")
    return _build(plan, rows, gains, reason, _message(plan, len(rows), reason), warnings, balances)


def _message(plan: Plan, picked: int, reason: StopReason) -> str:
    if reason == StopReason.COMPLETE:
        return f"selected {picked:,} of {plan.available:,} available samples."
    if reason == StopReason.EXHAUSTED:
        return f"took all {picked:,} available samples, {plan.n:,} were asked for; widen the query or add data."
    if reason == StopReason.LIMIT:
        return (
            f"stopped at {picked:,} of {plan.n:,}: no other sample is within the limits "
            f"({', '.join(map(repr, plan.limits))}); loosen them for more."
        )
    minima = [getattr(strategy, "stopping_condition_minimum_distance", None) for strategy in plan.strategies]
    least = ", ".join(f"{value:g}" for value in minima if value is not None)
    return (
        f"stopped at {picked:,} of {plan.n:,}: every other sample is nearer than {least} to one that was picked; "
        "lower stopping_condition_minimum_distance for more."
    )


def _build(
    plan: Plan,
    rows: CandidateIndexes,
    gains: NDArray[np.float64],
    reason: StopReason,
    message: str,
    warnings: list[str],
    balances: list[Balance],
) -> SamplingResult:
    return SamplingResult(
        new_ids=plan.home.sample_ids.gather(rows).to_list(),
        gains=gains,
        stop_reason=reason,
        message=message,
        n_requested=plan.n,
        tag_name=None,
        warnings=tuple(warnings),
        recipe=plan.recipe,
        rows=rows,
        preselected_rows=plan.preselected,
        excluded_rows=plan.excluded,
        strategies=plan.strategies,
        _home=plan.home,
        _resample=resampling(plan),
        _balances=tuple(balances),
    )


def resampling(plan: Plan) -> Resample:
    """How to sample again as planned, with other exclusions and another count."""

    def again(excluded: NDArray[np.int64], count: int, progress: Progress) -> NDArray[np.int64]:
        return drain(execute(replace(plan, n=count, excluded=CandidateIndexes(excluded)), progress)).rows

    return again


def drain(steps: Generator[PickedBlock, None, SamplingResult]) -> SamplingResult:
    """Run to the end and give the result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: SamplingResult = stop.value
            return result
