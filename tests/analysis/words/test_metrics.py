from __future__ import annotations

from typing import get_args

import pytest

from analysis.records.schema import FURTHER_METRICS, Objective
from analysis.words.metrics import label_metric, say_difference, say_score, with_interval
from analysis.words.numbers import NONE

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("val_accuracy", "accuracy"),
        ("train_macro_f1_last", "macro-F1"),
        ("val_roc_auc", "ROC AUC"),
        ("test_balanced_accuracy", "balanced accuracy"),
        ("val_loss", "loss"),
    ],
)
def test_a_metric_is_named_as_people_write_it(name: str, label: str) -> None:
    assert label_metric(name) == label


def test_no_metric_that_is_recorded_is_named_by_its_column() -> None:
    assert not [name for name in (*get_args(Objective), *FURTHER_METRICS) if "_" in label_metric(name)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (say_score("val_accuracy", 0.8736), "87.4%"),
        (say_score("val_balanced_accuracy", 0.8736), "87.4%"),
        (say_score("val_macro_f1", 0.8736), "0.874"),
        (say_score("val_loss", NAN), NONE),
        (say_difference("val_accuracy", 0.035), "3.5 points"),
        (say_difference("val_roc_auc", 0.035), "0.035"),
        (with_interval("val_roc_auc", 0.7518, 0.6868, 0.8168), "0.752 (0.687 to 0.817)"),
        (with_interval("val_balanced_accuracy", 0.75, 0.7, 0.8), "75.0% (70.0 to 80.0)"),
        (with_interval("val_roc_auc", 0.7518, NAN, NAN), "0.752"),
    ],
)
def test_values_of_a_metric_are_said_in_its_own_unit(said: str, expected: str) -> None:
    assert said == expected
