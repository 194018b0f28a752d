"""Runs at the levels of factors, and how two levels are set against each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from analysis.records.schema import RUN_KEY
from analysis.statistics.additive import AdditiveFit
from analysis.statistics.comparisons.adjusted import adjusted_contrast
from analysis.statistics.comparisons.contrasts import Contrast
from analysis.statistics.comparisons.pairing import contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.settings import (
    CUT_SHORT,
    FAILED,
    factor_levels,
    number_groups,
    parameter_columns,
    scored_runs,
    with_settings,
)
from analysis.statistics.verdicts.adjustment import find_confounders, fit_settings, measure_texts

LostRuns: TypeAlias = Literal["by rule", "left out", "worst"]

_FEW_CUT = 0.05
"""Share of a level's runs that may have been cut short without making a choice of those left."""

MIN_COVERAGE = 0.5
"""Share of a level's settings that pairs must cover, or they speak for an odd part of the study."""

CHOSEN = "the scheduler's choice of the runs to finish"
"""What levels cannot be told apart from where a scheduler stopped runs for being weak."""

IN_FEW_SETTINGS = "only in the company in which the level with fewer settings was tried"
"""What the note of a comparison says that speaks for a part of the study alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunsByLevel:
    """Runs to be compared by level, and how.

    Attributes:
        runs: Those that count, with `setting, score`.
        lost: Those that came to nothing, with the worst score.
        levels: Level of each run by factor, indexed as the runs.
        hits: Which texts the runs got right.
        rule: What a verdict must satisfy.
        rng: Draws.
        fits: Additive models of these runs that were needed, by what they hold equal.
        lost_runs: Whether the lost runs count where the rule of `compare_levels` says so, never, or always.
    """

    runs: pd.DataFrame
    lost: pd.DataFrame
    levels: Mapping[str, pd.Series[Any]]
    hits: Hits | None
    rule: Rule
    rng: np.random.Generator
    lost_runs: LostRuns = "by rule"
    fits: dict[tuple[Any, ...], tuple[pd.DataFrame, AdditiveFit]] = field(default_factory=dict)

    @cached_property
    def everyone(self) -> pd.DataFrame:
        """The runs that count and those that came to nothing."""
        return pd.concat([self.runs, self.lost])

    @cached_property
    def coded(self) -> pd.DataFrame:
        """What everyone is paired by, the values of parameters as numbers: these are quickly compared."""
        runs = self.everyone
        codes = {name: number_groups(runs, [name]) for name in parameter_columns(runs)}
        values = {name: np.where(runs[name].isna(), np.nan, code) for name, code in codes.items()}
        return runs[[*RUN_KEY, "seed", "setting", "score"]].assign(**values)

    def at(self, factor: str, level: Any) -> RunsByLevel:
        """The runs at one level of a factor alone."""
        kept = [own[(self.levels[factor].reindex(own.index) == level)] for own in (self.runs, self.lost)]
        return replace(self, runs=kept[0], lost=kept[1], fits={})

    def was_chosen(self, trials: pd.DataFrame, factor: str) -> pd.Series[bool]:
        """Whether a scheduler cut so many runs of a level short that those left were chosen, by level.

        Args:
            trials: All runs, indexed as these.
            factor: One of the factors.
        """
        ended = trials["state"].ne("running") & ~trials.index.isin(self.runs.index)
        levels = self.levels[factor]
        cut = levels[ended & trials["state"].isin(CUT_SHORT)].value_counts()
        return cut / levels.value_counts().clip(lower=1) > _FEW_CUT

    def compare(self, factor: str, a: Any, b: Any) -> tuple[Contrast, list[str], str]:
        """Two levels, lost runs among them: the contrast, notes, and what it is confounded with."""
        if self.lost_runs == "worst" and len(self.lost):
            return self._contrast(self.everyone, None, factor, a, b)
        contrast, notes, confounded = self._contrast(self.runs, self.hits, factor, a, b)
        at = self.levels[factor].reindex(self.lost.index)
        n_lost = {level: int((at == level).sum()) for level in (a, b)}
        if not sum(n_lost.values()) or self.lost_runs == "left out":
            return contrast, notes, confounded
        tried = self.levels[factor].reindex(self.runs.index)
        n_all = {level: n_lost[level] + int((tried == level).sum()) for level in (a, b)}
        said = " and ".join(f"{n_lost[level]} of {n_all[level]} at {level}" for level in (a, b))
        ahead, behind = (a, b) if contrast.effect > 0 else (b, a)
        is_wider = n_lost[ahead] * n_all[behind] <= n_lost[behind] * n_all[ahead]
        if contrast.method != "none" and is_wider:
            # The side that is ahead came to nothing no more often: to count that would widen its lead.
            return contrast, [*notes, f"runs came to nothing in {said}"], confounded
        whole, more_notes, confounded = self._contrast(self.everyone, None, factor, a, b)
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
        coded = self.coded.iloc[: len(runs)]  # of everyone, the runs that count come first
        sides = coded[at == a], coded[at == b]
        others = shared_parameters(*sides, factor)
        pairs = find_pairs(*sides, others, hits)
        if pairs.coverage >= MIN_COVERAGE:
            return contrast_pairs(pairs, self.rule, self.rng), [], ""
        own = {name: values for name, values in self.levels.items() if name in (*others, factor)}
        fit = self._fit(runs, own)
        contrast = adjusted_contrast(
            fit, factor, (a, b), self.rule, self.rng, runs=runs, text_variance=measure_texts(fit, runs, hits)
        )
        if contrast.method == "none" and pairs.lesser_coverage >= MIN_COVERAGE:
            return contrast_pairs(pairs, self.rule, self.rng), [IN_FEW_SETTINGS], ""
        if contrast.method == "none" and min(map(len, sides)) > 0:
            return contrast, [], find_confounders(fit, factor, a, b)
        return contrast, [], ""

    def _fit(self, runs: pd.DataFrame, levels: Mapping[str, pd.Series[Any]]) -> AdditiveFit:
        """The additive model, once for all pairs of levels that it serves."""
        key = (id(runs), *levels)
        if key not in self.fits:
            # The runs are kept beside it, or others could come to lie where they lay.
            self.fits[key] = (runs, fit_settings(runs, levels))
        return self.fits[key][1]


def gather_by_level(
    trials: pd.DataFrame,
    names: Iterable[str],
    score: str,
    *,
    states: Sequence[str],
    hits: Hits | None,
    rule: Rule,
    rng: np.random.Generator,
    lost_runs: LostRuns = "by rule",
    floor: float = -math.inf,
) -> RunsByLevel:
    """Runs that may be compared by the levels of factors.

    Args:
        trials: The contract's table, its index 0, 1, 2 ..., of the search alone.
        names: The factors.
        score: A share, more is better.
        states: Ends that count.
        hits: Which texts each run got right.
        rule: What a verdict must satisfy.
        rng: Draws.
        lost_runs: As in `RunsByLevel`.
        floor: Accuracy up to which a completed run came to nothing too; by rule it keeps its own score.
    """
    runs = scored_runs(trials, score, states=states)
    lost = _count_as_worst(trials, runs)
    if lost_runs != "by rule" and len(runs):
        is_collapsed = runs["val_accuracy"].astype(float) <= floor
        collapsed = runs[is_collapsed].assign(score=float(runs["score"].min()))
        runs, lost = runs[~is_collapsed], pd.concat([lost, collapsed]) if len(lost) else collapsed
    return RunsByLevel(
        runs=runs,
        lost=lost,
        levels={name: factor_levels(trials[name]) for name in dict.fromkeys(names)},
        hits=hits,
        rule=rule,
        rng=rng,
        lost_runs=lost_runs,
    )


def _count_as_worst(trials: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that diverged or failed, with the lowest score of any that counts."""
    if runs.empty:
        return runs
    lost = with_settings(trials)
    lost = lost[lost["state"].isin(FAILED)]
    return lost.assign(score=float(runs["score"].min())) if len(lost) else runs.head(0)


def shared_parameters(a: pd.DataFrame, b: pd.DataFrame, factor: str) -> list[str]:
    """The parameters that must agree where two levels of a factor are compared.

    One that either level never sets belongs to the other: it is part of what is compared.
    """
    others = [name for name in parameter_columns(a) if name != factor]
    return [name for name in others if a[name].notna().any() and b[name].notna().any()]
