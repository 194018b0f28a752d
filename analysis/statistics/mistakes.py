"""Mistakes: which classes are confused, which texts fool a setting, and whether length or unknown words hurt.

All of it from the predictions of one setting's replicates on the same texts. Texts, not predictions, are the
cases of every interval: replicates that agree on a text have not seen more texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.errors import AnalysisError
from analysis.statistics.intervals import LEVEL, Floats, wilson_interval

N_RANGES = 5
"""Groups of about equally many texts in which accuracy is told."""

_MIN_CASES = 5
"""Texts that must be right, and wrong, before their lengths are compared."""


@dataclass(frozen=True, eq=False)
class Judgements:
    """What the replicates of a setting say of each text, and what is true.

    Attributes:
        probabilities: Of each class, float32, shape (n_replicates, n_texts, n_classes).
        labels: True classes, int64, shape (n_texts,).
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]

    @property
    def n_replicates(self) -> int:
        """How many replicates judged the texts."""
        return len(self.probabilities)

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.probabilities.shape[2])

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The class that each replicate takes each text for, shape (n_replicates, n_texts)."""
        predicted: NDArray[np.int64] = self.probabilities.argmax(axis=2)
        return predicted

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """Probabilities averaged over replicates, shape (n_texts, n_classes)."""
        mean: NDArray[np.float32] = self.probabilities.mean(axis=0)
        return mean

    @cached_property
    def share_right(self) -> Floats:
        """The share of replicates that are right on each text, shape (n_texts,)."""
        right: Floats = (self.predicted == self.labels).mean(axis=0)
        return right

    @cached_property
    def counts(self) -> Floats:
        """Texts by replicate, true class and predicted class: (n_replicates, n_classes, n_classes)."""
        n = self.n_classes
        flat = [np.bincount(self.labels * n + row, minlength=n * n) for row in self.predicted]
        return np.array(flat, dtype=float).reshape(-1, n, n)


def judge(predictions: Sequence[ArrayLike], labels: ArrayLike) -> Judgements:
    """Lay the predictions of a setting's replicates on the same texts beside what is true.

    Args:
        predictions: One entry per replicate: shape (n_texts, n_classes), or (n_texts,) for two classes: the
            probability of the second.
        labels: True classes, shape (n_texts,).

    Raises:
        AnalysisError: If there is no replicate, shapes do not fit, or a label names no class.
    """
    truth = np.asarray(labels).astype(np.int64)
    tables = [np.asarray(values, dtype=np.float32) for values in predictions]
    tables = [np.column_stack([1 - table, table]) if table.ndim == 1 else table for table in tables]
    if not tables or any(table.shape != (len(truth), tables[0].shape[-1]) for table in tables):
        raise AnalysisError(
            f"predictions need one row for each of {len(truth)} labels, in each of one or more replicates, "
            f"not shapes {[np.shape(values) for values in predictions]}: give those of the labels' split"
        )
    if truth.size and not 0 <= truth.min() <= truth.max() < tables[0].shape[1]:
        raise AnalysisError(
            f"labels need to name one of {tables[0].shape[1]} classes, not {truth.min()} to {truth.max()}: "
            "count classes from 0"
        )
    return Judgements(np.stack(tables), truth)


def confusion(judged: Judgements) -> pd.DataFrame:
    """What texts of each class are taken for.

    Returns:
        One row per pair of classes: `true, predicted` (numbers), `n` (texts, mean over replicates), `share`
        (of the texts of the true class; NaN where it has none).
    """
    n = judged.n_classes
    counts = judged.counts.mean(axis=0)
    return pd.DataFrame(
        {
            "true": np.repeat(np.arange(n), n),
            "predicted": np.tile(np.arange(n), n),
            "n": counts.ravel(),
            "share": _divide(counts, counts.sum(axis=1, keepdims=True)).ravel(),
        }
    )


def confused_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Which class is taken for which other, most texts first.

    Args:
        table: As `confusion` gives it.

    Returns:
        Its rows off the diagonal that hold texts, with `share_of_mistakes`, the part of all mistakes.
    """
    wrong = table[(table["true"] != table["predicted"]) & (table["n"] > 0)]
    ordered = wrong.sort_values(["n", "share"], ascending=False, kind="stable", ignore_index=True)
    return ordered.assign(share_of_mistakes=ordered["n"] / ordered["n"].sum())


