"""Factors tested as a whole, before any two of their levels: do levels differ, and do scores follow them?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.comparisons.adjusted import adjusted_sum
from analysis.statistics.comparisons.crossed import (
    NO_PART,
    Part,
    Uncertainty,
    mean_uncertainty,
    sum_uncertainty,
)
from analysis.statistics.comparisons.pairing import measure_own_seeds
from analysis.statistics.comparisons.rules import RULE, Rule, correct_p_values
from analysis.statistics.comparisons.texts import Hits, paired_text_variance
from analysis.statistics.intervals import Floats
from analysis.statistics.settings import check_columns, number_groups, parameter_columns
from analysis.statistics.verdicts.adjustment import fit_settings, measure_texts
from analysis.statistics.verdicts.runs_by_level import MIN_COVERAGE, RunsByLevel, gather_by_level
from analysis.words.labels import varied_parameters

DIFFER, NOT_SHOWN, NOT_TOLD = "levels differ", "not shown to differ", "cannot be told"

_KINDS = {
    "factor": "object",
    "n_levels": "int64",
    "method": "object",
    "n_settings": "int64",
    "n_seeds": "int64",
    "f_value": "float64",
    "freedom_levels": "float64",
    "freedom": "float64",
    "p_value": "float64",
    "p_corrected": "float64",
    "answer": "object",
    "trend_pp": "float64",
    "trend_low_pp": "float64",
    "trend_high_pp": "float64",
    "trend_p_value": "float64",
    "trend_p_corrected": "float64",
}


def judge_factors(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    states: Sequence[str] = ("completed",),
    strata: Iterable[str] = (),
    hits: Hits | None = None,
    rule: Rule = RULE,
) -> pd.DataFrame:
    """Test each factor as a whole: one F test, and for ordered levels one of a trend.

    Where at least half of the settings of each level were run at all levels under the same seeds, by the
    crossed design, as `compare_levels` does for two of them (of two levels this is the same test); elsewhere
    by the additive model of the settings' means. Completed runs of the search alone.

    Args:
        trials: The contract's table.
        factors: Parameters to test; by default those that vary.
        score: A share, more is better.
        states: Ends that count.
        strata: Factors among whose levels the scheduler did not choose, but within each.
        hits: Which texts each run got right, if `score` is the share of them.
        rule: Its `alpha`, and the least number of units.

    Returns:
        One row per factor: `factor, n_levels, method` (`crossed`, `regression`, `none`), `n_settings,
        n_seeds` (of all else, behind the test), `f_value, freedom_levels, freedom, p_value, p_corrected`
        (Holm over factors), `answer`; of three or more ordered levels also `trend_pp` (points from one level
        to the next, by the least squares of level means on their order), its 95% interval, `trend_p_value`
        and `trend_p_corrected` (Holm over trends). A factor among whose levels a scheduler chose is not told.

    Source: F test of a fixed factor in a crossed design with random settings and seeds, MS(level) against
        MS(level x setting) + MS(level x seed) - MS(rest), freedom by Satterthwaite (1946), e.g. Searle,
        Casella & McCulloch (1992), ch. 4; Wald's test with HC3 errors (MacKinnon & White, 1985) elsewhere.
    """
    varied = varied_parameters(trials, parameter_columns(trials))
    names = varied if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    trials = trials[trials["phase"] == "search"].reset_index(drop=True)
    table = gather_by_level(
        trials, (*varied, *names), score, states=states, hits=hits, rule=rule, rng=np.random.default_rng(0)
    )
    chosen = {name for name in names if name not in set(strata) and table.was_chosen(trials, name).any()}
    rows = [{"factor": name, **(_nothing(0) if name in chosen else _judge(table, name))} for name in names]
    found = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in _KINDS.items()}
    )
    for p, corrected in (("p_value", "p_corrected"), ("trend_p_value", "trend_p_corrected")):
        found[corrected] = correct_p_values(found[p])
    is_known = found["p_corrected"].notna()
    answer = np.where(is_known, np.where(found["p_corrected"] <= rule.alpha, DIFFER, NOT_SHOWN), NOT_TOLD)
    return found.assign(answer=answer)


def _nothing(n_levels: int) -> dict[str, Any]:
    """What is known of a factor that cannot be tested."""
    return {"n_levels": n_levels, "method": "none", "n_settings": 0, "n_seeds": 0}


def _judge(table: RunsByLevel, factor: str) -> dict[str, Any]:
    at = table.levels[factor].reindex(table.runs.index)
    levels = [level for level in at.cat.categories if (at == level).any()]
    if len(levels) < 2:
        return _nothing(len(levels))
    # Numbers, and ranges of them, have an order; names have none.
    is_ordered = len(levels) > 2 and pd.api.types.is_numeric_dtype(table.runs[factor])
    code = pd.Series(at.cat.set_categories(levels).cat.codes.to_numpy(dtype=np.int64), index=at.index)
    grid = _complete(table.runs[code >= 0], code[code >= 0].to_numpy(), factor, len(levels))
    trend = _trend_weights(len(levels)) if is_ordered else None
    found = None
    if grid is not None:
        found = _judge_crossed(grid, trend, table)
    return found or _judge_adjusted(table, factor, levels, trend)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grid:
    """Scores of all levels side by side.

    Attributes:
        scores: Shape (n_rows, n_levels).
        block: Setting of all else of each row.
        seed: Its seed.
        runs: The runs in it, with `row` and `code` (of the level).
        shares_seeds: Whether the runs of a row have the same seed.
    """

    scores: Floats
    block: np.ndarray[Any, np.dtype[np.int64]]
    seed: np.ndarray[Any, np.dtype[np.int64]]
    runs: pd.DataFrame
    shares_seeds: bool


def _complete(
    runs: pd.DataFrame, code: np.ndarray[Any, np.dtype[np.int64]], factor: str, n_levels: int
) -> _Grid | None:
    """The rows, settings of all else by seeds, in which each level was run; None where they are too few."""
    others = [
        name
        for name in parameter_columns(runs)
        if name != factor and not runs[name].isna().groupby(code).all().any()
    ]
    runs = runs.assign(code=code, block=number_groups(runs, others))
    tried = runs.groupby("code")["setting"].nunique()
    seeded, blocked = (_fill(runs, keys, n_levels) for keys in (["block", "seed"], ["block"]))
    for wide, shares_seeds in ((seeded, True), (blocked, False)):
        kept = runs[runs["block"].isin(wide.index.get_level_values("block"))]
        coverage = (kept.groupby("code")["setting"].nunique() / tried).reindex(range(n_levels)).fillna(0.0)
        if len(wide) and coverage.min() >= MIN_COVERAGE:
            keys = pd.MultiIndex.from_frame(runs[["block", "seed"]]) if shares_seeds else runs["block"]
            row = wide.index.get_indexer(pd.Index(keys))
            blocks = wide.index.get_level_values("block")
            seeds = wide.index.get_level_values("seed") if shares_seeds else np.zeros(len(wide))
            return _Grid(
                scores=wide.to_numpy(dtype=float),
                block=pd.factorize(blocks)[0].astype(np.int64),
                seed=pd.factorize(seeds)[0].astype(np.int64),
                runs=runs.assign(row=row)[row >= 0],
                shares_seeds=shares_seeds,
            )
    return None


def _fill(runs: pd.DataFrame, keys: list[str], n_levels: int) -> pd.DataFrame:
    wide = runs.groupby([*keys, "code"])["score"].mean().unstack()
    return wide.reindex(columns=range(n_levels)).dropna()


def _trend_weights(n: int) -> Floats:
    """Weights of level means in their slope on the levels' order."""
    order = np.arange(n) - (n - 1) / 2
    return np.asarray(order / (order**2).sum())


