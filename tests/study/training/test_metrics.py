from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn import metrics

from study.training.metrics import evaluate, judge_confusion


def draw(n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n_outputs = 1 if n_classes == 2 else n_classes
    scores = np.round(rng.normal(size=(300, n_outputs)), 1).astype(np.float32)  # rounded, so that some tie
    return scores, rng.integers(0, n_classes, 300)


@pytest.mark.parametrize("n_classes", [2, 3, 20])
def test_each_measure_is_scikit_learns(n_classes: int) -> None:
    scores, labels = draw(n_classes, seed=n_classes)
    given = (scores[:, 0] > 0).astype(int) if n_classes == 2 else scores.argmax(axis=1)

    measures = evaluate(scores, labels)

    assert measures.accuracy == pytest.approx(metrics.accuracy_score(labels, given))
    assert measures.macro_f1 == pytest.approx(metrics.f1_score(labels, given, average="macro"))
    assert measures.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, given))


def test_areas_are_scikit_learns_where_scores_tie() -> None:
    scores, labels = draw(2, seed=1)

    measures = evaluate(scores, labels)

    assert measures.roc_auc == pytest.approx(metrics.roc_auc_score(labels, scores[:, 0]))
    assert measures.average_precision == pytest.approx(metrics.average_precision_score(labels, scores[:, 0]))


def test_a_model_that_knows_one_class_alone_is_told_by_f1_and_not_by_accuracy() -> None:
    # 90, 8 and 2 texts, all of which are given the first class: F1 is 180 / 190 of one in three.
    macro_f1, balanced_accuracy = judge_confusion(np.array([[90, 0, 0], [8, 0, 0], [2, 0, 0]]))

    assert macro_f1 == pytest.approx(180 / 190 / 3)
    assert balanced_accuracy == pytest.approx(1 / 3)


def test_a_class_without_a_text_counts_only_where_texts_are_given_it() -> None:
    absent, given = np.diag([5, 5, 0]), np.array([[5, 0, 0], [0, 4, 1], [0, 0, 0]])

    assert judge_confusion(absent) == (1.0, 1.0)
    assert judge_confusion(given) == pytest.approx(((1 + 8 / 9 + 0) / 3, 0.9))


@pytest.mark.parametrize("scores", [[[np.nan], [1.0]], [[1.0], [2.0]]])
def test_no_area_is_told_of_one_class_or_of_scores_that_are_no_numbers(scores: list[list[float]]) -> None:
    labels = np.array([1, 1]) if np.isfinite(scores).all() else np.array([0, 1])

    assert evaluate(np.array(scores, dtype=np.float32), labels).roc_auc is None


def test_the_loss_is_the_mean_cross_entropy_however_large_the_scores() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(scale=300.0, size=(200, 5)).astype(np.float32)
    labels = rng.integers(0, 5, 200)
    expected = -log_softmax(scores.astype(float), axis=1)[np.arange(200), labels].mean()

    assert evaluate(scores, labels).loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_the_loss_of_a_diverged_model_is_not_finite(score: float) -> None:
    scores = np.zeros((3, 4), dtype=np.float32)
    scores[1, 2] = score

    assert not np.isfinite(evaluate(scores, np.array([0, 1, 3])).loss)