def among_most_confused(table: pd.DataFrame, limit: int) -> pd.DataFrame:
    """The part of a confusion matrix that has room: the classes with most mistakes, made in them or for them.

    Args:
        table: As `confusion` gives it.
        limit: Classes that are kept.
    """
    wrong = table[table["true"] != table["predicted"]]
    mistakes = wrong.groupby("true")["n"].sum() + wrong.groupby("predicted")["n"].sum()
    kept = mistakes.sort_values(ascending=False, kind="stable").index[:limit]
    return table[table["true"].isin(kept) & table["predicted"].isin(kept)]


def scores_by_class(judged: Judgements, *, level: float = LEVEL) -> pd.DataFrame:
    """Precision, recall and F1 of each class, means over replicates of its counts.

    Returns:
        One row per class: `class` (number), `support` (texts), `n_predicted` (texts taken for it, mean over
        replicates), `n_blind` (replicates that predict it for no text), `precision, recall, f1`, each with
        `_low` and `_high`. Precision is NaN where the class is never predicted, all are where it has no
        texts.

    Source: Wilson (1927) for shares. F1 is no share; TP / (TP + FP + FN) is one, and F1 = 2J / (1 + J) grows
        with it (Hand, Christen & Kirielle, 2021): Wilson's interval of J, put through it.
    """
    counts = judged.counts.mean(axis=0)
    hits, support, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    table = pd.DataFrame(
        {
            "class": np.arange(judged.n_classes),
            "support": support.round().astype(np.int64),
            "n_predicted": predicted,
            "n_blind": (judged.counts.sum(axis=1) == 0).sum(axis=0),
        }
    )
    in_either = np.where(support > 0, support + predicted - hits, 0.0)
    for name, cases in (("precision", predicted), ("recall", support), ("f1", in_either)):
        cases = np.where(support > 0, cases, 0.0)
        ends = (_divide(hits, cases), *wilson_interval(hits, cases, level))
        for suffix, values in zip(("", "_low", "_high"), ends, strict=True):
            table[name + suffix] = 2 * values / (1 + values) if name == "f1" else values
    return table


def never_predicted(scores: pd.DataFrame, n_replicates: int) -> tuple[list[int], list[int]]:
    """Classes that have texts and that no replicate predicts, and those that only some predict.

    Args:
        scores: As `scores_by_class` gives it.
        n_replicates: Replicates behind it.
    """
    blind = scores[(scores["support"] > 0) & (scores["n_blind"] > 0)]
    by_all = blind["n_blind"] == n_replicates
    return blind.loc[by_all, "class"].tolist(), blind.loc[~by_all, "class"].tolist()


def accuracy_by_range(
    judged: Judgements, values: ArrayLike, *, ranges: int = N_RANGES, level: float = LEVEL
) -> pd.DataFrame:
    """Accuracy of texts by a number that each text has: its length, its share of unknown words.

    Args:
        judged: What the replicates say.
        values: One number per text, shape (n_texts,).
        ranges: Groups of about equally many texts; texts of the same number are never parted.
        level: Coverage of the accuracy's interval (Wilson's, with texts as cases).

    Returns:
        One row per group, ascending: `from, to` (the smallest and largest number in it), `n, accuracy, low,
        high`.
    """
    numbers = _numbers_of(judged, values)
    if not len(numbers):
        return pd.DataFrame(columns=["from", "to", "n", "accuracy", "low", "high"], dtype=float)
    cuts = np.unique(np.quantile(numbers, np.linspace(0, 1, ranges + 1)[1:-1], method="lower"))
    group = np.searchsorted(cuts, numbers, side="left")
    grouped = pd.DataFrame({"value": numbers, "right": judged.share_right}).groupby(group)
    table = grouped.agg(**{"from": ("value", "min"), "to": ("value", "max"), "n": ("right", "size")})
    hits = grouped["right"].sum()
    low, high = wilson_interval(hits, table["n"], level)
    return table.assign(accuracy=hits / table["n"], low=low, high=high).reset_index(drop=True)


