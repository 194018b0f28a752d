"""Settings compared: the best with the next, and which of all may be the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.statistics.comparisons.best_set import Field, measure_field
from analysis.statistics.comparisons.contrasts import Contrast
from analysis.statistics.comparisons.crossed import Uncertainty
from analysis.statistics.comparisons.pairing import Pairs, contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import RULE, Rule
from analysis.statistics.comparisons.texts import Hits, independent_text_variance
from analysis.statistics.intervals import Seed
from analysis.statistics.settings import scored_runs
from analysis.statistics.verdicts.table import as_row, finish_table

_JUDGED_BY_ITSELF = "the runs that chose the best setting also judge it: confirm on fresh seeds"


def compare_settings(
    trials: pd.DataFrame,
    n_best: int = 5,
    score: str = "val_accuracy",
    *,
    hits: Hits | None = None,
    n_texts: int = 0,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the best setting with each of the next best.

    Where at least two settings were confirmed on fresh seeds, only those runs judge, else those of the
    search; the two are never put together. From three settings on, all lend their noise to each other
    (`best_set.measure_field`), the p-value of a pair is corrected for all pairs that the best could have been
    picked from, and `p_best` says whether the one behind can be ruled out as the best.

    Args:
        trials: The contract's table.
        n_best: How many settings, the best included.
        score: A share, more is better.
        hits: Which texts each run got right, if `score` is the share of them.
        n_texts: Texts behind the scores; where `hits` does not say which, errors count as independent, which
            is wide. 0: where `hits` does not say, a verdict is about these texts.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per setting behind the best: `a, b` (settings; `a` is the one ahead over the paired runs),
        then the columns of evidence, `p_best` among them.
    """
    rng = np.random.default_rng(seed)
    runs, is_confirmed = _judging_runs(trials, score)
    means = runs.groupby("setting")["score"].mean().sort_values(ascending=False, kind="stable")
    best = [runs[runs["setting"] == setting] for setting in means.index[: max(n_best, 0)]]
    note = [] if is_confirmed else [_JUDGED_BY_ITSELF]
    field = measure_field(runs, hits, n_texts)
    could_be_best = dict(zip(field.setting, field.p_could_be_best(), strict=True)) if field else {}
    rows = []
    for rank, other in enumerate(best[1:], start=1):
        contrast = _contrast_settings(_pair(best[0], other, hits, n_texts), rule, rng)
        if field is not None:
            contrast = _lean_on(field, 0, rank, contrast, rule)
        names = {"a": means.index[0], "b": means.index[rank]}
        row = as_row(names, contrast, note, hits is not None or n_texts > 0)
        rows.append(row | {"p_best": could_be_best.get(means.index[rank], np.nan)})
    if field is None:
        return finish_table(rows, ("a", "b"), rule, family_size=math.comb(len(means), 2))
    return finish_table(rows, ("a", "b"), rule, corrected=True, family_size=math.comb(len(means), 2))


def _contrast_settings(pairs: Pairs, rule: Rule, rng: np.random.Generator) -> Contrast:
    """One setting against another: of these two there are no more settings, only more seeds."""
    contrast = contrast_pairs(pairs, rule, rng)
    return replace(contrast, unit="seed") if contrast.unit == "setting" else contrast


def _pair(a: pd.DataFrame, b: pd.DataFrame, hits: Hits | None, n_texts: int) -> Pairs:
    """Runs of two settings side by side; errors independent where it is not known which texts were wrong."""
    pairs = find_pairs(a, b, [], hits)

    def measure() -> float:
        known = pairs.text_variance()
        if not n_texts or np.isfinite(known):
            return known
        return float(independent_text_variance([a["score"].mean(), b["score"].mean()], n_texts).sum())

    return replace(pairs, text_variance=measure)


