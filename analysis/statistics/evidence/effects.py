"""What the parameters do: alone, in pairs, and how much each matters."""

from __future__ import annotations

import logging
from functools import cached_property

import pandas as pd

from analysis.errors import AnalysisError
from analysis.statistics.effects import best_by_level, cell_means, interactions, marginal_effects
from analysis.statistics.evidence.few_settings import without_wild_intervals
from analysis.statistics.evidence.runs import Runs
from analysis.statistics.importance import parameter_importance

logger = logging.getLogger(__name__)

_REPEATS, _FEW_REPEATS = 10, 5
"""Halves of the study that importance is taken from; the fewer where settings are many."""

MANY_SETTINGS = 300
"""Settings above which less is repeated and compared: they differ less and take longer."""


class Effects(Runs):
    """Accuracy by the levels of factors."""

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Mean and best accuracy at each level of each factor, as tried and with all else held equal."""
        keys = ["factor", "level"]
        means = marginal_effects(self.study.trials, self.factors)
        best = best_by_level(self.study.trials, self.factors).drop(columns="n_settings")
        table = means.merge(best, on=keys)
        return without_wild_intervals(table, ["low", "high", "adjusted_low", "adjusted_high"])

    @cached_property
    def interactions(self) -> pd.DataFrame:
        """Pairs of factors that work together, strongest first."""
        return interactions(self.study.trials, self.factors)

    @cached_property
    def importance(self) -> pd.DataFrame:
        """How much each parameter mattered; empty for few settings, or where Optuna is not installed."""
        try:
            repeats = _FEW_REPEATS if len(self.ranking) > MANY_SETTINGS else _REPEATS
            return parameter_importance(self.study.trials, self.facts.space, repeats=repeats)
        except AnalysisError as error:
            logger.info("importance is left out of the report: %s", error)
            return pd.DataFrame()

    def map_accuracy(self, down: str, across: str) -> pd.DataFrame:
        """Mean accuracy at the best epoch over two factors: `row, column, n_settings, mean`."""
        return cell_means(self.study.trials, self.study.trials, (down, across), "val_accuracy")
