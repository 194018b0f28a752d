"""Verdicts: better, equivalent, inside the noise, or not enough runs, and then how many more would do.

`a` is always the side that is ahead. Only completed runs are compared, unless the caller gives scores at
an equal number of epochs (`settings.scores_at_epoch`) and names the states that those hold for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.records.schema import StudyFacts
from analysis.statistics.additive import AdditiveFit, fit_additive
from analysis.statistics.comparisons.best_set import Field, measure_field
from analysis.statistics.comparisons.contrasts import Contrast, adjusted_contrast
from analysis.statistics.comparisons.crossed import Uncertainty
from analysis.statistics.comparisons.pairing import contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import RULE, Rule, correct_p_values, decide
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
from analysis.words.labels import label_factor, varied_parameters
from analysis.words.numbers import listing

_FEW_CUT = 0.05
"""Share of a level's runs that may have been cut short without making a choice of those left."""

_MIN_COVERAGE = 0.5
"""Share of a level's settings that pairs must cover, or they speak for an odd part of the study."""

IN_FEW_SETTINGS = "only in the company in which the level with fewer settings was tried"
"""What the note of a comparison says that speaks for a part of the study alone."""

_JUDGED_BY_ITSELF = "the runs that chose the best setting also judge it: confirm on fresh seeds"

_KINDS = {
    "method": "object",
    "unit": "object",
    "balanced": "bool",
    "n_pairs": "int64",
    "n_units": "int64",
    "n_settings": "int64",
    "n_seeds": "int64",
    "n_left_out": "int64",
    "mean_a": "float64",
    "mean_b": "float64",
    "effect_pp": "float64",
    "error_pp": "float64",
    "freedom": "float64",
    "effect_low_pp": "float64",
    "effect_high_pp": "float64",
    "p_better": "float64",
    "p_better_error": "float64",
    "p_better_low": "float64",
    "p_better_high": "float64",
    "p_value": "float64",
    "p_corrected": "float64",
    "p_best": "float64",
    "n_comparisons": "int64",
    "answer": "object",
    "more": "Int64",
    "more_of": "object",
    "scope": "object",
    "confounded": "object",
    "by_setting": "float64",
    "by_seed": "float64",
    "by_both": "float64",
    "by_texts": "float64",
    "note": "object",
}
"""Columns of every table of verdicts, behind those that name what was compared."""

_DECIDED = ("p_corrected", "n_comparisons", "answer", "more", "more_of")


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
            row = _as_row({"factor": name, "a": a, "b": b}, contrast, notes, hits is not None)
            rows.append(row | {"n_left_out": int(left_out[a] + left_out[b]), "confounded": confounded})
    return _finish(rows, ("factor", "a", "b"), rule)


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


def compare_settings(
    trials: pd.DataFrame,
    n_best: int = 5,
    score: str = "val_accuracy",
    *,
    hits: Hits | None = None,
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
    field = measure_field(runs, hits)
    could_be_best = dict(zip(field.setting, field.p_could_be_best(), strict=True)) if field else {}
    rows = []
    for place, other in enumerate(best[1:], start=1):
        contrast = contrast_pairs(find_pairs(best[0], other, [], hits), rule, rng)
        if field is not None:
            contrast = _lean_on(field, 0, place, contrast, rule)
        names = {"a": means.index[0], "b": means.index[place]}
        row = _as_row(names, contrast, note, hits is not None)
        rows.append(row | {"p_best": could_be_best.get(means.index[place], np.nan)})
    if field is None:
        return _finish(rows, ("a", "b"), rule, family_size=math.comb(len(means), 2))
    return _finish(rows, ("a", "b"), rule, corrected=True, family_size=math.comb(len(means), 2))


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
    studies = {name: trials[trials["phase"] == "search"] for name, trials in studies.items()}
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
        row = _as_row({"a": a, "b": b}, contrast, notes, knows_texts=False)
        rows.append(row | {"n_left_out": left_out})
    return _finish(rows, ("a", "b"), rule)


def _judge_fairness(facts: Mapping[str, StudyFacts], a: str, b: str) -> list[str]:
    if a not in facts or b not in facts:
        return []
    names = ("source", "classes", "n_train", "n_validation", "validated_on", "max_epochs")
    other = [name for name in names if getattr(facts[a], name) != getattr(facts[b], name)]
    return [f"not like for like: the studies differ in {', '.join(other)}"] if other else []


def _as_row(
    names: dict[str, Any], contrast: Contrast, notes: Sequence[str], knows_texts: bool
) -> dict[str, Any]:
    """One comparison, turned so that `a` is ahead."""
    if contrast.effect < 0:
        names = {**names, "a": names["b"], "b": names["a"]}
        contrast = contrast.reverse()
    half = contrast.half_width
    if contrast.method == "regression":
        adjusted = "not balanced: other parameters held equal by an additive model, not by the design"
        notes = [*notes, adjusted]
    return {
        **names,
        **asdict(contrast),
        "balanced": contrast.method != "regression",
        "n_left_out": 0,
        "effect_pp": 100 * contrast.effect,
        "error_pp": 100 * contrast.error,
        "effect_low_pp": 100 * (contrast.effect - half),
        "effect_high_pp": 100 * (contrast.effect + half),
        "scope": _scope(contrast, knows_texts, "factor" in names),
        "confounded": "",
        "p_best": np.nan,
        "note": "; ".join(notes),
    }


def _scope(contrast: Contrast, knows_texts: bool, is_of_levels: bool) -> str:
    """What a verdict is about where a source of chance could not be estimated: `for this seed`."""
    if contrast.method == "none":
        return ""
    held = []
    if is_of_levels and contrast.n_settings == 1:
        held.append("this setting of all else")
    if contrast.method != "unpaired" and contrast.n_seeds == 1:
        held.append("this seed")
    if not knows_texts or np.isnan(contrast.by_texts):
        held.append("these texts")
    return f"for {listing(held)}" if held else ""


def _finish(
    rows: list[dict[str, Any]],
    names: tuple[str, ...],
    rule: Rule,
    *,
    family_size: int = 0,
    corrected: bool = False,
) -> pd.DataFrame:
    """The comparisons of one family as a table, corrected unless they are already, and answered."""
    for row in rows:
        if row["n_left_out"]:
            parts = [row["note"], f"{row['n_left_out']} runs that did not complete are left out"]
            row["note"] = "; ".join(part for part in parts if part)
    table = pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=_KINDS.get(name, "object"))
            for name in (*names, *_KINDS)
            if name not in _DECIDED
        }
    )
    p_values = table["p_value"].to_numpy()
    table["p_corrected"] = p_values if corrected else correct_p_values(p_values, family_size)
    table["n_comparisons"] = max(int((~np.isnan(p_values)).sum()), family_size)
    return decide(table, rule)[[*names, *_KINDS]]