def compare_best_by_level(
    trials: pd.DataFrame,
    factor: str,
    ranked: Sequence[int],
    score: str = "val_accuracy",
    *,
    hits: Hits | None = None,
    n_texts: int = 0,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the best setting at each level of a factor, over fresh seeds that chose nothing.

    Everything else was free, so that each level is judged by the best that was found for it: another question
    than that of `compare_levels`, which holds all else equal. The search says which is the best of a level.

    Args:
        trials: The contract's table.
        factor: A parameter.
        ranked: Settings by what the search said of them, the best first.
        score: A share, more is better.
        hits: Which texts each run got right, if `score` is the share of them.
        n_texts: As in `compare_settings`.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per two levels of which a setting was confirmed: `factor, a, b, setting_a, setting_b`, then
        the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    fresh = scored_runs(trials, score, phase="confirm").dropna(subset=factor)
    by_setting = {int(own["setting"].iloc[0]): own for _, own in fresh.groupby("setting")}
    leaders: dict[Any, int] = {}
    for setting in ranked:
        if setting in by_setting:
            leaders.setdefault(by_setting[setting][factor].iloc[0], setting)
    rows = []
    for a, b in combinations(leaders, 2):
        sides = by_setting[leaders[a]], by_setting[leaders[b]]
        contrast = _contrast_settings(_pair(*sides, hits, n_texts), rule, rng)
        row = as_row({"a": a, "b": b}, contrast, [], hits is not None or n_texts > 0)
        of = {"setting_a": leaders[row["a"]], "setting_b": leaders[row["b"]]}
        rows.append(row | {"factor": factor} | of)
    return finish_table(rows, ("factor", "a", "b", "setting_a", "setting_b"), rule)


def settings_in_the_running(
    trials: pd.DataFrame, score: str = "val_accuracy", *, hits: Hits | None = None, rule: Rule = RULE
) -> pd.DataFrame:
    """The settings that cannot be ruled out as the best, and those that can.

    Args:
        trials: The contract's table.
        score: A share, more is better.
        hits: Which texts each run got right, if `score` is the share of them.
        rule: Its `alpha`: the best setting is among those that stay in with a probability of 1 - alpha.

    Returns:
        One row per setting, best first: `setting, n_runs, mean, error` (standard error), `p_best` (of its
        being the best), `may_be_best`. Of confirmed settings where two or more were confirmed, else of those
        of the search; empty for fewer than three settings or without replicates.
    """
    runs, _ = _judging_runs(trials, score)
    field = measure_field(runs, hits)
    if field is None:
        kinds = {"setting": "int64", "n_runs": "int64", "mean": "float64", "error": "float64"}
        kinds |= {"p_best": "float64", "may_be_best": "bool"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    p_best = field.p_could_be_best()
    return pd.DataFrame(
        {
            "setting": field.setting,
            "n_runs": field.n_runs,
            "mean": field.mean,
            "error": np.sqrt(field.variance),
            "p_best": p_best,
            "may_be_best": p_best > rule.alpha,
        }
    )


def _judging_runs(trials: pd.DataFrame, score: str) -> tuple[pd.DataFrame, bool]:
    """The runs that judge settings, and whether they are those of the confirmation."""
    fresh = scored_runs(trials, score, phase="confirm")
    if fresh["setting"].nunique() >= 2:
        return fresh, True
    return scored_runs(trials, score), False


def _lean_on(field: Field, a: int, b: int, contrast: Contrast, rule: Rule) -> Contrast:
    """A comparison of two settings with the noise of the whole field behind it."""
    variance = float(field.variance[a] + field.variance[b])
    texts = float(np.nan_to_num(field.by_texts[a]) + np.nan_to_num(field.by_texts[b]))
    whole = Uncertainty(variance=variance, freedom=field.freedom)
    effect = float(field.mean[a] - field.mean[b])
    runs = field.n_runs[[a, b]] * (field.variance[[a, b]] - np.nan_to_num(field.by_texts[[a, b]]))
    spread = max(float(np.sqrt(runs.sum())), 1e-12)
    low, high = (effect + sign * whole.half_width(1 - rule.alpha) for sign in (-1, 1))
    return replace(
        contrast,
        method=contrast.method if contrast.method != "none" else "unpaired",
        effect=effect,
        mean_a=float(field.mean[a]),
        mean_b=float(field.mean[b]),
        error=whole.error,
        freedom=field.freedom,
        by_setting=0.0,
        by_seed=variance - texts,
        by_both=0.0,
        by_texts=texts if np.isfinite(field.by_texts[a]) else np.nan,
        half_width=whole.half_width(1 - rule.alpha),
        # With few seeds the noise of the field tells more of P(A>B) than the wins of a pair.
        p_better=float(ndtr(effect / spread)),
        p_better_error=float(np.exp(-((effect / spread) ** 2) / 2) / np.sqrt(2 * np.pi))
        * whole.error
        / spread,
        p_better_low=float(ndtr(low / spread)),
        p_better_high=float(ndtr(high / spread)),
        p_value=field.p_differ(a, b) if min(field.n_runs[a], field.n_runs[b]) >= 1 else np.nan,
    )
