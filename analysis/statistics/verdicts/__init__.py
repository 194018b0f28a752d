"""Verdicts: better, equivalent, inside the noise, or not enough runs, and then how many more would do."""

from analysis.statistics.verdicts.levels import IN_FEW_SETTINGS, compare_levels
from analysis.statistics.verdicts.settings import compare_settings, settings_in_the_running
from analysis.statistics.verdicts.studies import compare_studies

__all__ = [
    "IN_FEW_SETTINGS",
    "compare_levels",
    "compare_settings",
    "compare_studies",
    "settings_in_the_running",
]
