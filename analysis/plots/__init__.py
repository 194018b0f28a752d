"""The report's figures from Python: `analysis.plots.learning_curves(study)` is a matplotlib figure."""

from search_spaces.extras import needed_by

with needed_by(__name__):
    from analysis.plots.figures import (
        accuracy_by_amount,
        accuracy_by_text,
        accuracy_map,
        best_and_last,
        confusion,
        cost_front,
        curves_by_cell,
        effects,
        expected_best,
        gap_map,
        gradients,
        importance,
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
    "accuracy_by_amount",
    "accuracy_by_text",
    "accuracy_map",
    "best_and_last",
    "confusion",
    "cost_front",
    "curves_by_cell",
    "effects",
    "expected_best",
    "gap_map",
    "gradients",
    "importance",
    "learning_curves",
    "level_verdicts",
    "lines_to_beat",
    "onsets",
    "overfitting_by_factor",
    "parallel_coordinates",
    "reliability",
    "setting_verdicts",
]
