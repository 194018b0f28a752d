from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.errors import AnalysisError
from analysis.statistics.rules import Rule, correct_p_values, decide, pairs_needed, runs_needed


def test_noethers_numbers_are_the_published_ones() -> None:
    # alpha one-sided: 29 runs for P(A>B) = 0.75 and 5% errors (Bouthillier et al., 2021, appendix).
    assert runs_needed(Rule(alpha=0.10, power=0.95)) == 29
    # The sign test asks for half as many again.
    assert pairs_needed(Rule(alpha=0.10, power=0.95)) == 44
    assert (pairs_needed(), runs_needed()) == (43, 29)


def test_more_comparisons_need_more_pairs() -> None:
    # z of 0.05 / 20 is 2.8070, of 90% power 1.2816, from the printed table.
    assert pairs_needed(n_comparisons=10) == math.ceil((4.0886 / 0.25) ** 2 / 4) == 67


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_correction_agrees_with_statsmodels(p_values: list[float]) -> None:
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
        ({"min_units": 1}, "min_units is at least 2"),
        ({"resamples": 0}, "resamples is at least 1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        Rule(**changes)


def row(**changes: Any) -> pd.DataFrame:
    plain = {
        "method": "paired",
        "n_pairs": 20,
        "n_units": 20,
        "p_better_low": 0.3,
        "p_better_high": 0.8,
        "p_corrected": 0.5,
        "n_comparisons": 1,
    }
    return pd.DataFrame([plain | changes])


@pytest.mark.parametrize(
    ("changes", "answer", "more"),
    [
        ({"p_corrected": 0.04, "p_better_low": 0.6}, "better", None),
        ({"p_corrected": 0.06, "p_better_low": 0.6}, "not enough runs", 23),  # not after correction
        ({"p_corrected": 0.04, "p_better_low": 0.5}, "not enough runs", 23),  # wins are no more than luck
        ({"n_pairs": 43, "n_units": 43}, "inside the noise", None),
        ({"n_pairs": 42, "n_units": 42}, "not enough runs", 1),
        ({"p_better_high": 0.74}, "inside the noise", None),  # a meaningful difference is excluded
        ({"p_better_high": 0.74, "n_units": 9}, "not enough runs", 23),  # but not by so few units
        ({"p_better_low": 0.2, "p_better_high": 0.74}, "not enough runs", 23),  # b might be better
        ({"n_pairs": 60, "n_units": 6}, "not enough runs", 40),  # ten units of ten pairs
        ({"method": "unpaired", "n_pairs": 0, "n_units": 5}, "not enough runs", 24),
        ({"method": "none", "n_pairs": 0, "n_units": 0, "p_corrected": np.nan}, "not enough runs", 29),
        ({"n_comparisons": 10}, "not enough runs", 47),
    ],
)
def test_each_answer_follows_its_rule(changes: dict[str, Any], answer: str, more: int | None) -> None:
    judged = decide(row(**changes)).iloc[0]
    assert judged["answer"] == answer
    assert (None if pd.isna(judged["more_pairs"]) else judged["more_pairs"]) == more


def test_nothing_to_decide_gives_an_empty_table() -> None:
    empty = decide(row().iloc[:0])
    assert empty.empty
    assert empty["more_pairs"].dtype == "Int64"
