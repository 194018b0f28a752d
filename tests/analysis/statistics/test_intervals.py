from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.intervals import (
    area_half_width,
    bootstrap_means,
    cluster_interval,
    percentile_interval,
    t_half_width,
    wilson_interval,
)


def test_students_half_width_agrees_with_the_printed_table() -> None:
    widths = t_half_width([2.0, 2.0, 2.0], [1, 2, 10])
    assert np.isnan(widths[0])
    assert widths[1:] == pytest.approx([12.7062 * 2 / 2**0.5, 2.26216 * 2 / 10**0.5], rel=1e-5)


@given(n=st.integers(1, 60), data=st.data())
def test_wilson_solves_the_score_equation(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(1, n))
    low, _ = wilson_interval(successes, n)
    share = successes / n
    if 0 < low < share:
        assert abs(share - low) / np.sqrt(low * (1 - low) / n) == pytest.approx(stats.norm.ppf(0.975))


def test_wilson_differs_from_the_naive_interval_and_holds_at_the_ends() -> None:
    low, high = wilson_interval([0, 5, 10, 0], [10, 10, 10, 0])
    assert (low[0], high[2]) == (0.0, 1.0)
    assert high[0] == pytest.approx(0.27754, abs=1e-5)  # the naive interval would be [0, 0]
    assert low[1] == pytest.approx(0.23659, abs=1e-5)  # naive: 0.19010
    assert np.isnan([low[3], high[3]]).all()


def test_clusters_are_drawn_whole() -> None:
    # Two clusters of ten equal values each: means are 0, 1/2 or 1, never in between.
    draws = bootstrap_means([[0.0], [10.0]], [[10], [10]], 400, 0)
    assert set(np.unique(draws)) == {0.0, 0.5, 1.0}
    assert np.mean(draws == 0.5) == pytest.approx(0.5, abs=0.125)  # five standard errors


def test_larger_clusters_weigh_more() -> None:
    draws = bootstrap_means([[0.0], [30.0]], [[10], [30]], 200, 0)
    assert set(np.unique(draws)) == {0.0, 0.75, 1.0}


def test_statistics_without_values_stay_missing_and_nothing_warns() -> None:
    draws = bootstrap_means([[1.0, 0.0]], [[1, 0]], 10, 0)
    low, high = percentile_interval(draws)
    assert (low[0], high[0]) == (1.0, 1.0)
    assert np.isnan([low[1], high[1]]).all()
    assert bootstrap_means(np.zeros((0, 2)), np.zeros((0, 2)), 3, 0).shape == (3, 2)


def test_chunks_do_not_change_the_size_of_the_answer() -> None:
    draws = bootstrap_means(np.ones((3000, 1)), np.ones((3000, 1)), 1500, 0)
    assert draws.shape == (1500, 1)
    assert (draws == 1).all()


def test_same_seed_same_draws_and_a_generator_goes_on() -> None:
    sums, counts = np.arange(20.0)[:, None], np.ones((20, 1))
    rng = np.random.default_rng(3)
    first, second = bootstrap_means(sums, counts, 20, rng), bootstrap_means(sums, counts, 20, rng)
    assert np.array_equal(first, bootstrap_means(sums, counts, 20, 3))
    assert not np.array_equal(first, second)


def test_the_normal_interval_of_many_clusters_agrees_with_the_bootstraps() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 5, (501, 2)).astype(float)
    counts[:, 1] = 0
    sums = counts * rng.normal(0.5, 0.1, (501, 1))
    low, high = cluster_interval(sums, counts)
    drawn = percentile_interval(bootstrap_means(sums, counts, 4000, 1))
    width = high[0] - low[0]
    assert low[0] == pytest.approx(drawn[0][0], abs=width / 20)
    assert high[0] == pytest.approx(drawn[1][0], abs=width / 20)
    assert np.isnan([low[1], high[1]]).all()


def test_an_area_is_known_as_well_as_hanley_and_mcneil_say() -> None:
    # Q1 = 9/11 and Q2 = 1.62/1.9 with 50 texts on either side: a variance of 0.00103194.
    assert area_half_width(0.9, 50, 50) / 1.959964 == pytest.approx(0.0321, abs=1e-4)
    assert np.isnan(area_half_width(0.9, 50, 0))
