"""Levels of factors compared, each with each: all else held equal by pairs, or by an additive model.

`a` is always the side that is ahead. Only completed runs are compared, unless the caller gives scores at
an equal number of epochs (`settings.scores_at_epoch`) and names the states that those hold for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.additive import AdditiveFit, fit_additive
from analysis.statistics.comparisons.contrasts import Contrast, adjusted_contrast
from analysis.statistics.comparisons.pairing import contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import RULE, Rule
from analysis.statistics.comparisons.texts import Hits, weighted_text_variance
from analysis.statistics.intervals import Floats, Seed
from analysis.statistics.settings import (
    CUT_SHORT,
    FAILED,
    check_columns,
    factor_levels,
    parameter_columns,
    scored_runs,
    with_settings,
)
from analysis.statistics.verdicts.table import as_row, finish_table
from analysis.words.labels import label_factor, varied_parameters
from analysis.words.numbers import listing

_FEW_CUT = 0.05
"""Share of a level's runs that may have been cut short without making a choice of those left."""

_MIN_COVERAGE = 0.5
"""Share of a level's settings that pairs must cover, or they speak for an odd part of the study."""

IN_FEW_SETTINGS = "only in the company in which the level with fewer settings was tried"
"""What the note of a comparison says that speaks for a part of the study alone."""


