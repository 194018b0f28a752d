"""What the curves of runs show: overfitting, jitter, and how far gradients reach."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from analysis.records.schema import RUN_KEY
from analysis.statistics.effects import cell_means
from analysis.statistics.evidence.few_settings import without_wild_intervals
from analysis.statistics.evidence.runs import Runs
from analysis.statistics.gradients import gradient_reach
from analysis.statistics.onset_times import onset_times
from analysis.statistics.overfitting import curve_noise, overfitting_by_replicate
from analysis.statistics.overfitting_summaries import overfitting_by_factor, overfitting_by_setting
from analysis.statistics.settings import search_alone


class Curves(Runs):
    """What happened from epoch to epoch, by replicate, setting and factor."""

    @cached_property
    def overfitting(self) -> pd.DataFrame:
        """Onset, gaps and costs of each replicate.

        What counts as jitter leans on all curves: on those of the search for the search, by phase.
        """
        epochs = self.study.epochs
        parts = [own for _, own in epochs.groupby("phase", sort=False)] or [epochs]
        tables = [
            overfitting_by_replicate(own, self.study.trials, objective=self.facts.objective) for own in parts
        ]
        return pd.concat(tables).sort_values(list(RUN_KEY), ignore_index=True)

    @property
    def has_onsets(self) -> bool:
        """Whether any completed run of the search was found to overfit."""
        judged = self.overfitting.merge(self.completed[list(RUN_KEY)], on=list(RUN_KEY))
        return bool(judged["onset_epoch"].notna().any())

    @cached_property
    def overfitting_by_setting(self) -> pd.DataFrame:
        """The same by setting: one row per setting and statistic."""
        return overfitting_by_setting(self.overfitting, self.study.trials)

    @cached_property
    def overfitting_by_factor(self) -> pd.DataFrame:
        """The same by factor and level; intervals from `MIN_SETTINGS` settings on."""
        table = overfitting_by_factor(self.overfitting, self.study.trials, self.factors)
        return without_wild_intervals(table, ["low", "high"])

    @cached_property
    def onset_times(self) -> pd.DataFrame:
        """When runs begin to overfit, those that ended too soon to tell as such."""
        return onset_times(self.overfitting, self.study.trials, self.factors)

    def map_gap(self, down: str, across: str) -> pd.DataFrame:
        """Mean gap at the last epoch over two factors: `row, column, n_settings, mean`."""
        return cell_means(self.overfitting, self.study.trials, (down, across), "gap_last")

    @cached_property
    def noise(self) -> pd.DataFrame:
        """How much each replicate's validation curves jitter from epoch to epoch."""
        return curve_noise(self.study.epochs)

    @cached_property
    def gradient_reach(self) -> pd.DataFrame:
        """How much of the gradient each cell carries back, as `gradient_reach` gives it."""
        return gradient_reach(self.study.gradients, search_alone(self.study.trials))
