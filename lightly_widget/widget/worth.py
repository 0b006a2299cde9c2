"""What the labels of the sample shown, and of B, are worth: learning curves, or without labels how coverage grows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lightly_widget.widget import metrics
from lightly_widget.wire import replies

if TYPE_CHECKING:
    from lightly_widget.errors import Progress
    from lightly_widget.sampling import SamplingResult
    from lightly_widget.sampling.metrics import CoverageCurve
    from lightly_widget.worth import LearningCurve


def worth_of_labels(
    shown: SamplingResult, other: SamplingResult | None, labels: str, progress: Progress
) -> replies.Worth:
    """The learning curves of A and B; B is left out, and a finding says so, where it is from other candidates."""
    findings: list[str] = []
    beside = [] if other is None else [other]
    if other is not None and not shown.is_comparable(other):
        findings.append("B is left out: it was made from other candidates, or beside other preselected samples.")
        beside = []
    found = shown.worth(labels, beside=beside, progress=progress)
    names = ("A", "B") if beside else ("This sample",)
    curves = tuple(dataclasses.replace(curve, name=name) for curve, name in zip(found.curves, names, strict=True))
    found = dataclasses.replace(found, curves=curves)
    return replies.Worth([*found.findings(), *findings], _curves(found), None, None)


def _curves(found: LearningCurve) -> replies.LabelCurves:
    random = found.random
    return replies.LabelCurves(
        budgets=list(found.budgets),
        curves=[
            replies.WorthCurve(curve.name, curve.accuracy.tolist(), curve.balanced_accuracy.tolist())
            for curve in found.curves
        ],
        accuracy=replies.Band(random.accuracy.tolist(), random.accuracy_low.tolist(), random.accuracy_high.tolist()),
        balanced=replies.Band(
            random.balanced_accuracy.tolist(), random.balanced_low.tolist(), random.balanced_high.tolist()
        ),
        n_labeled=found.n_labeled,
        n_held_out=found.n_held_out,
    )


def worth_of_coverage(curve: CoverageCurve | None, n: int) -> replies.Worth:
    """Without labels: where the coverage curve bends."""
    if curve is None:
        return replies.Worth(["Nothing can be said without labels or embeddings."], None, None, None)
    knee = curve.knee
    found = "The coverage has no bend: each further sample helps about as much as the one before."
    if knee is not None:
        found = f"The curve bends at about {knee:,} samples; beyond them each one covers little more."
    return replies.Worth([found], None, metrics.coverage(curve, n), knee)
