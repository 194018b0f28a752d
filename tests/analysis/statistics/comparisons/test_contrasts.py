from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.comparisons.contrasts import paired_contrast, unpaired_contrast
from analysis.statistics.comparisons.rules import RULE, Rule

FEW = Rule(resamples=200)


def pairs(differences: list[list[float]]) -> pd.DataFrame:
    """Pairs by block (outer) and seed (inner): A scores as much more than 0.5."""
    return pd.DataFrame(
        [
            {"block": block, "seed": seed, "a": 0.5 + difference, "b": 0.5}
            for block, row in enumerate(differences)
            for seed, difference in enumerate(row)
        ]
    )


def test_seeds_of_one_setting_are_a_paired_t_test() -> None:
    differences = [0.01, 0.03, -0.01, 0.02, 0.02]
    contrast = paired_contrast(pairs([differences]), FEW)
    expected = stats.ttest_1samp(differences, 0)
    assert contrast.unit == "seed"
    assert contrast.p_value == pytest.approx(expected.pvalue)
    assert contrast.effect == pytest.approx(0.014)
    interval = expected.confidence_interval(0.95)
    assert contrast.effect - contrast.half_width == pytest.approx(interval.low)
    assert contrast.p_better == 0.8


def test_the_unit_is_what_there_is_more_of() -> None:
    more_seeds = paired_contrast(pairs([[0.01, 0.02, 0.06], [0.03, 0.0, 0.02]]), FEW)
    assert (more_seeds.unit, more_seeds.n_units, more_seeds.n_pairs) == ("seed", 3, 6)
    more_blocks = paired_contrast(pairs([[0.01, 0.03], [0.0, 0.02], [0.02, 0.06]]), FEW)
    assert (more_blocks.unit, more_blocks.n_units, more_blocks.n_pairs) == ("setting", 3, 6)


def test_what_the_texts_add_widens_the_interval_and_sets_the_seeds_freedom_apart() -> None:
    table = pairs([[0.01, 0.03, -0.01, 0.02, 0.02]])
    alone, with_texts = paired_contrast(table, FEW), paired_contrast(table, FEW, 1e-4)
    assert with_texts.error**2 == pytest.approx(alone.error**2 + 1e-4)
    # Satterthwaite by hand: only the seeds' part of the variance has four degrees of freedom.
    assert with_texts.freedom == pytest.approx(4 * (with_texts.error / alone.error) ** 4)
    assert with_texts.p_value > alone.p_value


def test_ties_count_half_and_do_not_prove_a_difference() -> None:
    contrast = paired_contrast(pairs([[0.0, 0.0, 0.0, 0.0]]), FEW)
    assert (contrast.p_better, contrast.p_value, contrast.effect) == (0.5, 1.0, 0.0)


def test_equal_differences_of_coarse_scores_are_a_sign_test() -> None:
    contrast = paired_contrast(pairs([[0.005] * 4]), FEW)
    assert contrast.p_value == pytest.approx(2 / 2**4)


def test_two_pairs_have_an_effect_but_no_test() -> None:
    contrast = paired_contrast(pairs([[0.01, 0.03]]), FEW)
    assert np.isnan(contrast.p_value)
    assert contrast.effect == pytest.approx(0.02)
    one = paired_contrast(pairs([[0.01]]), FEW)
    assert np.isnan(one.half_width)
    assert paired_contrast(pairs([]), FEW).method == "none"


def test_without_pairs_it_is_welchs_test_and_the_mann_whitney_statistic() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.02, 0.01, 8), rng.normal(0, 0.03, 12)
    contrast = unpaired_contrast(a, b, FEW, rng)
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert contrast.p_value == pytest.approx(expected.pvalue)
    assert contrast.effect + contrast.half_width == pytest.approx(expected.confidence_interval(0.95).high)
    assert contrast.p_better == pytest.approx(stats.mannwhitneyu(a, b).statistic / 96)
    assert contrast.p_better_low < contrast.p_better < contrast.p_better_high


def test_the_fast_bootstrap_of_wins_agrees_with_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.5, 1, 30), rng.normal(0, 1, 25)
    wins = a[:, None] > b
    plain = [wins[np.ix_(rng.integers(0, 30, 30), rng.integers(0, 25, 25))].mean() for _ in range(3000)]
    contrast = unpaired_contrast(a, b, Rule(resamples=3000), rng)
    assert contrast.p_better_low == pytest.approx(np.quantile(plain, 0.025), abs=0.02)
    assert contrast.p_better_high == pytest.approx(np.quantile(plain, 0.975), abs=0.02)


def test_many_runs_get_the_normal_interval_of_the_same_statistic() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.2, 1, 255), rng.normal(0, 1, 255)
    many = unpaired_contrast(a, b, FEW, rng)
    fewer = unpaired_contrast(a[:249], b[:249], Rule(resamples=4000), rng)
    assert many.p_better_high - many.p_better_low == pytest.approx(
        fewer.p_better_high - fewer.p_better_low, rel=0.08
    )


def test_constant_scores_and_single_runs_give_no_test_and_no_warning() -> None:
    rng = np.random.default_rng(0)
    assert np.isnan(unpaired_contrast([0.5] * 4, [0.5] * 4, FEW, rng).p_value)
    assert np.isnan(unpaired_contrast([0.5], [0.4], FEW, rng).half_width)
    assert unpaired_contrast([], [0.4], FEW, rng).method == "none"


def test_reversing_swaps_everything() -> None:
    contrast = paired_contrast(pairs([[0.01, 0.03, -0.01, 0.02]]), RULE)
    back = contrast.reverse()
    assert (back.effect, back.p_better) == (pytest.approx(-contrast.effect), pytest.approx(0.25))
    assert back.p_better_low == pytest.approx(1 - contrast.p_better_high)
    assert back.p_value == contrast.p_value
    assert back.reverse() == contrast


@given(shift=st.floats(-1, 1), seed=st.integers(0, 20))
def test_a_common_shift_changes_no_difference(shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pairs([list(rng.normal(0, 0.01, 6))])
    moved = table.assign(a=table["a"] + shift, b=table["b"] + shift)
    first, second = (paired_contrast(frame, FEW) for frame in (table, moved))
    assert first.effect == pytest.approx(second.effect, abs=1e-9)
    assert first.p_value == pytest.approx(second.p_value, rel=1e-6)


def test_same_seed_same_interval() -> None:
    a, b = np.linspace(-0.02, 0.03, 12), np.linspace(-0.03, 0.02, 9)
    first, again, other = (unpaired_contrast(a, b, FEW, np.random.default_rng(seed)) for seed in (1, 1, 7))
    assert first == again
    assert (first.p_better_low, first.p_better_high) != (other.p_better_low, other.p_better_high)
