from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.statistics.calibration import (
    calibration_by_replicate,
    expected_calibration_error,
    reliability_curve,
)

# Ten bins. Confidences .95 (right), .95 (wrong), .65 (right), .62 (right): the mean confidence of a bin is
# compared with its accuracy, (2 |.95 - .5| + 2 |.635 - 1|) / 4.
FIRST, SECOND = (0, "search", 1), (0, "search", 2)
PROBABILITIES = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.62, 0.38]])
LABELS = np.array([0, 1, 1, 0])


def test_the_error_worked_by_hand() -> None:
    error = expected_calibration_error(PROBABILITIES, LABELS, bins=10)
    assert error == pytest.approx((2 * 0.45 + 2 * 0.365) / 4)  # bin midpoints would give .40, not .4075


def test_the_curve_shows_only_bins_that_hold_texts() -> None:
    curve = reliability_curve(PROBABILITIES, LABELS, bins=10)
    assert list(curve["n"]) == [2, 2]
    assert list(curve["accuracy"]) == [1.0, 0.5]
    assert list(curve["confidence"]) == pytest.approx([0.635, 0.95])
    assert list(curve["bin_low"]) == pytest.approx([0.6, 0.9])
    assert ((curve["low"] <= curve["accuracy"]) & (curve["accuracy"] <= curve["high"])).all()


def test_two_classes_may_be_given_by_the_second_alone() -> None:
    second = PROBABILITIES[:, 1]
    assert expected_calibration_error(second, LABELS) == pytest.approx(
        expected_calibration_error(PROBABILITIES, LABELS)
    )


def test_a_bin_holds_its_upper_end() -> None:
    curve = reliability_curve([[0.6, 0.4], [0.61, 0.39]], [0, 0], bins=10)
    assert list(curve["bin_high"]) == pytest.approx([0.6, 0.7])


@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40),
    bins=st.integers(1, 20),
)
def test_the_error_agrees_with_a_loop_over_bins(rows: list[tuple[float, int]], bins: int) -> None:
    second = np.array([p for p, _ in rows])
    labels = np.array([label for _, label in rows])
    confidence = np.where(second > 1 - second, second, 1 - second)
    right = (second > 1 - second).astype(int) == labels
    expected = 0.0
    for number in range(bins):
        inside = np.array([min(max(int(np.ceil(c * bins)) - 1, 0), bins - 1) == number for c in confidence])
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert expected_calibration_error(second, labels, bins=bins) == pytest.approx(expected, abs=1e-12)


def calibrated(n: int, seed: int, sharpen: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Labels drawn from true probabilities; `sharpen` > 1 overstates them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    return 1 / (1 + np.exp(-sharpen * logits)), labels


def test_a_calibrated_model_stays_under_its_bar_and_an_overconfident_one_does_not() -> None:
    good, labels = calibrated(4000, 0)
    bold, _ = calibrated(4000, 0, sharpen=2.5)
    table = calibration_by_replicate({FIRST: good, (1, "search", 1): bold}, labels).set_index("trial")
    assert 0 < table.loc[0, "ece"] < table.loc[0, "ece_if_calibrated_high"]
    assert table.loc[1, "ece"] > 3 * table.loc[1, "ece_if_calibrated_high"]
    assert table.loc[1, "overconfidence"] > 0.05
    assert abs(table.loc[0, "overconfidence"]) < 0.03  # four standard errors


def test_the_error_expected_of_a_calibrated_model_is_that_of_drawn_answers() -> None:
    probabilities, _ = calibrated(1000, 1)
    rng = np.random.default_rng(2)
    drawn = [
        expected_calibration_error(probabilities, (rng.random(1000) < probabilities).astype(int))
        for _ in range(300)
    ]
    row = calibration_by_replicate({FIRST: probabilities}, np.zeros(1000, int)).iloc[0]
    assert row["ece_if_calibrated"] == pytest.approx(np.mean(drawn), rel=0.06)
    assert row["ece_if_calibrated_high"] == pytest.approx(np.quantile(drawn, 0.95), rel=0.12)


def test_proper_scores_worked_by_hand() -> None:
    row = calibration_by_replicate({FIRST: np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])}, [0, 2]).iloc[0]
    assert row["log_loss"] == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2)
    assert row["brier"] == pytest.approx((0.09 + 0.04 + 0.01 + 0.01 + 0.64 + 0.81) / 2)


def test_two_hundred_classes_and_half_precision_work() -> None:
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.full(200, 0.05), 300).astype(np.float16)
    row = calibration_by_replicate({FIRST: table}, rng.integers(0, 200, 300)).iloc[0]
    assert row["overconfidence"] > 0.1
    assert np.isfinite(row["log_loss"])


def test_texts_without_finite_probabilities_are_left_out() -> None:
    table = calibration_by_replicate({FIRST: np.array([0.9, np.nan]), SECOND: np.full(2, np.nan)}, [1, 1])
    assert list(table["n"]) == [1, 0]
    assert table.loc[1, ["ece", "accuracy", "log_loss", "ece_if_calibrated"]].isna().all()
    assert reliability_curve([np.nan], [0]).empty


def test_no_predictions_give_an_empty_table() -> None:
    assert calibration_by_replicate({}, []).empty


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        ([0.5, 0.5], [1], 10, "one row per label"),
        ([0.5], [2], 10, "2 classes, not 2"),
        ([0.5], [1], 0, "bins=0"),
    ],
)
def test_what_cannot_be_binned_is_refused(
    probabilities: list[float], labels: list[int], bins: int, message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        reliability_curve(probabilities, labels, bins=bins)


def test_same_seed_same_bar() -> None:
    first, again, other = (
        calibration_by_replicate({FIRST: PROBABILITIES}, LABELS, seed=seed)["ece_if_calibrated"][0]
        for seed in (1, 1, 2)
    )
    assert first == again != other
