from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.comparisons.best_set import Field, measure_field, range_p_value


def field(means: list[float], variance: float = 1.0, freedom: float = 20.0) -> Field:
    n = len(means)
    return Field(
        setting=np.arange(n),
        mean=np.array(means),
        variance=np.full(n, variance),
        by_texts=np.full(n, np.nan),
        n_runs=np.full(n, 5),
        freedom=freedom,
    )


@pytest.mark.parametrize(("statistic", "n", "freedom"), [(3.5, 3, 10), (4.7, 10, 36), (2.0, 5, 4)])
def test_the_studentized_range_is_that_of_scipy(statistic: float, n: int, freedom: float) -> None:
    expected = stats.studentized_range.sf(statistic, n, freedom)
    assert range_p_value(statistic, n, freedom) == pytest.approx(expected, rel=0.03)


def test_two_settings_are_told_apart_as_by_a_one_sided_t_test() -> None:
    p_values = field([4.0, 0.0]).p_could_be_best()
    assert p_values[0] == 1
    assert p_values[1] == pytest.approx(stats.t.sf(4 / np.sqrt(2), 20), rel=0.1)


def test_the_critical_distance_is_dunnetts() -> None:
    # One-sided 5% for two treatments against a control, 20 degrees of freedom: 2.03 (Dunnett 1955, table 1a).
    critical = 2.03 * np.sqrt(2)
    assert field([critical, 0.0, 0.0]).p_could_be_best()[1:] == pytest.approx([0.05, 0.05], abs=0.003)


def runs(n_settings: int, n_seeds: int, noise: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    setting, seed = np.indices((n_settings, n_seeds))
    shift = rng.normal(0, 5, n_seeds)
    score = shift[seed] + noise[setting] * rng.normal(0, 1, setting.shape)
    return pd.DataFrame({"setting": setting.ravel(), "seed": seed.ravel(), "score": score.ravel()})


def test_what_seeds_do_to_all_settings_alike_is_no_noise() -> None:
    known = measure_field(runs(10, 5, np.ones(10)))
    assert known is not None
    assert known.variance.mean() == pytest.approx(1 / 5, rel=0.4)
    assert known.freedom == 36


def test_the_mean_of_a_setting_that_missed_seeds_is_less_sure_by_what_seeds_do() -> None:
    table = runs(10, 5, np.ones(10))
    known = measure_field(table[(table["setting"] != 3) | (table["seed"] < 3)])
    assert known is not None
    missed = known.variance[known.setting == 3][0]
    # Seeds vary by 5 about their mean, 4.4 as drawn: of three out of five, that squared times 1/3 - 1/5.
    shift = np.random.default_rng(0).normal(0, 5, 5)
    assert missed == pytest.approx(shift.var(ddof=1) * (1 / 3 - 1 / 5) + 1 / 3, rel=0.3)
    assert missed > 2 * np.median(known.variance)


def test_a_setting_that_fails_now_and_then_does_not_borrow_the_calm_of_the_others() -> None:
    noise = np.ones(10)
    noise[3] = 30.0
    known = measure_field(runs(10, 5, noise))
    assert known is not None
    wild = known.variance[known.setting == 3][0]
    assert wild > 20 * np.median(known.variance)
    assert known.freedom < 36


def test_single_runs_and_two_settings_make_no_field() -> None:
    assert measure_field(runs(10, 1, np.ones(10))) is None
    assert measure_field(runs(2, 5, np.ones(2))) is None
