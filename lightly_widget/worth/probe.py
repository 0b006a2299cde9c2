"""A linear probe: logistic regression on frozen embeddings, its regularization chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from lightly_widget.errors import InvalidValueError, Progress, no_progress
from lightly_widget.threads import one_blas_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

INVERSE_REGULARIZATIONS: Final = (0.1, 1.0, 10.0, 100.0)
"""Values of C, for embeddings scaled to a mean squared length of 1. Equal scores go to the smallest."""
FOLDS: Final = 3
_ITERATIONS: Final = 2_000
_TOLERANCE: Final = 1e-3
_JITTER: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted probe. Classes are the codes that it was fitted on."""

    classes: NDArray[np.int64]
    """(k,) codes, ascending."""
    mean: NDArray[np.float32]
    weights: NDArray[np.float32]
    """(d, k) for embeddings minus `mean`."""
    bias: NDArray[np.float32]
    regularization: float
    """The C that cross-validation chose."""

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(m, d) embeddings → (m, k) class probabilities, each row summing to 1."""
        scores = (vectors - self.mean) @ self.weights + self.bias
        likelihoods = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = (likelihoods / likelihoods.sum(axis=1, keepdims=True)).astype(np.float32)
        return probabilities

    def predict(self, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """(m, d) embeddings → (m,) codes of the most probable class."""
        codes: NDArray[np.int64] = self.classes[((vectors - self.mean) @ self.weights + self.bias).argmax(axis=1)]
        return codes


def fit_probe(vectors: NDArray[np.float32], codes: NDArray[np.int64], *, seed: int = 0) -> Probe:
    """Fit a probe on (n, d) embeddings and their (n,) class codes.

    C is the one of `INVERSE_REGULARIZATIONS` with the highest accuracy in 3-fold cross-validation. With a single class,
    the probe always answers that class.

    Raises:
        InvalidValueError: there are no samples.
    """
    if not len(codes):
        raise InvalidValueError("a probe needs at least one labeled sample, got none")
    classes, targets = np.unique(codes, return_inverse=True)
    mean = vectors.mean(axis=0)
    d = vectors.shape[1]
    if len(classes) == 1:
        zeros = np.zeros((d, 1), dtype=np.float32)
        return Probe(classes, mean, zeros, np.zeros(1, dtype=np.float32), INVERSE_REGULARIZATIONS[0])
    with one_blas_thread():
        coordinates, back = _coordinates(vectors - mean)
        chosen = _choose(coordinates, targets, seed)
        weights, bias = _fit(coordinates, targets, chosen, len(classes))
    return Probe(classes, mean, (back @ weights).astype(np.float32), bias.astype(np.float32), chosen)


def out_of_fold(
    vectors: NDArray[np.float32],
    codes: NDArray[np.int64],
    *,
    folds: int = 5,
    seed: int = 0,
    progress: Progress = no_progress,
) -> NDArray[np.float32]:
    """(n, k) class probabilities of each sample by a probe that was not fitted on it; classes as in `np.unique(codes)`.

    Classes that a fold's training part lacks get probability 0.
    """
    classes = np.unique(codes)
    result = np.zeros((len(codes), len(classes)), dtype=np.float32)
    parts = _folds(codes, min(folds, len(codes)), seed)
    for position, part in enumerate(parts):
        inside = np.ones(len(codes), dtype=bool)
        inside[part] = False
        if inside.any():
            probe = fit_probe(vectors[inside], codes[inside], seed=seed)
            columns = np.searchsorted(classes, probe.classes)
            result[np.ix_(part, columns)] = probe.probabilities(vectors[part])
        progress((position + 1) / len(parts))
    return result


def _coordinates(centered: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates in the span of the samples, mean squared length 1, and the (d, m) matrix that leads back.

    An L2-regularized linear model has its weights in the span of its samples, so fewer samples than dimensions make a
    smaller problem with the same solution.
    """
    n, d = centered.shape
    exact = centered.astype(np.float64)
    scale = 1.0 / max(float(np.sqrt(np.square(exact).sum(axis=1).mean())), 1e-30)
    exact *= scale
    if d <= n:
        return exact, np.eye(d) * scale
    lower = np.linalg.cholesky(exact @ exact.T + _JITTER * np.eye(n)).astype(np.float64, copy=False)
    return lower, (np.linalg.solve(lower, exact).T * scale).astype(np.float64, copy=False)


def _folds(codes: NDArray[np.int64], folds: int, seed: int) -> list[NDArray[np.int64]]:
    """Samples of each fold: every class is dealt out in turn, so that its shares differ by one sample at most."""
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    return [by_class[start::folds] for start in range(folds)]


def _choose(coordinates: NDArray[np.float64], targets: NDArray[np.int64], seed: int) -> float:
    if len(targets) < 2 * FOLDS:
        return 1.0
    correct = np.zeros(len(INVERSE_REGULARIZATIONS))
    for part in _folds(targets, FOLDS, seed):
        inside = np.ones(len(targets), dtype=bool)
        inside[part] = False
        known, fitted = np.unique(targets[inside], return_inverse=True)
        if len(known) < 2:
            continue
        for position, value in enumerate(INVERSE_REGULARIZATIONS):
            weights, bias = _fit(coordinates[inside], fitted, value, len(known))
            guesses = known[(coordinates[part] @ weights + bias).argmax(axis=1)]
            correct[position] += np.count_nonzero(guesses == targets[part])
    return INVERSE_REGULARIZATIONS[int(correct.argmax())]


def _fit(
    coordinates: NDArray[np.float64], targets: NDArray[np.int64], regularization: float, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(m, k) weights and (k,) biases."""
    from sklearn.linear_model import LogisticRegression

    # Twice the samples at half their weight is the same problem; scikit-learn warns where most samples have a class of
    # their own, which is where a sample of few labels begins.
    copies = 2 if 2 * n_classes > len(targets) else 1
    model = LogisticRegression(C=regularization / copies, max_iter=_ITERATIONS, tol=_TOLERANCE)
    model.fit(np.tile(coordinates, (copies, 1)), np.tile(targets, copies))
    weights, bias = model.coef_.T, model.intercept_
    if n_classes == 2:  # scikit-learn keeps the difference of the two
        return np.hstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    return weights, bias