def compare_levels(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    states: Sequence[str] = ("completed",),
    strata: Iterable[str] = (),
    hits: Hits | None = None,
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

    Runs of the search alone. A run that diverged or failed is an outcome of its level. Where the side that is
    ahead without such runs had more of them, they count as no better than the worst that completed; "better"
    then needs both comparisons to point the same way, and the note gives the other one. Where a scheduler
    stopped runs for being weak, those left were chosen, and levels cannot be told apart from that choice:
    compare scores at an equal epoch instead.

    Args:
        trials: The contract's table.
        factors: Parameters to compare; by default those that vary.
        score: A share, more is better.
        states: Ends that count.
        strata: Factors among whose levels the scheduler did not choose, but within each.
        hits: Which texts each run got right, if `score` is the share of them; without it a verdict is about
            these texts.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per factor and two of its levels: `factor, a, b`, then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    varied = varied_parameters(trials, parameter_columns(trials))
    names = varied if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    trials = trials[trials["phase"] == "search"].reset_index(drop=True)
    runs = scored_runs(trials, score, states=states)
    lost = _count_as_worst(trials, runs)
    levels = {name: factor_levels(trials[name]) for name in dict.fromkeys((*varied, *names))}
    table = _Table(runs=runs, lost=lost, levels=levels, hits=hits, rule=rule, rng=rng)
    ended = trials["state"].ne("running") & ~trials.index.isin(runs.index)
    is_cut = ended & trials["state"].isin(CUT_SHORT)
    fair = set(strata)
    rows = []
    for name in names:
        left_out, cut, all_runs = (
            levels[name][which].value_counts() for which in (ended, is_cut, ended | ended.eq(False))
        )
        for a, b in combinations(levels[name].cat.categories, 2):
            contrast, notes, confounded = table.compare(name, a, b)
            share = max(cut[level] / max(all_runs[level], 1) for level in (a, b))
            if share > _FEW_CUT and name not in fair:
                confounded = confounded or "the scheduler's choice of the runs to finish"
            row = as_row({"factor": name, "a": a, "b": b}, contrast, notes, hits is not None)
            rows.append(row | {"n_left_out": int(left_out[a] + left_out[b]), "confounded": confounded})
    return finish_table(rows, ("factor", "a", "b"), rule)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """Runs to be compared by level, and how.

    Attributes:
        runs: Those that count, with `setting, score`.
        lost: Those that diverged or failed, with the worst score.
        levels: Level of each run by factor, indexed as the runs.
        hits: Which texts the runs got right.
        rule: What a verdict must satisfy.
        rng: Draws.
    """

    runs: pd.DataFrame
    lost: pd.DataFrame
    levels: Mapping[str, pd.Series[Any]]
    hits: Hits | None
    rule: Rule
    rng: np.random.Generator

    def compare(self, factor: str, a: Any, b: Any) -> tuple[Contrast, list[str], str]:
        """Two levels, lost runs among them: the contrast, notes, and what it is confounded with."""
        contrast, notes, confounded = self._contrast(self.runs, self.hits, factor, a, b)
        at = self.levels[factor].reindex(self.lost.index)
        n_lost = {level: int((at == level).sum()) for level in (a, b)}
        if not sum(n_lost.values()):
            return contrast, notes, confounded
        tried = self.levels[factor].reindex(self.runs.index)
        n_all = {level: n_lost[level] + int((tried == level).sum()) for level in (a, b)}
        said = " and ".join(f"{n_lost[level]} of {n_all[level]} at {level}" for level in (a, b))
        ahead, behind = (a, b) if contrast.effect > 0 else (b, a)
        if contrast.method != "none" and n_lost[ahead] * n_all[behind] <= n_lost[behind] * n_all[ahead]:
            # The side that is ahead came to nothing no more often: to count that would widen its lead.
            return contrast, [*notes, f"runs came to nothing in {said}"], confounded
        everyone = pd.concat([self.runs, self.lost])
        whole, more_notes, confounded = self._contrast(everyone, None, factor, a, b)
        if whole.method == "none":
            return contrast, notes, confounded
        notes = [*more_notes, f"runs that came to nothing count as the worst ({said})"]
        if contrast.method != "none":
            effect, half = 100 * contrast.effect, 100 * contrast.half_width
            notes.append(f"without them {a} minus {b} is {effect:.1f} +- {half:.1f} points")
            if contrast.effect * whole.effect < 0:
                # What is better then depends on what a lost run is worth.
                whole = replace(whole, p_value=max(whole.p_value, contrast.p_value, 0.5))
        return whole, notes, confounded

    def _contrast(
        self, runs: pd.DataFrame, hits: Hits | None, factor: str, a: Any, b: Any
    ) -> tuple[Contrast, list[str], str]:
        at = self.levels[factor].reindex(runs.index)
        sides = runs[at == a], runs[at == b]
        others = _others(*sides, factor)
        pairs = find_pairs(*sides, others, hits)
        if pairs.coverage >= _MIN_COVERAGE:
            return contrast_pairs(pairs, self.rule, self.rng), [], ""
        own = {name: values for name, values in self.levels.items() if name in (*others, factor)}
        fit = _fit_settings(runs, own)
        contrast = adjusted_contrast(
            fit, factor, (a, b), self.rule, self.rng, runs=runs, text_variance=_text_variance(fit, runs, hits)
        )
        if contrast.method == "none" and pairs.lesser_coverage >= _MIN_COVERAGE:
            return contrast_pairs(pairs, self.rule, self.rng), [IN_FEW_SETTINGS], ""
        if contrast.method == "none" and min(map(len, sides)) > 0:
            return contrast, [], _find_confounders(fit, factor, a, b)
        return contrast, [], ""


def _count_as_worst(trials: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that diverged or failed, with the lowest score of any that counts."""
    if runs.empty:
        return runs
    lost = with_settings(trials)
    lost = lost[lost["state"].isin(FAILED)]
    return lost.assign(score=float(runs["score"].min())) if len(lost) else runs.head(0)


def _find_confounders(fit: AdditiveFit, factor: str, a: Any, b: Any) -> str:
    """The factors that always went together with two levels; nothing where the levels could be told apart."""
    if fit.determines(fit.margin(factor, a) - fit.margin(factor, b)):
        return ""
    guilty = []
    scores = pd.Series(0.0, index=fit.settings)
    for name in fit.levels:
        if name != factor:
            rest = fit_additive(scores, {key: value for key, value in fit.levels.items() if key != name})
            if rest.determines(rest.margin(factor, a) - rest.margin(factor, b)):
                guilty.append(name)
    return listing([label_factor(name) for name in guilty]) or "other factors together"


def _text_variance(
    fit: AdditiveFit, runs: pd.DataFrame, hits: Hits | None
) -> Callable[[Floats], float] | None:
    """What the choice of texts adds to a weighted sum of the settings' means."""
    if hits is None:
        return None
    rows = hits.find(runs)
    if (rows < 0).any():
        return None
    known = hits

    def measure(weights: Floats) -> float:
        place = pd.Index(fit.settings).get_indexer(runs["setting"]).astype(np.int64)
        shares = known.mean_by_group(rows, place, len(weights))
        return weighted_text_variance(shares, weights, known.n_texts)

    return measure


def _fit_settings(runs: pd.DataFrame, levels: Mapping[str, pd.Series[Any]]) -> AdditiveFit:
    """The additive model of the settings' mean scores."""
    first = runs.drop_duplicates("setting").set_index("setting")
    means = runs.groupby("setting")["score"].mean().reindex(first.index)
    places = runs.drop_duplicates("setting").index
    own = {name: values.reindex(places).set_axis(first.index) for name, values in levels.items()}
    return fit_additive(means, own)


def _others(a: pd.DataFrame, b: pd.DataFrame, factor: str) -> list[str]:
    """The parameters that must agree where two levels of a factor are compared.

    One that either level never sets belongs to the other: it is part of what is compared.
    """
    return [
        name
        for name in parameter_columns(a)
        if name != factor and not (a[name].isna().all() or b[name].isna().all())
    ]
