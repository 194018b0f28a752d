"""Loss, accuracy and probabilities of a classifier's scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer[Any]]
Scores = npt.NDArray[np.float32]


def to_probabilities(scores: Scores) -> npt.NDArray[np.float64]:
    """Turn scores into probabilities: (n,) of the second class for one output, else (n, n_classes)."""
    wide = scores.astype(np.float64)
    if wide.shape[1] == 1:
        from scipy.special import expit

        return np.asarray(expit(wide[:, 0]))
    from scipy.special import softmax

    return np.asarray(softmax(wide, axis=1))


def evaluate(scores: Scores, labels: Labels) -> tuple[float, float]:
    """Return mean cross entropy, in nats, and accuracy in [0, 1] of scores against the truth.

    Args:
        scores: Before the last activation, shape (n, 1) for two classes, else (n, n_classes).
        labels: Class numbers, shape (n,).
    """
    wide = scores.astype(np.float64)
    # Scores of a diverged model give a loss that is not a number, which is the answer and no mishap.
    with np.errstate(invalid="ignore"):
        if wide.shape[1] == 1:
            signed = np.where(labels == 1, wide[:, 0], -wide[:, 0])
            losses = np.logaddexp(0.0, -signed)
            hits = (wide[:, 0] > 0) == (labels == 1)
        else:
            from scipy.special import logsumexp

            losses = logsumexp(wide, axis=1) - wide[np.arange(len(labels)), labels]
            hits = wide.argmax(axis=1) == labels
    return float(losses.mean()), float(hits.mean())