def _judge_crossed(grid: _Grid, trend: Floats | None, table: RunsByLevel) -> dict[str, Any] | None:
    n_rows, n_levels = grid.scores.shape
    units = max(len(np.unique(grid.block)), len(np.unique(grid.seed)))
    if units < table.rule.min_units:
        return None
    centred = np.eye(n_levels) - 1 / n_levels
    basis = np.linalg.svd(centred)[0][:, : n_levels - 1]
    differences = grid.scores @ basis
    means = differences.mean(axis=0)
    known = sum_uncertainty((differences - means) / n_rows, grid.block, grid.seed)
    if known is None or known.variance <= 0:
        return None
    shares = _shares(grid, table.hits, n_levels)
    by_texts = _by_texts(shares, basis, grid, table.hits)
    whole = known.with_seeds(_by_own_seeds(grid, basis)).with_texts(by_texts)
    f_value = float((means**2).mean() / whole.variance)
    slope: tuple[float, Uncertainty] | None = None
    if trend is not None:
        own = grid.scores @ trend
        uncertainty = mean_uncertainty(own, grid.block, grid.seed)
        if uncertainty is not None:
            by_texts = _by_texts(shares, trend[:, None], grid, table.hits)
            uncertainty = uncertainty.with_seeds(_by_own_seeds(grid, trend[:, None]))
            slope = float(own.mean()), uncertainty.with_texts(by_texts)
    return {
        "n_levels": n_levels,
        "method": "crossed",
        "n_settings": len(np.unique(grid.block)),
        "n_seeds": len(np.unique(grid.seed)) if grid.shares_seeds else 0,
        **_say_f(f_value, n_levels - 1, whole.freedom),
        **_say_trend(slope, table.rule),
    }


