"""Reports of studies whose settings are judged by another metric than accuracy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from analysis import load, summarize

Judge = Callable[..., Path]


@pytest.fixture
def judge(write_database: Callable[..., Path]) -> Judge:
    """Writes a study of two classes, 275 texts and 25, one run of each setting, with figures by setting."""

    def write(
        accuracies: Sequence[float], scores: Sequence[float] = (), metric: str = "val_macro_f1"
    ) -> Path:
        path = write_database(
            n_trials=len(accuracies),
            n_seeds=1,
            n_validation=300,
            n_predicted=len(accuracies),
            classes=("ham", "spam"),
            source="mails.csv",
            objective=metric if scores else "val_accuracy",
            prune_fraction=0,
            fail_fraction=0,
        )
        labels = np.array([0] * 275 + [1] * 25, dtype="<u2").tobytes()
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE labels SET labels = ?", (labels,))
            for trial, accuracy in enumerate(accuracies):
                db.execute("UPDATE epochs SET val_accuracy = ? WHERE trial = ?", (accuracy, trial))
            for trial, score in enumerate(scores):
                change = f"UPDATE epochs SET {metric} = ? - 0.01 * abs(epoch - 2) WHERE trial = ?"  # noqa: S608
                db.execute(change, (score, trial))
            db.execute("UPDATE lines SET macro_f1 = 0.478 WHERE name = 'majority class'")
        return path

    return write


def find(path: Path, kind: str) -> str:
    return " ".join(finding.text for finding in summarize(load(path)) if finding.kind == kind)


@pytest.mark.parametrize(
    ("accuracy", "expected"),
    [
        (0.99, ""),
        (0.92, "would reach 91.7%: the best setting's 92.0% \u00b1 3.6 cannot be told from it."),
        (0.847, "would reach 91.7%, more than the best setting's 84.7% \u00b1 4.5."),
    ],
)
def test_the_majority_class_lies_below_the_best_above_it_or_cannot_be_told(
    judge: Judge, accuracy: float, expected: str
) -> None:
    text = find(judge([accuracy, accuracy - 0.01]), "blindness")

    assert text == (f"The majority class alone, ham, {expected}" if expected else "")


def test_beside_the_majority_class_stands_what_the_study_judges_by(judge: Judge) -> None:
    text = find(judge([0.847, 0.917], [0.574, 0.478]), "blindness")

    assert text.endswith(
        "more than the best setting's 84.7% \u00b1 4.5. By macro-F1, the objective, it has 0.478 and the "
        "best setting 0.574."
    )
