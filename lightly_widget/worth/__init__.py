"""Whether a sample is worth its labels: probes on frozen embeddings, learning curves beside random, likely errors."""

from lightly_widget.worth.curve import Curve, LearningCurve, RandomBand, default_budgets, hold_out, learning_curve
from lightly_widget.worth.probe import Probe, fit_probe, out_of_fold

__all__ = [
    "Curve",
    "LearningCurve",
    "Probe",
    "RandomBand",
    "default_budgets",
    "fit_probe",
    "hold_out",
    "learning_curve",
    "out_of_fold",
]
