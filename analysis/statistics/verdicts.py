"""Verdicts: better, inside the noise, or not enough runs, and then how many more would do.

`a` is always the side that is ahead. Only completed runs are compared, unless the caller gives scores at
an equal number of epochs (`settings.scores_at_epoch`) and names the states that those hold for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.schema import StudyFacts
from analysis.statistics.additive import AdditiveFit, fit_additive
from analysis.statistics.contrasts import Contrast, adjusted_contrast
from analysis.statistics.intervals import Seed
from analysis.statistics.pairing import Pairs, contrast_pairs, find_pairs
from analysis.statistics.rules import RULE, Rule, correct_p_values, decide
from analysis.statistics.settings import (
    check_columns,
    factor_levels,
    parameter_columns,
    scored_runs,
    without_audit,
)
from analysis.words.labels import varied_parameters

_MIN_COVERAGE = 0.5
"""Share of a level's settings that pairs must cover, or they speak for an odd part of the study."""

IN_FEW_SETTINGS = "only in the company in which the level with fewer settings was tried"
"""What the note of a comparison says that speaks for a part of the study alone."""

_KINDS = {
    "method": "object",
    "unit": "object",
    "balanced": "bool",
    "n_pairs": "int64",
    "n_units": "int64",
    "n_left_out": "int64",
    "mean_a": "float64",
    "mean_b": "float64",
    "effect_pp": "float64",
    "effect_low_pp": "float64",
    "effect_high_pp": "float64",
    "p_better": "float64",
    "p_better_low": "float64",
    "p_better_high": "float64",
    "p_value": "float64",
    "p_corrected": "float64",
    "n_comparisons": "int64",
    "answer": "object",
    "more_pairs": "Int64",
    "note": "object",
}
"""Columns of every table of verdicts, behind those that name what was compared."""

_DECIDED = ("p_corrected", "n_comparisons", "answer", "more_pairs")


