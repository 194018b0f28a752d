from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.comparisons.crossed import mean_uncertainty, quantile_t, two_sided_p


def cross(values: list[list[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A table of settings by seeds as values with their labels."""
    table = np.array(values)
    setting, seed = np.indices(table.shape)
    return table.ravel(), setting.ravel(), seed.ravel()


def test_one_setting_is_students_test_over_seeds() -> None:
    values = [0.01, 0.03, -0.01, 0.02, 0.02]
    known = mean_uncertainty(*cross([values]))
    assert known is not None
    assert (known.freedom, known.by_seed) == (4, known.variance)
    assert known.error == pytest.approx(stats.sem(values))
    assert known.p_value(float(np.mean(values))) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_both_sources_are_those_of_the_analysis_of_variance_worked_by_hand() -> None:
    # Row means 0, 3, 6 and column means 1, 5 around 3; residuals of +-1, 0: mean squares 18, 24 and 1.5.
    known = mean_uncertainty(*cross([[-3.0, 3.0], [1.0, 5.0], [5.0, 7.0]]))
    assert known is not None
    settings, seeds, noise = 18.0, 24.0, 2.0
    variance = (settings + seeds - noise) / 6
    assert known.variance == pytest.approx(variance)
    assert known.freedom == pytest.approx(40**2 / (settings**2 / 2 + seeds**2 / 1 + noise**2 / 2))
    assert (known.by_setting, known.by_seed, known.by_both) == pytest.approx((16 / 6, 22 / 6, 2 / 6))


def test_sources_that_are_no_more_than_noise_are_pooled_with_it() -> None:
    # Rows and columns with equal means: nothing but the interaction is left.
    known = mean_uncertainty(*cross([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]))
    assert known is not None
    assert known.variance == pytest.approx(8 / 7 / 8)
    assert known.freedom == pytest.approx(7)
    assert (known.by_setting, known.by_seed) == (0, 0)


def test_seeds_of_their_own_are_no_source_beside_the_settings() -> None:
    values, setting, _ = cross([[1.0, 2.0], [4.0, 5.0], [2.0, 4.0]])
    known = mean_uncertainty(values, setting, np.arange(6))
    assert known is not None
    assert (known.freedom, known.by_seed) == (2, 0)
    assert known.error == pytest.approx(stats.sem([1.5, 4.5, 3.0]))


def test_one_value_tells_nothing() -> None:
    assert mean_uncertainty(*cross([[1.0]])) is None


def test_an_incomplete_table_is_close_to_the_complete_one() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(0, 1, (12, 8)) + rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (1, 8))
    values, setting, seed = cross(table.tolist())
    kept = np.delete(np.arange(96), [5, 40, 77])
    whole, most = (
        mean_uncertainty(values, setting, seed),
        mean_uncertainty(values[kept], setting[kept], seed[kept]),
    )
    assert whole is not None
    assert most is not None
    assert most.error == pytest.approx(whole.error, rel=0.05)


def test_the_freedom_of_a_known_variance_is_endless() -> None:
    assert two_sided_p(1.96, np.inf) == pytest.approx(2 * stats.norm.sf(1.96))
    assert quantile_t(0.975, np.inf) == pytest.approx(stats.norm.ppf(0.975))
    assert two_sided_p(2.0, 3.5) == pytest.approx(2 * stats.t.sf(2.0, 3.5))