@dataclass(frozen=True)
class Hardship:
    """Whether texts that are got wrong have larger numbers than those that are got right.

    Attributes:
        share_larger: How often a text that is got wrong has the larger number of the two, ties half, in
            [0, 1]; 1/2 if it makes no difference; NaN for too few texts.
        p_value: Two-sided, of Mann and Whitney's test; NaN for too few texts.
    """

    share_larger: float
    p_value: float


def compare_wrong_with_right(judged: Judgements, values: ArrayLike) -> Hardship:
    """Tell whether a number that each text has makes it harder.

    The averaged probabilities of all replicates decide what is got wrong.

    Source: Mann & Whitney (1947).
    """
    numbers = _numbers_of(judged, values)
    is_right = judged.mean.argmax(axis=1) == judged.labels
    if min(is_right.sum(), (~is_right).sum()) < _MIN_CASES:
        return Hardship(float("nan"), float("nan"))
    right, wrong = numbers[is_right], numbers[~is_right]
    found = stats.mannwhitneyu(wrong, right, alternative="two-sided", method="asymptotic")
    return Hardship(float(found.statistic) / (len(right) * len(wrong)), float(found.pvalue))


def confident_mistakes(judged: Judgements) -> pd.DataFrame:
    """Texts that the averaged probabilities get wrong, the most confident first.

    Returns:
        One row per text: `row` (its index in the split), `true, predicted` (numbers), `confidence` (mean
        probability of the predicted class), `given_to_true` (of the true class), `n_wrong` (replicates that
        get it wrong).
    """
    predicted = judged.mean.argmax(axis=1)
    rows = np.flatnonzero(predicted != judged.labels)
    table = _describe(judged, rows, predicted[rows])
    return table.sort_values("confidence", ascending=False, kind="stable", ignore_index=True)


def wrong_in_all(judged: Judgements) -> pd.DataFrame:
    """Texts that every replicate gets wrong: what is hard, and labels that are worth a look.

    Returns:
        As `confident_mistakes`, with `n_agree`, the replicates that take the text for `predicted`, the class
        with the highest averaged probability but the true one. Those that replicates agree on come first, of
        these the most confident. None for a single replicate, whose mistakes are all in all.
    """
    rows = np.flatnonzero(judged.share_right == 0) if judged.n_replicates > 1 else np.zeros(0, dtype=np.int64)
    others = judged.mean[rows].copy()
    others[np.arange(len(rows)), judged.labels[rows]] = -1
    predicted = others.argmax(axis=1)
    n_agree = (judged.predicted[:, rows] == predicted).sum(axis=0)
    table = _describe(judged, rows, predicted).assign(n_agree=n_agree)
    return table.sort_values(["n_agree", "confidence"], ascending=False, kind="stable", ignore_index=True)


def _describe(judged: Judgements, rows: NDArray[np.int64], predicted: NDArray[np.int64]) -> pd.DataFrame:
    true = judged.labels[rows]
    return pd.DataFrame(
        {
            "row": rows,
            "true": true,
            "predicted": predicted,
            "confidence": judged.mean[rows, predicted].astype(float),
            "given_to_true": judged.mean[rows, true].astype(float),
            "n_wrong": (judged.predicted[:, rows] != true).sum(axis=0),
        }
    )


def majority_share(labels: ArrayLike) -> tuple[int, float]:
    """The most frequent class and the share of texts that it is right on; NaN without texts."""
    counts = np.bincount(np.asarray(labels).astype(np.int64))
    if not counts.sum():
        return 0, float("nan")
    return int(counts.argmax()), float(counts.max() / counts.sum())


def _numbers_of(judged: Judgements, values: ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=float)
    if numbers.shape != judged.labels.shape:
        raise AnalysisError(
            f"texts need one number each, not {numbers.shape} for {len(judged.labels)} texts: give those of "
            "the split that was judged"
        )
    return numbers


def _divide(part: Floats, whole: Floats) -> Floats:
    unknown: Floats = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=unknown, where=whole > 0)
