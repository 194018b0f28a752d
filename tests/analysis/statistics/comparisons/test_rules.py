from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from analysis.errors import AnalysisError
from analysis.statistics.comparisons.rules import Rule, correct_p_values, decide, pairs_needed, runs_needed


def test_noethers_numbers_are_the_published_ones() -> None:
    # alpha one-sided: 29 runs for P(A>B) = 0.75 and 5% errors (Bouthillier et al., 2021, appendix).
    assert runs_needed(Rule(alpha=0.10, power=0.95)) == 29
    # The sign test asks for half as many again.
    assert pairs_needed(Rule(alpha=0.10, power=0.95)) == 44
    assert (pairs_needed(), runs_needed()) == (43, 29)


def test_more_comparisons_need_more_pairs() -> None:
    # z of 0.05 / 20 is 2.8070, of 90% power 1.2816, from the printed table.
    assert pairs_needed(n_comparisons=10) == math.ceil((4.0886 / 0.25) ** 2 / 4) == 67


@pytest.mark.parametrize("size", [1, 2, 5, 30])
def test_correction_agrees_with_statsmodels(size: int) -> None:
    # Few, for statsmodels collects all garbage in each call; one digit, for ties and the ends of the range.
    p_values = np.random.default_rng(size).random(size).round(1)
    assert correct_p_values(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_worked_by_hand_is_told_from_bonferroni_and_missing_values_do_not_count() -> None:
    corrected = correct_p_values([0.03, np.nan, 0.01, 0.02])
    assert corrected[[0, 2, 3]] == pytest.approx([0.04, 0.03, 0.04])  # Bonferroni: 0.09, 0.03, 0.06
    assert np.isnan(corrected[1])


def test_a_family_larger_than_what_is_shown_counts_the_rest_as_ones() -> None:
    shown = correct_p_values([0.001, 0.002], family_size=10)
    assert shown == pytest.approx(multipletests([0.001, 0.002] + [1.0] * 8, method="holm")[1][:2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, "alpha lies between 0 and 1, not 0.0"),
        ({"power": 1.0}, "power lies"),
        ({"meaningful": 0.5}, "meaningful lies between 0.5 and 1"),
        ({"margin": 0.0}, "margin lies between 0 and 1"),
        ({"min_units": 1}, "min_units is at least 2"),
        ({"resamples": 0}, "resamples is at least 1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        Rule(**changes)


def row(**changes: Any) -> pd.DataFrame:
    """A comparison of 20 seeds under one setting, two points apart, known to one point."""
    plain = {
        "method": "paired",
        "unit": "seed",
        "n_units": 20,
        "n_settings": 1,
        "n_seeds": 20,
        "effect_pp": 2.0,
        "error_pp": 1.0,
        "freedom": 19.0,
        "by_setting": 0.0,
        "by_seed": 1e-4,
        "by_both": 0.0,
        "by_texts": 0.0,
        "p_better": 0.65,
        "p_better_error": 0.1,
        "p_better_low": 0.44,
        "p_corrected": 0.06,
        "n_comparisons": 1,
        "confounded": "",
    }
    return pd.DataFrame([plain | changes])


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"p_corrected": 0.04, "p_better_low": 0.6}, "better"),
        ({"p_corrected": 0.06, "p_better_low": 0.6}, "not enough runs"),  # not after correction
        ({"p_corrected": 0.04, "p_better_low": 0.5}, "not enough runs"),  # wins are no more than luck
        ({"p_better": 0.5, "p_better_error": 0.14}, "inside the noise"),  # 0.5 + 1.73 * 0.14 is below 0.75
        ({"p_better": 0.5, "p_better_error": 0.15}, "not enough runs"),
        ({"p_better": 0.5, "p_better_error": 0.1, "n_units": 9}, "not enough runs"),
        ({"effect_pp": 0.1, "error_pp": 0.2, "p_corrected": 0.6}, "equivalent"),  # 0.1 + 1.73 * 0.2 < 0.5
        ({"effect_pp": 0.1, "error_pp": 0.03, "p_corrected": 0.001, "p_better_low": 0.6}, "equivalent"),
        ({"effect_pp": 0.1, "error_pp": 0.25}, "not enough runs"),
        ({"confounded": "units", "p_corrected": 0.001, "p_better_low": 0.9}, "cannot be told apart"),
        ({"method": "none", "n_units": 0, "effect_pp": np.nan, "p_better": np.nan}, "not enough runs"),
    ],
)
def test_each_answer_follows_its_rule(changes: dict[str, Any], answer: str) -> None:
    assert decide(row(**changes)).iloc[0]["answer"] == answer


def test_more_seeds_are_counted_from_the_effect_and_the_noise_seen() -> None:
    judged = decide(row(p_better=0.8, p_better_error=0.05)).iloc[0]
    # z of 2.5% and of 90% power: (1.960 + 1.282)^2 = 10.5 times the variance of one seed, 20 points^2, by
    # 2^2: 52.5 seeds; Student's quantiles at some fifty degrees of freedom ask for two more.
    assert judged["more_of"] == "seed"
    assert 20 + judged["more"] == pytest.approx(54.5, abs=2)


def test_where_pairs_won_are_the_less_sure_they_are_counted() -> None:
    judged = decide(row()).iloc[0]
    # The same 10.5 times the variance of one win, 20 times 0.1^2, by 0.15^2: 93 seeds, and some for Student.
    assert 20 + judged["more"] == pytest.approx(97, abs=2)


def test_what_was_seen_would_be_inside_the_noise_in_nine_of_ten() -> None:
    judged = decide(row(effect_pp=0.1, p_better=0.5, p_better_error=0.15)).iloc[0]
    # (z of 5% and of 90% power: 1.645 + 1.282)^2 = 8.6 times the variance of one win, by 0.25^2: 62 seeds.
    assert 20 + judged["more"] == pytest.approx(63, abs=2)


def test_seeds_are_not_asked_for_where_settings_differ_nor_anything_where_texts_decide() -> None:
    by_setting = {"n_settings": 8, "n_seeds": 3, "unit": "setting", "by_setting": 1e-4, "by_seed": 0.0}
    judged = decide(row(**by_setting)).iloc[0]
    assert judged["more_of"] == "setting"
    of_texts = decide(row(by_seed=0.0, by_texts=1e-4, p_better=0.8)).iloc[0]
    assert (of_texts["answer"], of_texts["more_of"]) == ("not enough runs", "")
    assert pd.isna(of_texts["more"])


def test_a_large_effect_needs_few_more() -> None:
    three = {"n_units": 3, "n_seeds": 3, "freedom": 2.0, "p_better": 1.0, "p_better_error": 0.0}
    judged = decide(row(effect_pp=18.0, error_pp=5.0, by_seed=25e-4, **three)).iloc[0]
    assert (judged["answer"], judged["more_of"]) == ("not enough runs", "seed")
    assert judged["more"] <= 4


def test_one_pair_asks_for_what_shows_any_noise() -> None:
    judged = decide(row(n_units=1, n_seeds=1, error_pp=np.nan, freedom=np.nan, by_seed=np.nan)).iloc[0]
    assert (judged["more"], judged["more_of"]) == (2, "seed")


def test_nothing_to_decide_gives_an_empty_table() -> None:
    empty = decide(row().iloc[:0])
    assert empty.empty
    assert empty["more"].dtype == "Int64"
