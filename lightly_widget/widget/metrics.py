"""What a sample is like beside the pool and beside random: class shares, a metadata histogram, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from lightly_widget.errors import Progress
from lightly_widget.wire.replies import Coverage, Histogram, Metrics, Shares

if TYPE_CHECKING:
    from lightly_widget.sampling import SamplingResult
    from lightly_widget.sampling.metrics import CoverageCurve

BINS: Final = 20
MAX_CLASSES: Final = 50


def shares(result: SamplingResult, source: str | None, metadata: str | None) -> tuple[Shares | None, Histogram | None]:
    """The class shares of a source and, for a metadata key, its histogram (numbers) or shares (other values).

    One kind of shares is shown at a time: those of the source when both are asked for.
    """
    pool = _shares(result, result.class_shares(source)) if source is not None else None
    histogram = None
    if metadata is not None:
        values = result.metadata_values(metadata)
        if values[0].dtype.is_numeric():
            histogram = _histogram(metadata, *values)
        elif pool is None:
            pool = _shares(result, result.metadata_shares(metadata))
    return pool, histogram


def _shares(result: SamplingResult, found: Any) -> Shares:
    targets = {balance.what: balance for balance in result.shares}
    target = None
    if (balance := targets.get(found.what)) and set(found.names) <= set(balance.names):
        by_name = dict(zip(balance.names, balance.target or (), strict=False))
        target = [by_name.get(name, 0.0) for name in found.names[:MAX_CLASSES]]
    cut = slice(MAX_CLASSES)
    return Shares(found.names[cut], found.pool[cut], found.sample[cut], found.random[cut], target)


def _histogram(key: str, pool: pl.Series, sample: pl.Series, random: pl.Series) -> Histogram | None:
    """Shares per bin of equal width over the pool's range; the last bin holds its upper edge."""

    def numbers(values: pl.Series) -> Any:
        array = values.drop_nulls().cast(pl.Float64).to_numpy()
        return array[np.isfinite(array)]

    everything = numbers(pool)
    if not len(everything):
        return None
    edges = np.histogram_bin_edges(everything, bins=BINS)

    def part(values: pl.Series) -> list[float]:
        counts = np.histogram(numbers(values), bins=edges)[0]
        share: list[float] = (counts / max(counts.sum(), 1)).tolist()
        return share

    return Histogram(key, edges.tolist(), part(pool), part(sample), part(random))


def coverage(curve: CoverageCurve | None, n: int) -> Coverage | None:
    """The curve as it goes to the browser, with a sentence about the count nearest to `n`."""
    if curve is None:
        return None
    nearest = int(np.abs(np.asarray(curve.at) - n).argmin())
    at = type(curve.last)(
        float(curve.radius[nearest]),
        float(curve.mean_distance[nearest]),
        float(curve.random_radius[nearest]),
        float(curve.random_mean_distance[nearest]),
    )
    return Coverage(curve.at, curve.radius.tolist(), curve.random_radius.tolist(), at.sentence)


def summarize(
    result: SamplingResult, n: int, source: str | None, metadata: str | None, curve: CoverageCurve | None
) -> Metrics:
    """The reply about the first `n` picks; the curve is over all of them."""
    pool, histogram = shares(result.prefix(min(n, result.n_new)), source, metadata)
    return Metrics(n=min(n, result.n_new), pool=pool, histogram=histogram, coverage=coverage(curve, n))


def curve_of(result: SamplingResult, progress: Progress) -> CoverageCurve | None:
    """Coverage after about 30 counts; None without embeddings or picks."""
    return result.coverage_curve(progress=progress)
