from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.comparisons.texts import Hits, paired_text_variance, weighted_text_variance


def simulate(part: float, n_texts: int = 20_000) -> np.ndarray:
    """Differences of 4 settings under 3 seeds: a text's own part, parts by setting and seed, and luck."""
    rng = np.random.default_rng(0)
    shape = (4, 3, n_texts)
    own = part * rng.normal(0, 1, n_texts) + rng.normal(0, 0.3, (4, 1, n_texts))
    return (own + rng.normal(0, 0.3, (1, 3, n_texts)) + rng.normal(0, 1, shape)).reshape(12, n_texts)


@pytest.mark.parametrize("part", [0.0, 0.5])
def test_only_what_all_runs_agree_on_is_the_texts_own(part: float) -> None:
    setting, seed = (labels.ravel() for labels in np.indices((4, 3)))
    variance = paired_text_variance(simulate(part), setting, seed, 20_000)
    # Six standard errors of a mean product over 20,000 texts: 6 * sqrt(2) * (part^2 + 0.2) / sqrt(20,000).
    assert variance * 20_000 == pytest.approx(part**2, abs=0.06 * (part**2 + 0.2))


def test_a_single_pair_has_the_variance_of_its_differences() -> None:
    rng = np.random.default_rng(1)
    own = rng.choice([-1.0, 0.0, 1.0], (1, 500))
    zero = np.zeros(1, dtype=np.int64)
    assert paired_text_variance(own, zero, zero, 500) == pytest.approx(own.var(ddof=1) / 500)


def test_a_weighted_sum_counts_no_luck_of_single_runs() -> None:
    rng = np.random.default_rng(2)
    side = rng.normal(0, 0.5, (2, 1, 20_000))
    shares = (side + rng.normal(0, 1, (2, 5, 20_000))).reshape(10, 20_000)
    weights = np.repeat([1 / 5, -1 / 5], 5)
    assert weighted_text_variance(shares, weights, 20_000) * 20_000 == pytest.approx(0.5, abs=0.05)


def test_answers_are_found_by_run_and_averaged_over_runs_of_a_group() -> None:
    hits = Hits.of({(0, "search", 1): np.array([True, False]), (0, "search", 2): np.array([True, True])})
    runs = pd.DataFrame({"trial": [0, 0, 0], "phase": ["search"] * 2 + ["confirm"], "replicate": [2, 1, 1]})
    rows = hits.find(runs)
    assert rows.tolist() == [1, 0, -1]
    shares = hits.mean_by_group(rows, np.array([0, 0, 1]), 2)
    assert shares[0].tolist() == [1.0, 0.5]
    assert np.isnan(shares[1]).all()


def test_of_many_texts_as_many_are_kept_as_a_variance_needs() -> None:
    hits = Hits.of({(0, "search", 1): np.ones(25_000, dtype=bool)})
    assert hits.n_texts == 25_000
    assert 4_000 <= hits.table.shape[1] < 8_000
