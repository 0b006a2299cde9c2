"""The metrics of a sample as they go to the browser: class shares, a metadata histogram, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightly_widget.sampling.metrics import histogram
from lightly_widget.wire.replies import Coverage, Histogram, Metrics, Shares

if TYPE_CHECKING:
    from lightly_widget.sampling import SamplingResult
    from lightly_widget.sampling.metrics import CoverageCurve
    from lightly_widget.sampling.metrics import Shares as Found

MAX_CLASSES: Final = 50


def summarize(
    result: SamplingResult, n: int, source: str | None, metadata: str | None, curve: CoverageCurve | None
) -> Metrics:
    """The reply about the first `n` picks; the curve is over all of them."""
    count = min(n, result.n_new)
    pool, histogram = _shares(result.prefix(count), source, metadata)
    return Metrics(n=count, pool=pool, histogram=histogram, coverage=coverage(curve, n))


def coverage(curve: CoverageCurve | None, n: int) -> Coverage | None:
    """The curve, with a sentence about the count nearest to `n`."""
    if curve is None:
        return None
    return Coverage(curve.at, curve.radius.tolist(), curve.random_radius.tolist(), curve.nearest(n).sentence)


def _shares(result: SamplingResult, source: str | None, metadata: str | None) -> tuple[Shares | None, Histogram | None]:
    """One kind of shares is shown at a time: those of the source when both are asked for."""
    shares = None if source is None else _cut(result.class_shares(source), result)
    if metadata is None:
        return shares, None
    values = result.metadata_values(metadata)
    if values[0].dtype.is_numeric():
        found = histogram(*values)
        drawn = None if found is None else Histogram(metadata, found.edges, found.pool, found.sample, found.random)
        return shares, drawn
    return _cut(result.metadata_shares(metadata), result) if shares is None else shares, None


def _cut(found: Found, result: SamplingResult) -> Shares:
    """As much as the panel shows, with the target where the sampling balanced these classes."""
    cut = slice(MAX_CLASSES)
    target = found.target_in(result.shares)
    return Shares(found.names[cut], found.pool[cut], found.sample[cut], found.random[cut], target and target[cut])
