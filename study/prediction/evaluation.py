"""How well a model does on texts whose labels are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.calibration import expected_calibration_error
from analysis.statistics.intervals import wilson_interval
from study.data.corpus import fingerprint_rows
from study.data.messages import listed
from study.errors import StudyError
from study.prediction.classifier import TextClassifier

_LEAST = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Figures of a model on labelled texts.

    Attributes:
        n_texts: Texts.
        accuracy: Share of them that got their label, in [0, 1].
        low: Lower end of its 95% interval (Wilson).
        high: Upper end.
        majority: Accuracy of always giving the most frequent label.
        loss: Mean negative log likelihood of the labels, in nats.
        macro_f1: Mean F1 of the classes that occur.
        calibration_error: Expected, in [0, 1]: how far probabilities are from frequencies.
        classes: By class: texts, precision, recall, f1.
        confusion: Texts by label (rows) and class given (columns).
        familiar: Whether these are the very texts that the model was trained and chosen on.
    """

    n_texts: int
    accuracy: float
    low: float
    high: float
    majority: float
    loss: float
    macro_f1: float
    calibration_error: float
    classes: pd.DataFrame
    confusion: pd.DataFrame
    familiar: bool


def evaluate(classifier: TextClassifier, texts: Sequence[str], labels: Sequence[str]) -> Evaluation:
    """Compare a model's classes with the labels of texts.

    Raises:
        StudyError: If a label is none of the model's classes.
    """
    names = list(classifier.card.classes)
    strange = sorted(set(labels) - set(names))
    if strange:
        raise StudyError(
            f"labels must be classes of the model, {listed(names)}: the texts have {listed(strange)}; name "
            "the column of labels with --label, or the classes with --class-names"
        )
    numbers = {name: number for number, name in enumerate(names)}
    truth = np.array([numbers[label] for label in labels])
    probabilities = classifier.predict(texts)
    given = probabilities.argmax(axis=1)
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (truth, given), 1)
    n_right = int(np.trace(confusion))
    low, high = wilson_interval(n_right, len(truth))
    table = _by_class(confusion, names)
    return Evaluation(
        n_texts=len(truth),
        accuracy=n_right / len(truth),
        low=float(low),
        high=float(high),
        majority=float(np.bincount(truth).max() / len(truth)),
        loss=float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], _LEAST)).mean()),
        macro_f1=float(table.loc[table["texts"] > 0, "f1"].mean()),
        calibration_error=expected_calibration_error(probabilities, truth),
        classes=table,
        confusion=pd.DataFrame(confusion, index=pd.Index(names, name="label"), columns=names),
        familiar=fingerprint_rows(texts, labels) == classifier.card.fingerprint,
    )


def _by_class(confusion: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    right, n_labelled, n_given = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision = right / np.maximum(n_given, 1)
    recall = right / np.maximum(n_labelled, 1)
    f1 = 2 * right / np.maximum(n_labelled + n_given, 1)
    return pd.DataFrame(
        {"texts": n_labelled, "precision": precision, "recall": recall, "f1": f1},
        index=pd.Index(names, name="class"),
    )
