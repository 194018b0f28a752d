"""Metrics for readers: their names as people write them, and their values and differences in words."""

from __future__ import annotations

from analysis.words.numbers import NONE, number, percent, points

METRIC_LABELS = {
    "accuracy": "accuracy",
    "loss": "loss",
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}
"""By what a metric is recorded as, without its split."""

_SPLITS = ("train_", "val_", "test_")


def label_metric(name: str) -> str:
    """The word for a metric, whatever its split: `macro-F1` for `val_macro_f1`."""
    return METRIC_LABELS.get(_bare(name), _bare(name).replace("_", " "))


def is_percentage(name: str) -> bool:
    """Whether people write a metric in percent: accuracies, which are shares of texts or means of such."""
    return _bare(name).endswith("accuracy")


def say_score(name: str, value: float) -> str:
    """A value of a metric: `87.4%` of an accuracy, `0.874` of any other."""
    return percent(value) if is_percentage(name) else number(value, 3)


def say_difference(name: str, difference: float) -> str:
    """A difference between two values of a metric: `1.2 points` of an accuracy, `0.012` of any other."""
    return points(difference) if is_percentage(name) else number(difference, 3)


def with_interval(name: str, value: float, low: float, high: float) -> str:
    """A value of a metric with its interval, `0.752 (0.687 to 0.817)`; alone where none is known."""
    said = say_score(name, value)
    ends = [say_score(name, end).removesuffix("%") for end in (low, high)]
    return said if NONE in ends else f"{said} ({' to '.join(ends)})"


def _bare(name: str) -> str:
    for split in _SPLITS:
        name = name.removeprefix(split)
    return name.removesuffix("_last")
