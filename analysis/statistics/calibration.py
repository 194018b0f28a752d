"""Calibration: whether a model that says 90% is right nine times in ten."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.statistics.intervals import LEVEL, RESAMPLES, Floats, Seed, wilson_interval

N_BINS = 15
"""Bins of equal width, as in Guo et al. (2017)."""

_TINY = 1e-7


def reliability_curve(
    probabilities: ArrayLike, labels: ArrayLike, *, bins: int = N_BINS, level: float = LEVEL
) -> pd.DataFrame:
    """Accuracy against confidence, in bins of equal width.

    Args:
        probabilities: Shape (n_texts, n_classes), or (n_texts,) for two classes: of the second.
        labels: True classes, shape (n_texts,).
        bins: Number of bins between the least confidence that is possible, 0, and 1.
        level: Coverage of the accuracy's interval (Wilson's).

    Returns:
        One row per bin that holds texts: `bin_low, bin_high, n, confidence` (mean), `accuracy, low, high`.

    Raises:
        AnalysisError: If shapes do not fit, a label names no class, or `bins` is below 1.

    Source: DeGroot & Fienberg (1983); in this form Guo et al. (2017).
    """
    confidence, correct = _judge(probabilities, labels)
    _check_bins(bins)
    bin_index = _bin_of(confidence, bins)
    n = np.bincount(bin_index, minlength=bins)
    held = np.flatnonzero(n)
    hits = np.bincount(bin_index, correct, minlength=bins)[held]
    low, high = wilson_interval(hits, n[held], level)
    return pd.DataFrame(
        {
            "bin_low": held / bins,
            "bin_high": (held + 1) / bins,
            "n": n[held],
            "confidence": np.bincount(bin_index, confidence, minlength=bins)[held] / n[held],
            "accuracy": hits / n[held],
            "low": low,
            "high": high,
        }
    )


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = N_BINS) -> float:
    """Mean distance between confidence and accuracy over bins, weighted by texts; NaN for no texts.

    Source: Naeini, Cooper & Hauskrecht (2015); of the predicted class as in Guo et al. (2017).
    """
    confidence, correct = _judge(probabilities, labels)
    _check_bins(bins)
    return _binned_error(confidence, correct, bins)


def calibration_by_replicate(
    predictions: Mapping[tuple[int, str, int], NDArray[np.floating]],
    labels: ArrayLike,
    *,
    bins: int = N_BINS,
    resamples: int = RESAMPLES,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Calibration of each replicate whose validation predictions were stored.

    The expected calibration error is never 0, not even of a perfectly calibrated model, for bins hold few
    texts. So `ece_if_calibrated` says what it would be if every confidence were true, and
    `ece_if_calibrated_high` its 95% quantile: the bar above which miscalibration is no accident.

    Args:
        predictions: Probabilities by (trial, phase, replicate), shapes as in `reliability_curve`.
        labels: True classes, shape (n_texts,).
        bins: As in `reliability_curve`.
        resamples: Draws for `ece_if_calibrated`.
        seed: Starts the draws.

    Returns:
        One row per entry, sorted: `trial, phase, replicate, n, accuracy, confidence` (mean), `overconfidence`
        (confidence - accuracy), `ece, ece_if_calibrated, ece_if_calibrated_high, log_loss, brier` (sum of
        squares over classes, in [0, 2]). Texts with a probability that is not finite are left out.

    Raises:
        AnalysisError: As `reliability_curve`.

    Source: Brocker & Smith (2007) for drawing answers from the forecasts, here by the normal
        approximation in each bin, whose hits vary by sum p (1 - p); Brier (1950).
    """
    rng = np.random.default_rng(seed)
    _check_bins(bins)
    rows = []
    for trial, phase, replicate in sorted(predictions):
        probabilities = predictions[trial, phase, replicate]
        confidence, correct = _judge(probabilities, labels)
        under = _errors_if_calibrated(confidence, bins, resamples, rng)
        has_texts = len(confidence) > 0
        row = {
            "trial": trial,
            "phase": phase,
            "replicate": replicate,
            "n": len(confidence),
            "accuracy": correct.mean() if has_texts else np.nan,
            "confidence": confidence.mean() if has_texts else np.nan,
            "ece": _binned_error(confidence, correct, bins),
            "ece_if_calibrated": under.mean(),
            "ece_if_calibrated_high": np.quantile(under, 0.95),
            **_proper_scores(probabilities, labels),
        }
        rows.append({**row, "overconfidence": row["confidence"] - row["accuracy"]})
    return pd.DataFrame(rows, columns=_COLUMNS).astype(dict.fromkeys(("trial", "replicate", "n"), "int64"))


_COLUMNS = [
    "trial",
    "phase",
    "replicate",
    "n",
    "accuracy",
    "confidence",
    "overconfidence",
    "ece",
    "ece_if_calibrated",
    "ece_if_calibrated_high",
    "log_loss",
    "brier",
]


def _judge(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Confidence in the predicted class and whether it was right, of texts with finite probabilities."""
    table, truth = _tabulate(probabilities, labels)
    if not len(table):
        return np.zeros(0), np.zeros(0)
    predicted = table.argmax(axis=1)
    return table[np.arange(len(table)), predicted], (predicted == truth).astype(float)


def _tabulate(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """Probabilities of all classes and true classes, checked, of texts with finite probabilities."""
    table = np.asarray(probabilities, dtype=float)
    truth = np.asarray(labels).astype(np.int64)
    if table.ndim == 1:
        table = np.column_stack([1 - table, table])
    if table.ndim != 2 or truth.shape != table.shape[:1]:
        raise AnalysisError(
            f"probabilities need one row per label, not shapes {np.shape(probabilities)} and {truth.shape}: "
            "give those of the split that the labels belong to"
        )
    if truth.size and not 0 <= truth.min() <= truth.max() < table.shape[1]:
        raise AnalysisError(
            f"labels need to name one of {table.shape[1]} classes, not {truth.min()} to {truth.max()}: "
            "count classes from 0"
        )
    known = np.isfinite(table).all(axis=1)
    return np.clip(table[known], 0, 1), truth[known]


def _check_bins(bins: int) -> None:
    if bins < 1:
        raise AnalysisError(f"confidences need at least one bin, not bins={bins}: give 1 or more")


def _bin_of(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Bin of each confidence; a bin holds its upper end, as in Guo et al."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _binned_error(confidence: Floats, correct: Floats, bins: int) -> float:
    if not len(confidence):
        return float("nan")
    excess = np.bincount(_bin_of(confidence, bins), confidence - correct, minlength=bins)
    return float(np.abs(excess).sum() / len(confidence))


def _errors_if_calibrated(confidence: Floats, bins: int, resamples: int, rng: np.random.Generator) -> Floats:
    """Calibration errors drawn for a model whose confidences are true, shape (resamples,)."""
    if not len(confidence):
        return np.full(resamples, np.nan)
    variance = np.bincount(_bin_of(confidence, bins), confidence * (1 - confidence), minlength=bins)
    excess = np.abs(rng.standard_normal((resamples, bins))) @ np.sqrt(variance)
    return np.asarray(excess / len(confidence))


def _proper_scores(probabilities: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    table, truth = _tabulate(probabilities, labels)
    if not len(table):
        return {"log_loss": np.nan, "brier": np.nan}
    of_truth = table[np.arange(len(table)), truth]
    # sum over classes of (p - y)^2, without building y
    brier = (table**2).sum(axis=1) - 2 * of_truth + 1
    return {"log_loss": -np.log(np.maximum(of_truth, _TINY)).mean(), "brier": brier.mean()}
