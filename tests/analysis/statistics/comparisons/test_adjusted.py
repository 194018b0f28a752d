from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.additive import fit_additive
from analysis.statistics.comparisons.adjusted import adjusted_contrast
from analysis.statistics.comparisons.rules import Rule

FEW = Rule(resamples=200)


def factorial(
    effects: tuple[float, float], noise: float = 0.0, n: int = 40
) -> tuple[pd.Series, dict[str, pd.Series]]:
    """Level `a` was tried three times out of four with `units` 1, level `b` the other way around."""
    rng = np.random.default_rng(0)
    level = np.array(["a", "b"] * (n // 2))
    units = np.where(rng.random(n) < np.where(level == "a", 0.75, 0.25), 1, 0)
    score = effects[0] * (level == "a") + effects[1] * units + rng.normal(0, noise, n)
    levels = {"level": pd.Series(level, dtype="category"), "units": pd.Series(units, dtype="category")}
    return pd.Series(score), levels


def test_adjusting_finds_the_effect_that_raw_means_hide() -> None:
    score, levels = factorial((0.01, 0.05), noise=1e-4)
    raw = score[levels["level"] == "a"].mean() - score[levels["level"] == "b"].mean()
    contrast = adjusted_contrast(
        fit_additive(score, levels), "level", ("a", "b"), FEW, np.random.default_rng(0)
    )
    assert raw > 0.025
    assert contrast.effect == pytest.approx(0.01, abs=1e-4)
    assert contrast.mean_a - contrast.mean_b == pytest.approx(contrast.effect)
    assert (contrast.method, contrast.unit) == ("regression", "setting")


def test_the_error_is_hc3_worked_by_another_route() -> None:
    statsmodels = pytest.importorskip("statsmodels.api")
    score, levels = factorial((0.01, 0.05), noise=0.02)
    design = np.column_stack([np.ones(40), levels["level"] == "a", levels["units"] == 1]).astype(float)
    reference = statsmodels.OLS(score.to_numpy(), design).fit(cov_type="HC3", use_t=True)
    contrast = adjusted_contrast(
        fit_additive(score, levels), "level", ("a", "b"), FEW, np.random.default_rng(0)
    )
    assert contrast.effect == pytest.approx(reference.params[1])
    assert contrast.p_value == pytest.approx(reference.pvalues[1])
    assert contrast.effect + contrast.half_width == pytest.approx(reference.conf_int()[1][1])


def test_levels_that_go_with_another_factor_cannot_be_told_apart() -> None:
    score, levels = factorial((0.01, 0.0), noise=0.01)
    confounded = {"level": levels["level"], "twin": levels["level"].cat.rename_categories(["x", "y"])}
    contrast = adjusted_contrast(
        fit_additive(score, confounded), "level", ("a", "b"), FEW, np.random.default_rng(0)
    )
    assert contrast.method == "none"
    assert np.isnan(contrast.effect)


def test_too_few_settings_say_nothing() -> None:
    score, levels = factorial((0.01, 0.0), noise=0.01, n=12)
    fit = fit_additive(score, levels)
    assert fit.freedom == 9
    assert adjusted_contrast(fit, "level", ("a", "b"), FEW, np.random.default_rng(0)).method == "none"
    nothing = fit_additive(score.iloc[:0], {name: values.iloc[:0] for name, values in levels.items()})
    assert adjusted_contrast(nothing, "level", ("a", "b"), FEW, np.random.default_rng(0)).n_units == 0


def test_seeds_that_settings_share_count_in_an_adjusted_comparison() -> None:
    score, levels = factorial((0.0, 0.05), noise=0.001)
    shift = {1: -0.02, 2: 0.0, 3: 0.02}  # how much each seed favours level a
    runs = pd.DataFrame(
        [
            {"setting": number, "seed": seed, "score": mean + shift[seed] * (level == "a")}
            for number, (mean, level) in enumerate(zip(score, levels["level"], strict=True))
            for seed in shift
        ]
    )
    fit, rng = fit_additive(score, levels), np.random.default_rng(0)
    blind = adjusted_contrast(fit, "level", ("a", "b"), FEW, rng)
    aware = adjusted_contrast(fit, "level", ("a", "b"), FEW, rng, runs=runs)
    # The mean of three seeds whose variance is 0.02^2.
    assert aware.error**2 - blind.error**2 == pytest.approx(0.02**2 / 3, rel=0.1)
    assert aware.freedom == pytest.approx(2, abs=0.3)
