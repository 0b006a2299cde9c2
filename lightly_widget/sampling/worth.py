"""What a sample is worth in labels: its strategies sampled again without the held-out part, a probe trained on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import polars as pl

from lightly_widget.checks import check_integer, check_items, check_seed
from lightly_widget.errors import InvalidValueError, Progress, did_you_mean, listed, no_progress
from lightly_widget.worth import LearningCurve, default_budgets, hold_out, learning_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightly_widget.strategies import Candidates
    from lightly_widget.worth import Sampler

Resample: TypeAlias = Callable[["NDArray[np.int64]", int, Progress], "NDArray[np.int64]"]
"""(candidates that must not be picked, count, progress) → picks in order."""

_SAMPLING_SHARE: Final = 0.5
_MOST_RANDOM: Final = 1_000


def class_codes(candidates: Candidates, labels: str | None) -> tuple[NDArray[np.int64], list[str]]:
    """(n,) class codes of the candidates, -1 where unlabeled, and the classes by code.

    labels: an annotation source of classifications, or a metadata key of strings or booleans; None where there is one
    source of classifications alone. A sample with several classes counts as unlabeled.

    Raises:
        InvalidValueError: no labels, several and none named, unknown, both a source and a key, or of another kind.
    """
    info = candidates.info()
    sources = [name for name, kind in info.annotation_sources.items() if kind == "classification"]
    keys = [name for name, kind in info.metadata.items() if kind in ("string", "boolean")]
    values = _values(candidates, _one_of(labels, sources, keys), sources)
    names = values.drop_nulls().unique().sort().to_list()
    if not names:
        raise InvalidValueError(f"labels={labels!r}: none of the candidates is labeled")
    codes = values.replace_strict(names, list(range(len(names))), default=-1, return_dtype=pl.Int64)
    return codes.fill_null(-1).to_numpy(), names


def _one_of(labels: str | None, sources: list[str], keys: list[str]) -> str:
    if labels is None:
        if len(sources) == 1:
            return sources[0]
        have = f"name one of {listed([*sources, *keys])}" if sources or keys else "add classifications first"
        raise InvalidValueError(f"labels must name what to learn; {have}")
    if not isinstance(labels, str) or (labels not in sources and labels not in keys):
        raise InvalidValueError(
            f"labels: {did_you_mean('source of classifications or metadata key', labels, [*sources, *keys])}"
        )
    if labels in sources and labels in keys:
        raise InvalidValueError(
            f"labels={labels!r} is both an annotation source and a metadata key; rename one of them"
        )
    return labels


def _values(candidates: Candidates, name: str, sources: list[str]) -> pl.Series:
    if name not in sources:
        return candidates.metadata(name).cast(pl.String)
    of_sample = candidates.annotations(name).group_by("row").agg(pl.col("class_name").cast(pl.String).unique())
    single = of_sample.filter(pl.col("class_name").list.len() == 1).with_columns(pl.col("class_name").list.first())
    rows = pl.DataFrame({"row": np.arange(len(candidates), dtype=np.uint32)})
    joined = rows.join(single, on="row", how="left", maintain_order="left")
    return joined["class_name"]


def worth_of(
    candidates: Candidates,
    samplings: Mapping[str, Resample],
    embedding_model_name: str | None,
    *,
    labels: str | None,
    budgets: Sequence[int] | None,
    most: int,
    preselected: NDArray[np.int64],
    excluded: NDArray[np.int64],
    n_random: int,
    seed: int,
    progress: Progress = no_progress,
) -> LearningCurve:
    """Learning curves of several samplings over the labeled candidates; see `SamplingResult.worth`.

    samplings: by the name that their curve gets. most: the largest budget where `budgets` is None.
    """
    seed, n_random = check_seed("seed", seed), check_integer("n_random", n_random, least=2, most=_MOST_RANDOM)
    if budgets is not None:
        counts = check_items("budgets", budgets, what="integers")
        budgets = [check_integer("budgets", count, least=1) for count in counts]
    codes = class_codes(candidates, labels)[0].copy()
    vectors = candidates.embeddings(embedding_model_name)
    codes[np.setdiff1d(excluded, preselected)] = -1
    kept = preselected[codes[preselected] >= 0]
    if budgets is None:
        held_out = hold_out(codes, kept=kept, seed=seed)
        free = int(np.count_nonzero(codes >= 0)) - len(held_out) - len(kept)
        budgets = default_budgets(max(min(most, free), 1))
    share = _SAMPLING_SHARE / max(len(samplings), 1)
    return learning_curve(
        vectors,
        codes,
        {
            name: _among_the_pool(resample, len(codes), preselected, _within(progress, position * share, share))
            for position, (name, resample) in enumerate(samplings.items())
        },
        budgets,
        kept=kept,
        n_random=n_random,
        seed=seed,
        progress=_within(progress, _SAMPLING_SHARE, 1 - _SAMPLING_SHARE),
    )


def _among_the_pool(resample: Resample, n: int, preselected: NDArray[np.int64], progress: Progress) -> Sampler:
    """All that is outside the pool is excluded, the held-out part too."""

    def pick(pool: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        return resample(np.setdiff1d(np.arange(n), np.union1d(pool, preselected)), count, progress)

    return pick


def _within(progress: Progress, start: float, share: float) -> Progress:
    return lambda fraction: progress(start + share * fraction)