def _by_own_seeds(grid: _Grid, weights: Floats) -> Part:
    """What seeds that each level has for itself add to weighted sums of levels, on average over the sums."""
    if grid.shares_seeds:
        return NO_PART
    row, code, seed, score = (grid.runs[name].to_numpy() for name in ("row", "code", "seed", "score"))
    parts = np.array([measure_own_seeds(row, seed, score, [code == level]) for level in range(len(weights))])
    variance = (weights**2).mean(axis=1) * parts[:, 0]
    total = float(variance.sum())
    return (total, float(total**2 / (variance**2 / parts[:, 1]).sum())) if total > 0 else (total, np.inf)


def _shares(grid: _Grid, hits: Hits | None, n_levels: int) -> Floats | None:
    """Share right of each row and level on each text, shape (n_rows, n_levels, n_read)."""
    rows = None if hits is None else hits.find(grid.runs)
    if hits is None or rows is None or (rows < 0).any():
        return None
    group = (grid.runs["row"] * n_levels + grid.runs["code"]).to_numpy(dtype=np.int64)
    return hits.mean_by_group(rows, group, grid.scores.size).reshape(*grid.scores.shape, -1)


def _by_texts(shares: Floats | None, weights: Floats, grid: _Grid, hits: Hits | None) -> float:
    """What the choice of texts adds to the variance of weighted sums of levels, on average over the sums."""
    if shares is None or hits is None:
        return float("nan")
    return float(
        np.mean(
            [
                paired_text_variance(np.einsum("l,rlt->rt", own, shares), grid.block, grid.seed, hits.n_texts)
                for own in weights.T
            ]
        )
    )


def _judge_adjusted(
    table: RunsByLevel, factor: str, levels: list[Any], trend: Floats | None
) -> dict[str, Any]:
    """By the additive model; nothing where it cannot tell all levels apart."""
    n_levels, runs = len(levels), table.runs
    # What some level never sets belongs to the others: it is part of what is compared.
    at = table.levels[factor].reindex(runs.index)
    own = {
        name: values
        for name, values in table.levels.items()
        if name == factor or not runs[name].isna().groupby(at, observed=True).all().any()
    }
    fit = fit_settings(runs, own)
    margins = np.array([fit.margin(factor, level) for level in levels])
    tests = margins[1:] - margins[0]
    if not all(fit.can_estimate(weights) for weights in tests):
        return _nothing(n_levels)
    measure = measure_texts(fit, runs, table.hits)
    effects = tests @ fit.coefficients
    covariance = tests @ fit.covariance @ tests.T
    if np.linalg.matrix_rank(covariance, hermitian=True) < len(tests):
        return _nothing(n_levels)
    # Seeds and texts widen the errors of the settings' means, by as much as those of two levels on average.
    wider = [adjusted_sum(fit, weights, runs, measure)[1] for weights in tests]
    ratio = float(np.mean([whole.variance / whole.by_setting for whole in wider]))
    f_value = float(effects @ np.linalg.solve(covariance, effects)) / len(tests) / ratio
    slope = None if trend is None else adjusted_sum(fit, trend @ margins, runs, measure)
    return {
        "n_levels": n_levels,
        "method": "regression",
        "n_settings": len(fit.settings),
        "n_seeds": wider[0].n_seeds,
        **_say_f(f_value, len(tests), float(np.mean([whole.freedom for whole in wider]))),
        **_say_trend(slope, table.rule),
    }


def _say_f(f_value: float, freedom_levels: int, freedom: float) -> dict[str, float]:
    p_value = (
        stats.f.sf(f_value, freedom_levels, freedom)
        if np.isfinite(freedom)
        else stats.chi2.sf(f_value * freedom_levels, freedom_levels)
    )
    return {
        "f_value": f_value,
        "freedom_levels": float(freedom_levels),
        "freedom": freedom,
        "p_value": float(p_value),
    }


def _say_trend(slope: tuple[float, Uncertainty] | None, rule: Rule) -> dict[str, float]:
    if slope is None or slope[1].variance <= 0:
        return {}
    effect, whole = slope
    half = whole.half_width(1 - rule.alpha)
    return {
        "trend_pp": 100 * effect,
        "trend_low_pp": 100 * (effect - half),
        "trend_high_pp": 100 * (effect + half),
        "trend_p_value": whole.p_value(effect),
    }
