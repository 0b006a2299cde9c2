"""The strategies that look at metadata and annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import polars as pl

from lightly_widget.errors import InvalidValueError, Progress, listed, no_progress, shown
from lightly_widget.strategies.base import Balance, CategoryKey, NumberKey, Prepared, Source, Strategy
from lightly_widget.strategies.candidates import Candidates, DatasetInfo
from lightly_widget.strategies.targets import Target, check_target, columns, count_matrix
from lightly_widget.strategies.values import finite, refuse_missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_VALUES: Final = 1_000


class MetadataWeightingStrategy(Strategy, tag="metadata_weighting", frozen=True):
    """Prefers high values of a number (or bool: 0 and 1) in the metadata; with a negative strength, low ones."""

    title: ClassVar[str] = "By metadata value"
    use_when: ClassVar[str] = "a number says how much you want a sample: uncertainty, quality, price."
    inverted: ClassVar[str] = "Inverted: the lowest values come first."
    metadata_key: NumberKey

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        from lightly_widget.solver import Weighting

        return Prepared((Weighting(numbers_of(candidates, self.metadata_key), strength=self.strength),))

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        if any(kind in {"number", "boolean"} for kind in info.metadata.values()):
            return None
        return "No metadata is a number: dataset.metadata.update(…) or compute_typicality_metadata() adds some."


class MetadataBalancingStrategy(Strategy, tag="metadata_balancing", frozen=True):
    """Brings the shares of the values (text or booleans) of a metadata key toward a target.

    `target_distribution` is 'uniform', 'input' (as among the candidates) or {value: share}; booleans are named True and
    False, or 'true' and 'false' as in the dict that travels.
    """

    title: ClassVar[str] = "Balance metadata"
    use_when: ClassVar[str] = "some groups are rare (a city, a sensor, night) and should not stay that way."
    inverted: ClassVar[str] = "Inverted: moves away from the target shares."
    metadata_key: CategoryKey
    target_distribution: Target = "uniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_target(self.target_distribution)

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        groups = text_groups(candidates, self.metadata_key)
        refuse_missing(candidates, self.metadata_key, groups, f"metadata_key={shown(self.metadata_key)}")
        return _balancing(
            self.metadata_key,
            groups,
            np.arange(len(candidates)),
            len(candidates),
            self.target_distribution,
            self.strength,
            lambda: candidates.dataset_values(self.metadata_key),
        )

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        if any(kind in {"string", "boolean"} for kind in info.metadata.values()):
            return None
        return "No metadata is text or true/false: dataset.metadata.update(…) adds some."


class AnnotationClassBalancingStrategy(Strategy, tag="annotation_balancing", frozen=True):
    """Brings the shares of the annotated classes toward a target, counting every annotation.

    `target_distribution` is 'uniform', 'input' (as among the candidates) or {class: share}; the classes that a dict
    leaves out share what is left to 1.
    """

    title: ClassVar[str] = "Balance classes"
    use_when: ClassVar[str] = "some classes are rare and should not stay that way."
    inverted: ClassVar[str] = "Inverted: moves away from the target shares."
    target_distribution: Target = "uniform"
    annotation_source: Source = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_target(self.target_distribution)

    def prepare(self, candidates: Candidates, progress: Progress = no_progress) -> Prepared:
        frame = candidates.annotations(self.annotation_source)
        if frame.is_empty():
            raise InvalidValueError(
                f"none of the {len(candidates):,} candidates has an annotation"
                + (f" from {shown(self.annotation_source)}" if self.annotation_source else "")
                + "; widen the query, or name another annotation_source"
            )
        rows = frame["row"].cast(pl.Int64).to_numpy()
        what = self.annotation_source or "classes"
        return _balancing(
            what,
            frame["class_name"],
            rows,
            len(candidates),
            self.target_distribution,
            self.strength,
            lambda: candidates.dataset_classes(self.annotation_source),
        )

    @classmethod
    def why_unusable(cls, info: DatasetInfo) -> str | None:
        return None if info.annotation_sources else "The dataset has no labels: add classifications or boxes first."


def text_groups(candidates: Candidates, metadata_key: str) -> pl.Series:
    """(n,) the values of a text or boolean key as text, null where missing. ValueError: another type."""
    values = candidates.metadata(metadata_key)
    if values.dtype == pl.Boolean:
        return values.cast(pl.String)
    if isinstance(values.dtype, pl.Categorical | pl.Enum) or values.dtype in {pl.String, pl.Null}:
        return values.cast(pl.String)
    raise InvalidValueError(
        f"metadata_key={shown(metadata_key)} holds {values.dtype}, not text or booleans; "
        "weigh numbers with MetadataWeightingStrategy, or name another key"
    )


def numbers_of(candidates: Candidates, key: str, argument: str = "metadata_key") -> NDArray[np.float64]:
    """(n,) the values of a key that holds numbers (or booleans: 0 and 1). ValueError: missing, not finite."""
    values = candidates.metadata(key)
    subject = f"{argument}={shown(key)}"
    refuse_missing(candidates, key, values, subject)
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        raise InvalidValueError(
            f"{subject}: {len(values):,} values are not numbers but {values.dtype} "
            f"(first: {listed(values.head(3))}); balance them with MetadataBalancingStrategy, or name a number"
        )
    return finite(candidates, values, subject)


def _balancing(
    what: str,
    labels: pl.Series,
    rows: NDArray[np.int64],
    n_rows: int,
    wanted: Target,
    strength: float,
    everywhere: Callable[[], list[str]],
) -> Prepared:
    from lightly_widget.solver import Balancing

    names = labels.unique().sort().to_list()
    if len(names) > _MAX_VALUES and not isinstance(wanted, dict):
        raise InvalidValueError(
            f"{shown(what)} has {len(names):,} different values, more than the {_MAX_VALUES:,} that "
            f"target_distribution={wanted!r} can balance; give a dict of those that matter"
        )
    codes = labels.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()
    totals = np.bincount(codes, minlength=len(names)).astype(np.float64)
    titles, shares, column_of, warnings = columns(wanted, names, totals, everywhere)
    counts = count_matrix(rows, column_of[codes], n_rows, len(titles))
    balance = Balance(what, titles, shares, counts)
    return Prepared((Balancing(counts, shares, strength=strength),), warnings, balance)
