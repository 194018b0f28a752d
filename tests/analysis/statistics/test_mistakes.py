from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from analysis.errors import AnalysisError
from analysis.statistics.intervals import wilson_interval
from analysis.statistics.mistakes import (
    Judgements,
    accuracy_by_range,
    compare_wrong_with_right,
    confident_mistakes,
    confused_pairs,
    confusion,
    judge,
    majority_share,
    never_predicted,
    scores_by_class,
    wrong_in_all,
)


def draw(n_replicates: int, n_texts: int, n_classes: int, seed: int = 0) -> Judgements:
    """Predictions that lean to the truth, by replicates that differ."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n_texts)
    scores = rng.normal(size=(n_replicates, n_texts, n_classes)) + 1.5 * np.eye(n_classes)[labels]
    tables = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    return judge(list(tables), labels)


def test_confusion_of_one_replicate_is_scikit_learns() -> None:
    judged = draw(1, 300, 4)

    table = confusion(judged)

    expected = confusion_matrix(judged.labels, judged.predicted[0])
    assert_allclose(table["n"].to_numpy().reshape(4, 4), expected)
    shares = confusion_matrix(judged.labels, judged.predicted[0], normalize="true")
    assert_allclose(table["share"].to_numpy().reshape(4, 4), shares)


def test_confusion_of_several_replicates_is_the_mean_of_theirs() -> None:
    judged = draw(3, 200, 3)

    table = confusion(judged)

    single = [confusion_matrix(judged.labels, row) for row in judged.predicted]
    assert_allclose(table["n"].to_numpy().reshape(3, 3), np.mean(single, axis=0))


def test_scores_of_one_replicate_are_scikit_learns() -> None:
    judged = draw(1, 300, 4)

    table = scores_by_class(judged)

    expected = precision_recall_fscore_support(judged.labels, judged.predicted[0], zero_division=np.nan)
    assert_allclose(table[["precision", "recall", "f1", "support"]].to_numpy().T, expected)


def test_the_interval_of_f1_is_wilsons_of_the_share_that_it_grows_with() -> None:
    # Class 1: 3 hits, 1 text missed, 2 taken for it wrongly: J = 3/6, F1 = 2/3.
    labels, said = [1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 1, 1, 0]

    row = scores_by_class(judge([said], labels)).iloc[1]

    low, high = wilson_interval(3, 6)
    assert row["f1"] == pytest.approx(2 / 3)
    assert_allclose([row["f1_low"], row["f1_high"]], [2 * low / (1 + low), 2 * high / (1 + high)])
    assert (row["precision"], row["recall"]) == (3 / 5, 3 / 4)
    assert_allclose([row["recall_low"], row["recall_high"]], wilson_interval(3, 4))


def test_replicates_that_agree_count_as_texts_once() -> None:
    one, three = draw(1, 90, 3), draw(1, 90, 3)
    three = judge([three.probabilities[0]] * 3, three.labels)

    assert_allclose(
        scores_by_class(three).drop(columns="n_blind"), scores_by_class(one).drop(columns="n_blind")
    )


def test_classes_that_are_never_predicted_are_told_from_those_that_some_replicates_predict() -> None:
    labels = [0, 0, 1, 2]
    first = np.eye(4)[[0, 0, 1, 0]]
    second = np.eye(4)[[0, 0, 0, 0]]

    table = scores_by_class(judge([first, second], labels))

    # Class 2 is never predicted, class 1 by one of two replicates; class 3 has no texts and misses nothing.
    assert never_predicted(table, 2) == ([2], [1])
    assert table["n_blind"].tolist() == [0, 1, 2, 2]
    assert table["precision"].isna().tolist() == [False, False, True, True]
    assert (table.loc[2, "recall"], table.loc[2, "f1"]) == (0, 0)
    assert table.loc[3, ["precision", "recall", "f1"]].isna().all()


def test_the_most_confused_pair_is_the_one_with_most_texts() -> None:
    labels = [0] * 6 + [1] * 2 + [2] * 2
    said = [1, 1, 1, 0, 0, 2, 0, 1, 2, 0]

    pairs = confused_pairs(confusion(judge([np.eye(3)[said]], labels)))

    # Of two pairs with one text each the one that is the larger part of its class.
    assert pairs[["true", "predicted", "n"]].to_numpy().tolist() == [
        [0, 1, 3],
        [1, 0, 1],
        [2, 0, 1],
        [0, 2, 1],
    ]
    assert pairs["share"].tolist() == [1 / 2, 1 / 2, 1 / 2, 1 / 6]
    assert pairs["share_of_mistakes"].tolist() == [1 / 2, 1 / 6, 1 / 6, 1 / 6]


def test_accuracy_by_range_parts_texts_into_equal_groups_and_no_equal_texts() -> None:
    values = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]
    said = [1, 1, 1, 1, 1, 0, 1, 0, 0, 0]
    judged = judge([np.array(said, float), np.array(said, float)], [1] * 10)

    table = accuracy_by_range(judged, values, ranges=4)

    assert table[["from", "to", "n"]].to_numpy().tolist() == [[0, 0, 6], [1, 1, 1], [2, 4, 3]]
    assert_allclose(table["accuracy"], [5 / 6, 1, 0])
    assert_allclose(table[["low", "high"]].to_numpy()[0], wilson_interval(5, 6))


def test_texts_that_are_got_wrong_are_compared_as_scipy_does() -> None:
    rng = np.random.default_rng(1)
    is_right = rng.random(400) < 0.7
    values = rng.poisson(np.where(is_right, 20, 24))
    judged = judge([is_right.astype(float)], np.ones(400, dtype=int))

    found = compare_wrong_with_right(judged, values)

    wins = [np.mean((w > values[is_right]) + 0.5 * (w == values[is_right])) for w in values[~is_right]]
    assert found.share_larger == pytest.approx(np.mean(wins))
    expected = stats.mannwhitneyu(values[~is_right], values[is_right], method="asymptotic")
    assert found.p_value == pytest.approx(expected.pvalue)
    assert np.isnan(compare_wrong_with_right(judge([[1.0] * 9], [1] * 9), range(9)).p_value)


def test_the_most_confident_mistake_comes_first() -> None:
    first = [0.875, 0.625, 0.75, 0.25]
    second = [0.5, 1.0, 0.625, 0.125]

    table = confident_mistakes(judge([first, second], [0, 0, 0, 0]))

    # The fourth text is right; the other two have the same mean and stay in order. At 0.5 the first class
    # is taken.
    assert table["row"].tolist() == [1, 0, 2]
    assert table["confidence"].tolist() == [0.8125, 0.6875, 0.6875]
    assert table["given_to_true"].tolist() == [0.1875, 0.3125, 0.3125]
    assert table["n_wrong"].tolist() == [2, 1, 2]


def test_what_all_replicates_get_wrong_starts_with_what_they_agree_on() -> None:
    first = np.array([[0.1, 0.9, 0.0], [0.3, 0.0, 0.7], [0.4, 0.6, 0.0], [0.9, 0.1, 0.0]])
    second = np.array([[0.2, 0.0, 0.8], [0.1, 0.0, 0.9], [0.6, 0.4, 0.0], [0.8, 0.2, 0.0]])

    table = wrong_in_all(judge([first, second], [0, 0, 0, 1]))

    # Text 2 is right under the second replicate; of text 0 the two say different things.
    assert table[["row", "predicted", "n_agree"]].to_numpy().tolist() == [[3, 0, 2], [1, 2, 2], [0, 1, 1]]
    assert wrong_in_all(judge([first], [0, 0, 0, 1])).empty


def test_the_majority_is_the_largest_class() -> None:
    assert majority_share([2, 2, 0, 1, 2]) == (2, 0.6)
    assert np.isnan(majority_share([])[1])


@pytest.mark.parametrize(
    ("predictions", "labels", "match"),
    [
        ([], [0, 1], "one or more replicates"),
        ([[0.5]], [0, 1], r"\[\(1,\)\]"),
        ([[0.5, 0.5], [[0.2, 0.3, 0.5]] * 2], [0, 1], "not shapes"),
        ([[0.5, 0.5]], [0, 2], "one of 2 classes, not 0 to 2"),
    ],
)
def test_predictions_that_fit_no_labels_are_refused(
    predictions: list[list[float]], labels: list[int], match: str
) -> None:
    with pytest.raises(AnalysisError, match=match):
        judge(predictions, labels)


def test_numbers_of_other_texts_are_refused() -> None:
    with pytest.raises(AnalysisError, match=r"\(3,\) for 2 texts"):
        accuracy_by_range(judge([[0.1, 0.9]], [0, 1]), [1, 2, 3])
