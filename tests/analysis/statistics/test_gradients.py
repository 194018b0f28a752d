from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.gradients import gradient_reach, reach_of


def make_gradients(rates: dict[int, float], n_steps: int = 30) -> pd.DataFrame:
    """Norms that fall by a rate a step, for each trial."""
    steps = np.arange(n_steps)
    return pd.concat(
        pd.DataFrame(
            {"trial": trial, "replicate": 1, "moment": "end", "steps_back": steps, "norm": 5.0 * rate**steps}
        )
        for trial, rate in rates.items()
    )


TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2, 3],
        "replicate": 1,
        "cell": ["rnn", "rnn", "lstm", "lstm"],
        "bidirectional": [False, False, False, True],
    }
)


def test_the_share_is_the_median_over_runs_of_a_cell() -> None:
    reach = gradient_reach(make_gradients({0: 0.5, 1: 0.7, 2: 0.99}), TRIALS)

    two_back = reach[(reach["cell"] == "rnn") & (reach["steps_back"] == 2)].iloc[0]
    assert two_back["n_runs"] == 2
    assert two_back["share"] == pytest.approx((0.25 + 0.49) / 2)
    assert (two_back["low"], two_back["high"]) == pytest.approx((0.25, 0.49))


def test_the_reach_is_where_one_per_cent_is_left() -> None:
    reach = gradient_reach(make_gradients({0: 0.5, 2: 0.99}), TRIALS)

    assert reach_of(reach, "rnn", "end") == 7  # 0.5 ** 7 is the first power below 0.01
    assert reach_of(reach, "lstm", "end") is None


def test_models_of_both_directions_are_left_out() -> None:
    reach = gradient_reach(make_gradients({3: 0.9}), TRIALS)

    assert reach.empty


def test_padding_is_no_step() -> None:
    gradients = make_gradients({0: 0.5})
    gradients.loc[gradients["steps_back"] >= 10, "norm"] = np.nan

    assert gradient_reach(gradients, TRIALS)["steps_back"].max() == 9


def test_a_study_without_gradients_has_no_reach() -> None:
    assert gradient_reach(make_gradients({0: 0.5}).head(0), TRIALS).empty
