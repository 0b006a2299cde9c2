"""Whether a sample is worth its labels: probes on frozen embeddings, learning curves beside random, likely errors."""

from lightly_widget.worth.boxes import Matches, iou, match_boxes
from lightly_widget.worth.curve import (
    Curve,
    LearningCurve,
    RandomBand,
    Sampler,
    default_budgets,
    hold_out,
    learning_curve,
)
from lightly_widget.worth.probe import Probe, fit_probe, out_of_fold
from lightly_widget.worth.uncertainty import Uncertainty, label_doubt, uncertainty

__all__ = [
    "Curve",
    "LearningCurve",
    "Matches",
    "Probe",
    "RandomBand",
    "Sampler",
    "Uncertainty",
    "default_budgets",
    "fit_probe",
    "hold_out",
    "iou",
    "label_doubt",
    "learning_curve",
    "match_boxes",
    "out_of_fold",
    "uncertainty",
]
