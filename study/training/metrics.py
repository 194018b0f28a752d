"""What a classifier's scores are worth: loss, accuracy, F1, areas under curves; and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Measures:
    """How scores stand against the truth.

    Attributes:
        loss: Mean cross entropy, in nats; not finite where training diverged.
        accuracy: Share of texts whose class is found, in [0, 1].
        macro_f1: Mean over classes of the harmonic mean of precision and recall, in [0, 1]; a class counts
            that a text has or is given, and 0 where it is never found.
        balanced_accuracy: Mean over the classes that texts have of the share found of each, in [0, 1].
        roc_auc: For two classes, the probability that a text of the second scores above one of the first
            (ties count half); None for more classes, and where texts have one class alone.
        average_precision: For two classes, the area under precision against recall of the second, by steps;
            None as `roc_auc`.
    """

    loss: float
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    roc_auc: float | None = None
    average_precision: float | None = None


def evaluate(scores: Scores, labels: Labels) -> Measures:
    """Measure scores against the truth; all but loss and ranks come of one confusion matrix.

    Args:
        scores: Before the last activation, shape (n, 1) for two classes, else (n, n_classes).
        labels: Class numbers, shape (n,).
    """
    wide = scores.astype(np.float64)
    is_binary = wide.shape[1] == 1
    # Scores of a diverged model give a loss that is not a number, which is the answer and no mishap.
    with np.errstate(invalid="ignore"):
        if is_binary:
            signed = np.where(labels == 1, wide[:, 0], -wide[:, 0])
            losses = np.logaddexp(0.0, -signed)
            predicted = (wide[:, 0] > 0).astype(np.intp)
        else:
            # By hand: scipy's logsumexp takes several times as long, and every epoch waits for it.
            predicted = wide.argmax(axis=1)
            rows = np.arange(len(labels))
            true, largest = wide[rows, labels], wide[rows, predicted]
            wide -= largest[:, np.newaxis]
            losses = np.log(np.exp(wide, out=wide).sum(axis=1)) + (largest - true)
    n_classes = 2 if is_binary else wide.shape[1]
    counts = np.bincount(labels.astype(np.intp) * n_classes + predicted, minlength=n_classes**2)
    macro_f1, balanced_accuracy = judge_confusion(counts.reshape(n_classes, n_classes))
    roc_auc, average_precision = _judge_ranks(wide[:, 0], labels) if is_binary else (None, None)
    return Measures(
        loss=float(losses.mean()),
        accuracy=float((predicted == labels).mean()),
        macro_f1=macro_f1,
        balanced_accuracy=balanced_accuracy,
        roc_auc=roc_auc,
        average_precision=average_precision,
    )


def judge_confusion(counts: npt.NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Return macro-F1 and balanced accuracy of a confusion matrix.

    Args:
        counts: Texts by true class and by class that they were given, shape (n_classes, n_classes).
    """
    found, true, given = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    occurs = true + given > 0
    # F1 = 2 found / (true + given): precision and recall without a case of their own where either is 0/0.
    macro_f1 = float((2 * found[occurs] / (true + given)[occurs]).mean())
    return macro_f1, float((found[true > 0] / true[true > 0]).mean())


def _judge_ranks(scores: npt.NDArray[np.float64], labels: Labels) -> tuple[float | None, float | None]:
    """Return ROC AUC and average precision of the second class.

    The area by Mann and Whitney's statistic; average precision as the sum of precisions, each weighted by the
    recall that it gains, texts of one score at once.
    """
    is_second = labels == 1
    n_second = int(is_second.sum())
    if n_second in (0, len(labels)) or not np.isfinite(scores).all():
        return None, None
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(is_second[order]), scores[order]
    # The last index of each run of equal scores.
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits, retrieved = hits[last], last + 1
    gained = np.diff(hits, prepend=0)
    missed = np.diff(retrieved - hits, prepend=0)
    n_first = len(labels) - n_second
    below = n_first - (retrieved - hits) + missed / 2
    roc_auc = float((gained * below).sum() / (n_second * n_first))
    return roc_auc, float((gained / n_second * (hits / retrieved)).sum())
