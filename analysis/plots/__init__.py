"""The report's figures from Python: `analysis.plots.learning_curves(study)` is a matplotlib figure."""

from analysis.plots.figures import (
    best_and_last,
    cost_front,
    curves_by_cell,
    expected_best,
    gap_map,
    learning_curves,
    level_verdicts,
    lines_to_beat,
    onsets,
    overfitting_by_factor,
    parallel_coordinates,
    reliability,
    setting_verdicts,
)

__all__ = [
    "best_and_last",
    "cost_front",
    "curves_by_cell",
    "expected_best",
    "gap_map",
    "learning_curves",
    "level_verdicts",
    "lines_to_beat",
    "onsets",
    "overfitting_by_factor",
    "parallel_coordinates",
    "reliability",
    "setting_verdicts",
]
