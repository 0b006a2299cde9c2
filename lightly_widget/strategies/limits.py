"""Limits on what may be in one sample, whatever its strategies value: declared once, as the strategies are."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
import polars as pl
from msgspec import Meta

from lightly_widget.checks import check_items
from lightly_widget.errors import InvalidTypeError, InvalidValueError, did_you_mean, listed, shown
from lightly_widget.strategies.values import finite, refuse_missing
from lightly_widget.structs import MAX_FLOAT, Declared, Text, convert, tag_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightly_widget.solver import Limit as SolverLimit
    from lightly_widget.strategies.candidates import Candidates

MAX_LIMITS: Final = 20
"""In one sampling."""
_SECOND: Final = 1_000_000  # in the microseconds that times are compared in

Positive = Annotated[float, Meta(ge=1e-300, le=MAX_FLOAT)]


class Limit(Declared, frozen=True):
    """Base of the limits: plain, checked, immutable data."""

    @abstractmethod
    def prepare(self, candidates: Candidates, *, has_gain: bool) -> SolverLimit:
        """The limit over these candidates; `has_gain`: picks differ in what they gain, not in chance alone.

        ValueError: an unknown key, missing or unsuitable values.
        """


class AtMost(Limit, tag="at_most", frozen=True):
    """At most `most` samples for each value of a metadata key, those that were in the sample before included.

    `AtMost("video", 2)`: no more than two frames of one video.
    """

    metadata_key: Text
    most: Annotated[int, Meta(ge=1, le=2**53)]

    def prepare(self, candidates: Candidates, *, has_gain: bool) -> SolverLimit:
        from lightly_widget.solver import AtMostPerGroup

        return AtMostPerGroup(_groups(candidates, self, self.metadata_key), self.most)


class Gap(Limit, tag="gap", frozen=True):
    """Samples differ by at least `least` in a metadata key: a number, or a time, where `least` is in seconds.

    With `within`, only samples with the same value of that key are compared. What was in the sample before counts too.
    `Gap("time_s", 5, within="video")`: frames of one video are at least five seconds apart. A `timedelta` may be given.
    """

    metadata_key: Text
    least: Positive
    within: Text | None = None

    def __post_init__(self) -> None:
        given: Any = self.least
        if isinstance(given, timedelta):
            msgspec.structs.force_setattr(self, "least", given.total_seconds())
        super().__post_init__()

    def prepare(self, candidates: Candidates, *, has_gain: bool) -> SolverLimit:
        from lightly_widget.solver import LeastGap

        values = _values(candidates, self, self.metadata_key)
        least = self.least
        if values.dtype.is_temporal():
            values, least = values.cast(pl.Datetime("us")).cast(pl.Int64), least * _SECOND
        groups = None if self.within is None else _groups(candidates, self, self.within)
        return LeastGap(_numbers(candidates, self, self.metadata_key, values), least, groups)


class Budget(Limit, tag="budget", frozen=True):
    """The new picks cost at most `total` together; a metadata key holds the cost of each, a number greater than 0.

    Candidates are then compared by their gain per cost (several budgets: per share of the budgets), and a dear one that
    no longer fits leaves its place to a cheaper one. What was in the sample before costs nothing.
    `Budget("seconds", 3600)`: an hour of video.
    """

    metadata_key: Text
    total: Positive

    def prepare(self, candidates: Candidates, *, has_gain: bool) -> SolverLimit:
        from lightly_widget.solver import CostBudget

        costs = _numbers(candidates, self, self.metadata_key, _values(candidates, self, self.metadata_key))
        if len(costs) and not costs.min() > 0:
            free = candidates.sample_ids.filter(pl.Series(costs <= 0))
            raise InvalidValueError(
                f"{shown(self.metadata_key)} is not greater than 0 for {len(free):,} of {len(costs):,} candidates "
                f"(first: {listed(free.head(3))}); a budget needs a cost for each, so leave these out with a filter"
            )
        return CostBudget(costs, self.total, per_cost=has_gain)


LimitDict: TypeAlias = AtMost | Gap | Budget
"""Any of the limits, as messages and recipes hold them."""


def parse_limits(items: object) -> tuple[LimitDict, ...]:
    """A list of limits or their dicts, perhaps empty → limits."""
    if isinstance(items, Limit) or (isinstance(items, dict) and "type" in items):
        raise InvalidTypeError(f"limits must be a list of limits, got {shown(items)}; write [{shown(items)}]")
    found = check_items("limits", items, what="limits", most=MAX_LIMITS)
    if len(found) > MAX_LIMITS:
        raise InvalidValueError(f"limits must hold at most {MAX_LIMITS} limits, got more than that")
    return tuple(_parsed(f"limits[{position}]", item) for position, item in enumerate(found))


def _parsed(name: str, item: object) -> LimitDict:
    if isinstance(item, AtMost | Gap | Budget):
        return item
    kinds: dict[str, Any] = {tag_of(kind): kind for kind in (AtMost, Gap, Budget)}
    if not isinstance(item, dict):
        raise InvalidTypeError(f"{name} must be a limit such as AtMost('video', 2), got {shown(item)}")
    if item.get("type") not in kinds:
        raise InvalidValueError(f"{name}: {did_you_mean('limit type', item.get('type'), kinds)}")
    limit: LimitDict = convert(item, kinds[item["type"]], what=f"limit {item['type']!r}")
    return limit


def _subject(limit: Limit, key: str) -> str:
    return f"{type(limit).__name__}: {shown(key)}"


def _values(candidates: Candidates, limit: Limit, key: str) -> pl.Series:
    """(n,) values of a key. ValueError: missing for some."""
    values = candidates.metadata(key)
    refuse_missing(candidates, key, values, _subject(limit, key))
    return values


def _groups(candidates: Candidates, limit: Limit, key: str) -> NDArray[np.int64]:
    codes = _values(candidates, limit, key).rank("dense").cast(pl.Int64) - 1
    return codes.to_numpy()


def _numbers(candidates: Candidates, limit: Limit, key: str, values: pl.Series) -> NDArray[np.float64]:
    if not values.dtype.is_numeric():
        raise InvalidValueError(
            f"{_subject(limit, key)} must hold numbers{_or_times(limit)}, got {values.dtype} "
            f"(first: {listed(values.head(3))}); name another metadata key"
        )
    return finite(candidates, values, _subject(limit, key))


def _or_times(limit: Limit) -> str:
    return " or times" if isinstance(limit, Gap) else ""
