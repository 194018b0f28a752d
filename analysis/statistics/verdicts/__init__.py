"""Verdicts: better, equivalent, inside the noise, or not enough runs, and then how many more would do."""

from analysis.statistics.verdicts.factors import judge_factors
from analysis.statistics.verdicts.levels import compare_levels
from analysis.statistics.verdicts.lost_runs import collapse_floor, compare_lost, share_lost
from analysis.statistics.verdicts.runs_by_level import IN_FEW_SETTINGS
from analysis.statistics.verdicts.settings import (
    compare_best_by_level,
    compare_settings,
    settings_in_the_running,
)
from analysis.statistics.verdicts.simple_effects import compare_within
from analysis.statistics.verdicts.studies import compare_studies

__all__ = [
    "IN_FEW_SETTINGS",
    "collapse_floor",
    "compare_best_by_level",
    "compare_levels",
    "compare_lost",
    "compare_settings",
    "compare_studies",
    "compare_within",
    "judge_factors",
    "settings_in_the_running",
    "share_lost",
]
