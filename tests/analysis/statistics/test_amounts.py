from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.amounts import accuracy_by_amount, curves_of, foresee_gain, more_text
from tests.analysis.conftest import trials_table

SIZES = np.repeat([1000.0, 2000.0, 4000.0, 8000.0], 3)


def errors(truth: object, spread: float, seed: int) -> np.ndarray:
    noise = 1 + spread * np.random.default_rng(seed).standard_normal(len(SIZES))
    return np.asarray(truth(SIZES) * noise)  # type: ignore[operator]


def runs_table() -> pd.DataFrame:
    """Two cells at three amounts under two seeds; GRU twenty points behind."""
    rows = [
        {
            "trial": 3 * (cell == "gru") + index,
            "replicate": replicate,
            "cell": cell,
            "train_size": size,
            "val_accuracy": accuracy + 0.02 * (replicate == 2) - 0.2 * (cell == "gru"),
        }
        for cell in ("lstm", "gru")
        for index, (size, accuracy) in enumerate(((100, 0.6), (200, 0.7), (400, 0.75)))
        for replicate in (1, 2)
    ]
    return trials_table(rows)


def lines_table() -> pd.DataFrame:
    """NB-SVM by seed, 10 points above LSTM at 100 texts and level with it at 400; a majority class."""
    rows = [
        ("NB-SVM", 100, 101, 0.70), ("NB-SVM", 100, 102, 0.72),
        ("NB-SVM", 200, 101, 0.73), ("NB-SVM", 200, 102, 0.75),
        ("NB-SVM", 400, 101, 0.75), ("NB-SVM", 400, 102, 0.77),
        ("majority class", 400, 101, 0.5), ("majority class", 400, 102, 0.5),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["name", "train_size", "seed", "val_accuracy"])


def test_a_power_law_without_noise_is_found() -> None:
    def truth(n: np.ndarray) -> np.ndarray:
        return np.asarray(0.05 + 2.0 * n**-0.4)

    foreseen = foresee_gain(SIZES, 1 - errors(truth, 1e-6, 0))

    assert foreseen is not None
    expected = float(truth(np.array(8000.0)) - truth(np.array(16000.0)))
    assert foreseen.gain == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    "truth",
    [
        lambda n: 2.0 * n**-0.3,
        lambda n: 0.1 + 20.0 * n**-0.8,
        lambda n: 0.12 + 0.33 / (1 + (n / 1500.0) ** 3),  # takes off late, and levels off
        lambda n: 0.2 + 0.0 * n,
    ],
    ids=["power law", "with a floor", "takes off late", "flat"],
)
def test_the_interval_holds_the_gain_whatever_the_shape(truth: object) -> None:
    expected = float(truth(8000.0) - truth(16000.0))  # type: ignore[operator]

    held = 0
    for seed in range(20):
        foreseen = foresee_gain(SIZES, 1 - errors(truth, 0.04, seed))
        assert foreseen is not None
        held += foreseen.low - 1e-3 <= expected <= foreseen.high + 1e-3

    assert held >= 17  # of a 95% interval fewer do in one of 400 such tests


def test_more_noise_makes_the_interval_wider() -> None:
    widths = []
    for spread in (0.01, 0.1):
        foreseen = foresee_gain(SIZES, 1 - errors(lambda n: 2.0 * n**-0.3, spread, 1))
        assert foreseen is not None
        widths.append(foreseen.high - foreseen.low)

    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize(
    "sizes", [[100, 100, 200, 200], [100, 200, 400, 800]], ids=["two amounts", "one seed"]
)
def test_too_little_says_nothing(sizes: list[int]) -> None:
    assert foresee_gain(sizes, [0.6, 0.61, 0.7, 0.71]) is None


def test_settings_that_differ_in_their_amount_alone_are_one_curve() -> None:
    runs = curves_of(runs_table(), ("cell", "train_size"))

    assert runs.groupby("curve")["cell"].nunique().tolist() == [1, 1]
    assert runs.groupby("curve")["train_size"].nunique().tolist() == [3, 3]


def test_runs_that_did_not_complete_or_confirm_a_choice_are_on_no_curve() -> None:
    trials = runs_table()
    trials.loc[0, "state"], trials.loc[1, "phase"] = "pruned", "confirm"

    runs = curves_of(trials, ("cell", "train_size"))

    assert len(runs) == len(trials) - 2


def test_a_study_of_one_amount_has_no_curve() -> None:
    runs = curves_of(runs_table().drop(columns="train_size"), ("cell",))

    assert accuracy_by_amount(runs, lines_table(), 1000).empty
    assert more_text(runs).empty


def test_each_amount_is_compared_with_the_line_fitted_on_the_texts_of_the_same_seed() -> None:
    table = accuracy_by_amount(curves_of(runs_table(), ("cell", "train_size")), lines_table(), 1000)
    lstm = table[table["curve"] == 0].set_index("train_size")

    assert set(table["line"]) == {"NB-SVM"}
    assert lstm["accuracy"].tolist() == pytest.approx([0.61, 0.71, 0.76])
    # Seeds move both alike: in pairs nothing of their two points is left.
    assert lstm["difference"].tolist() == pytest.approx([-0.10, -0.03, 0.0])
    by_texts = 1.959964 * np.sqrt((0.61 * 0.39 + 0.71 * 0.29) / 1000)
    assert lstm.loc[100, "high"] - lstm.loc[100, "difference"] == pytest.approx(by_texts, rel=0.01)
    assert lstm.loc[100, "high"] < 0 < lstm.loc[400, "high"]


def test_without_lines_curves_stand_alone() -> None:
    table = accuracy_by_amount(curves_of(runs_table(), ("cell", "train_size")), lines_table().head(0), 1000)

    assert len(table) == 6
    assert table["difference"].isna().all()


def test_what_twice_as_much_would_bring_is_said_of_each_curve() -> None:
    table = more_text(curves_of(runs_table(), ("cell", "train_size")))

    assert table["train_size"].tolist() == [400, 400]
    assert table["twice"].tolist() == [800, 800]
    assert table["accuracy"].tolist() == pytest.approx([0.76, 0.56])
    assert (table["gain_low"] <= table["gain"]).all()
    assert (table["gain"] <= table["gain_high"]).all()