def compare_levels(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    states: Sequence[str] = ("completed",),
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the levels of factors, each with each; one family of comparisons.

    Runs are paired where all other parameters and the seed agree (else all other parameters, seeds
    averaged), if such pairs cover at least half of the settings of both levels. Elsewhere, as in a search,
    levels were tried in different company: then all else is held equal by an additive model of the settings'
    means, `balanced` is false, and the note says so. That removes what other factors add, not what they
    change in this one's effect. Where it says nothing either, as around the baseline of an ablation, pairs
    that cover half of the settings of the level with fewer are compared after all: they hold all else equal,
    but speak for that company alone, as the note says. Numeric factors with many values are compared by
    ranges.

    Args:
        trials: The contract's table.
        factors: Parameters to compare; by default those that vary.
        score: A share, more is better.
        states: Ends that count.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per factor and two of its levels: `factor, a, b`, then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    varied = varied_parameters(trials, parameter_columns(trials))
    names = varied if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    trials = without_audit(trials).reset_index(drop=True)
    runs = scored_runs(trials, score, states=states)
    levels = {name: factor_levels(trials[name]) for name in dict.fromkeys((*varied, *names))}
    fit: AdditiveFit | None = None
    ended = trials["state"].ne("running") & ~trials.index.isin(runs.index)
    rows = []
    for name in names:
        left_out = levels[name][ended].value_counts()
        at = levels[name].reindex(runs.index)
        for a, b in combinations(levels[name].cat.categories, 2):
            pairs = _pair_levels(runs[at == a], runs[at == b], name)
            note = ""
            if pairs.coverage >= _MIN_COVERAGE:
                contrast = contrast_pairs(pairs, rule, rng)
            else:
                fit = fit or _fit_settings(runs, levels)
                contrast = adjusted_contrast(fit, name, (a, b), rule, rng)
                if contrast.method == "none" and pairs.lesser_coverage >= _MIN_COVERAGE:
                    contrast, note = contrast_pairs(pairs, rule, rng), IN_FEW_SETTINGS
            n_left_out = int(left_out[a] + left_out[b])
            rows.append(_as_row({"factor": name, "a": a, "b": b}, contrast, n_left_out, note))
    return _finish(rows, ("factor", "a", "b"), rule)


def _fit_settings(runs: pd.DataFrame, levels: Mapping[str, pd.Series[Any]]) -> AdditiveFit:
    """The additive model of the settings' mean scores."""
    first = runs.drop_duplicates("setting").set_index("setting")
    means = runs.groupby("setting")["score"].mean().reindex(first.index)
    places = runs.drop_duplicates("setting").index
    own = {name: values.reindex(places).set_axis(first.index) for name, values in levels.items()}
    return fit_additive(means, own)


def _pair_levels(a: pd.DataFrame, b: pd.DataFrame, factor: str) -> Pairs:
    """Runs at two levels of a factor, set side by side."""
    others = [
        name
        for name in parameter_columns(a)
        # A parameter that one of the levels never sets belongs to the other: it is part of what is compared.
        if name != factor and not (a[name].isna().all() or b[name].isna().all())
    ]
    return find_pairs(a, b, others)


def compare_settings(
    trials: pd.DataFrame,
    n_best: int = 5,
    score: str = "val_accuracy",
    *,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the best setting with each of the next best.

    Where at least two settings were confirmed on fresh seeds, only those runs judge, and the comparisons are
    corrected for all pairs among the confirmed settings. Else the runs that chose the best also judge it:
    the correction is for all pairs among all settings tried, for any of these could have come out on top.

    Args:
        trials: The contract's table.
        n_best: How many settings, the best included.
        score: A share, more is better.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per setting behind the best: `a, b` (settings; `a` is the one ahead over the paired runs),
        then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    runs = scored_runs(trials, score, phase="confirm")
    is_confirmed = runs["setting"].nunique() >= 2
    if not is_confirmed:
        runs = scored_runs(trials, score)
    means = runs.groupby("setting")["score"].mean().sort_values(ascending=False, kind="stable")
    best = [runs[runs["setting"] == setting] for setting in means.index[: max(n_best, 0)]]
    note = (
        "" if is_confirmed else "the runs that chose the best setting also judge it: confirm on fresh seeds"
    )
    rows = [
        _as_row(
            {"a": means.index[0], "b": means.index[place]},
            contrast_pairs(find_pairs(best[0], other, []), rule, rng),
            note=note,
        )
        for place, other in enumerate(best[1:], start=1)
    ]
    return _finish(rows, ("a", "b"), rule, family_size=math.comb(len(means), 2))


def compare_studies(
    studies: Mapping[str, pd.DataFrame],
    score: str = "val_accuracy",
    *,
    facts: Mapping[str, StudyFacts] | None = None,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare studies over the settings that they share, each study with each.

    Args:
        studies: `trials` tables by name.
        score: A share, more is better.
        facts: By name; where two studies were judged on other texts, the note says so.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per two studies: `a, b`, then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    studies = {name: without_audit(trials) for name, trials in studies.items()}
    rows = []
    for a, b in combinations(studies, 2):
        runs = [scored_runs(studies[name], score) for name in (a, b)]
        shared = [name for name in parameter_columns(runs[0]) if name in parameter_columns(runs[1])]
        pairs = find_pairs(runs[0], runs[1], shared)
        notes = _judge_fairness(facts or {}, a, b)
        if not pairs.n_blocks:
            notes.append("no setting completed in both")
        elif pairs.coverage < 1:
            notes.append("only settings that both completed are compared")
        left_out = sum(int(studies[name]["state"].ne("running").sum()) for name in (a, b)) - sum(
            map(len, runs)
        )
        contrast = contrast_pairs(pairs, rule, rng)
        rows.append(_as_row({"a": a, "b": b}, contrast, left_out, "; ".join(notes)))
    return _finish(rows, ("a", "b"), rule)


def _judge_fairness(facts: Mapping[str, StudyFacts], a: str, b: str) -> list[str]:
    if a not in facts or b not in facts:
        return []
    names = ("source", "classes", "n_train", "n_validation", "validated_on", "max_epochs")
    other = [name for name in names if getattr(facts[a], name) != getattr(facts[b], name)]
    return [f"not like for like: the studies differ in {', '.join(other)}"] if other else []


def _as_row(names: dict[str, Any], contrast: Contrast, n_left_out: int = 0, note: str = "") -> dict[str, Any]:
    """One comparison, turned so that `a` is ahead."""
    if contrast.effect < 0:
        names = {**names, "a": names["b"], "b": names["a"]}
        contrast = contrast.reverse()
    half = contrast.half_width
    notes = [note] if note else []
    if contrast.method == "regression":
        notes.append("not balanced: other parameters held equal by an additive model, not by the design")
    if n_left_out:
        notes.append(f"{n_left_out} runs that did not complete are left out")
    return {
        **names,
        **asdict(contrast),
        "balanced": contrast.method != "regression",
        "n_left_out": n_left_out,
        "effect_pp": 100 * contrast.effect,
        "effect_low_pp": 100 * (contrast.effect - half),
        "effect_high_pp": 100 * (contrast.effect + half),
        "note": "; ".join(notes),
    }


def _finish(
    rows: list[dict[str, Any]], names: tuple[str, ...], rule: Rule, family_size: int = 0
) -> pd.DataFrame:
    """The comparisons of one family as a table, corrected and answered."""
    table = pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=_KINDS.get(name, "object"))
            for name in (*names, *_KINDS)
            if name not in _DECIDED
        }
    )
    p_values = table["p_value"].to_numpy()
    table["p_corrected"] = correct_p_values(p_values, family_size)
    table["n_comparisons"] = max(int((~np.isnan(p_values)).sum()), family_size)
    return decide(table, rule)[[*names, *_KINDS]]
