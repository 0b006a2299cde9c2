"""What class probabilities say of each sample: how sure they are, and where they contradict the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Per sample, all (n,)."""

    guess: NDArray[np.int64]
    """Column of the most probable class."""
    confidence: NDArray[np.float64]
    """Probability of that class, 1/k…1."""
    margin: NDArray[np.float64]
    """The same minus the probability of the runner-up, 0 (undecided) … 1 (sure)."""
    entropy: NDArray[np.float64]
    """Shannon entropy as a share of its maximum log(k), 0 (sure) … 1 (undecided)."""


def uncertainty(probabilities: NDArray[np.floating]) -> Uncertainty:
    """(n, k) class probabilities, rows summing to 1 → how sure they are. With one class, all are sure."""
    exact = probabilities.astype(np.float64)
    n, k = exact.shape
    guess = exact.argmax(axis=1)
    if k == 1:
        return Uncertainty(guess, np.ones(n), np.ones(n), np.zeros(n))
    best = np.partition(exact, k - 2, axis=1)[:, k - 2 :]
    logs = np.log(exact, out=np.zeros_like(exact), where=exact > 0)
    entropy = -(exact * logs).sum(axis=1) / np.log(k)
    return Uncertainty(guess, best[:, 1], best[:, 1] - best[:, 0], np.clip(entropy, 0.0, 1.0))


def label_doubt(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) how much the probabilities contradict the labels, 0 (the label is the best guess) … 1 (another is certain).

    probabilities: (n, k) of a model that did not see the sample's own label, such as `out_of_fold`. labels: (n,)
    columns of the given classes. The value is the normalized margin of Northcutt et al., 'Confident learning' (2021):
    the probability of the best guess minus that of the label.
    """
    exact = probabilities.astype(np.float64)
    doubt: NDArray[np.float64] = exact.max(axis=1) - exact[np.arange(len(labels)), labels]
    return doubt
