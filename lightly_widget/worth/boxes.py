"""Predicted boxes beside labeled ones: which are matched, which are missing, which are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Matches:
    """What became of the boxes of one image."""

    of_prediction: NDArray[np.int64]
    """(p,) the labeled box that each prediction matches, -1 for a false positive."""
    of_label: NDArray[np.int64]
    """(t,) the prediction that matches each labeled box, -1 for a false negative."""

    @property
    def false_positives(self) -> int:
        """Predictions without a labeled box."""
        return int(np.count_nonzero(self.of_prediction < 0))

    @property
    def false_negatives(self) -> int:
        """Labeled boxes without a prediction."""
        return int(np.count_nonzero(self.of_label < 0))


def iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """(a, b) intersection over union of (a, 4) and (b, 4) boxes (x, y, width, height); 0 where both are empty."""
    a, b = first.astype(np.float64)[:, None, :], second.astype(np.float64)[None, :, :]
    corners = np.maximum(a[..., :2], b[..., :2])
    ends = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = np.clip(ends - corners, 0, None).prod(axis=-1)
    union = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - shared
    overlap: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def match_boxes(
    predicted: NDArray[np.floating],
    predicted_classes: NDArray[np.int64],
    confidences: NDArray[np.floating],
    labeled: NDArray[np.floating],
    labeled_classes: NDArray[np.int64],
    *,
    least_iou: float = 0.5,
) -> Matches:
    """Match the boxes of one image as COCO's evaluation does.

    Predictions choose in order of falling confidence (ties: in the order given), each the free labeled box of its class
    with the highest IoU, if that is `least_iou` (0…1) or more. predicted, labeled: (p, 4) and (t, 4) as x, y, width,
    height.
    """
    overlap = iou(predicted, labeled)
    overlap[predicted_classes[:, None] != labeled_classes[None, :]] = -1.0
    of_prediction = np.full(len(predicted), -1, dtype=np.int64)
    of_label = np.full(len(labeled), -1, dtype=np.int64)
    if len(labeled):
        for row in np.argsort(-confidences, kind="stable"):
            best = int(overlap[row].argmax())
            if overlap[row, best] >= least_iou:
                of_prediction[row], of_label[best] = best, row
                overlap[:, best] = -1.0
    return Matches(of_prediction, of_label)
