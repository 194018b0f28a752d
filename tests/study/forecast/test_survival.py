from __future__ import annotations

import numpy as np
import pytest

from study.forecast.survival import Survival


def make_survival(**known: int) -> Survival:
    return Survival(max_epochs=8, rungs=(2,), kept=1 / 3, **known)


def test_without_a_judgement_runs_are_expected_to_pass_as_the_rule_lets_them() -> None:
    # Ten of twenty are judged before the one in the middle: 1 + 9/3 of 11 alike pass.
    assert make_survival().passing(0, n_rest=20) == pytest.approx([1.0, 1.0, *[4 / 11] * 6])


def test_runs_that_pass_more_often_than_alike_are_expected_to_go_on_so() -> None:
    survival, usual = make_survival(), make_survival()
    for number in range(30):
        survival.judge(2, 1.0, lives=number % 3 < 2)
        usual.judge(2, 1.0, lives=number % 3 < 1)

    assert 1.5 < survival.passing(0, 20)[-1] / usual.passing(0, 20)[-1] < 2.0


def test_each_stratum_begins_anew_with_runs_that_pass_for_certain() -> None:
    assert make_survival(n_strata=20).passing(0, 20)[-1] == 1.0


def test_the_first_run_of_a_leg_is_judged_among_those_of_earlier_ones() -> None:
    assert make_survival(n_earlier=20).passing(0, 0)[-1] == pytest.approx((1 + 19 / 3) / 21)


def test_a_run_lives_no_longer_than_its_last_epoch_and_never_stops_where_nobody_judges() -> None:
    rng = np.random.default_rng(0)

    assert make_survival().draw(8, 10, 5, rng).tolist() == [0.0] * 5
    assert make_survival().draw(2, 10, 5, rng).tolist() == [6.0] * 5


def test_runs_that_end_in_an_epoch_are_told_apart_by_size() -> None:
    survival = make_survival()
    survival.judge(5, 3.0, lives=True)
    survival.judge(5, 1.0, lives=False)  # it ran out of patience, say

    assert survival.passing(4, 10) == pytest.approx([1.0, 0.75, 0.75, 0.75])
