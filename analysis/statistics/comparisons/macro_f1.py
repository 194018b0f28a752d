"""Macro-F1 of models that judged the same texts, and what other texts could move their difference by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.statistics.intervals import Floats, Seed

RESAMPLES = 1_000
"""Bootstrap draws: a standard error is then known to 2%."""

_CHUNK = 2**22


def macro_f1(labels: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], n_classes: int) -> Floats:
    """Macro-F1 of each model.

    Args:
        labels: True classes, shape (n_texts,).
        predicted: What each model takes each text for, shape (n_models, n_texts).
        n_classes: How many classes there are; one that no text has or is given counts in no mean.

    Returns:
        Shape (n_models,).
    """
    whole: Floats = _score(np.ones((1, len(labels))), labels, predicted, n_classes)[0]
    return whole


def resample_macro_f1(
    labels: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    n_classes: int,
    *,
    resamples: int = RESAMPLES,
    seed: Seed = 0,
) -> Floats:
    """Macro-F1 of each model on texts drawn with replacement, the same texts for all models.

    Returns:
        Shape (resamples, n_models).

    Source: Efron & Tibshirani (1993), ch. 6; texts that all models answer alike are drawn together.
    """
    rng = np.random.default_rng(seed)
    answers, n_alike = np.unique(np.vstack([labels, predicted]), axis=1, return_counts=True)
    step = max(1, _CHUNK // max(len(n_alike), 1))
    parts = []
    for start in range(0, resamples, step):
        n_rows = min(step, resamples - start)
        drawn = rng.multinomial(n_alike.sum(), n_alike / n_alike.sum(), size=n_rows).astype(float)
        parts.append(_score(drawn, answers[0], answers[1:], n_classes))
    return np.concatenate(parts)


def _score(
    weights: Floats,
    labels: NDArray[np.integer[Any]],
    predicted: NDArray[np.integer[Any]],
    n_classes: int,
) -> Floats:
    """Macro-F1 by row of weights and model, from weighted counts: F1 is 2 found / (true + given)."""
    true = _count(weights, labels, n_classes)
    scores = []
    for own in predicted:
        either = true + _count(weights, own, n_classes)
        found = _count(weights, np.where(own == labels, labels, n_classes), n_classes + 1)[:, :-1]
        occurs = either > 0
        by_class = np.divide(2 * found, either, out=np.zeros_like(either), where=occurs)
        scores.append(by_class.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))
    return np.column_stack(scores)


def _count(weights: Floats, classes: NDArray[np.integer[Any]], n_classes: int) -> Floats:
    rows = np.arange(len(classes))
    of_class = sparse.csr_matrix((np.ones(len(classes)), (rows, classes)), shape=(len(classes), n_classes))
    return np.asarray(weights @ of_class)
