"""Every figure of the report, from a study: compute, then draw.

Each returns a matplotlib figure that belongs to no window; save it with `figure.savefig(...)`. Where a study
holds nothing to show, the figure says so.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from analysis.calibration import reliability_curve
from analysis.errors import AnalysisError
from analysis.evidence import Evidence, gather
from analysis.fronts import Cost
from analysis.loading import Study
from analysis.plots.baselines import draw_lines_to_beat
from analysis.plots.calibration import draw_reliability
from analysis.plots.curves import draw_by_cell, draw_panels
from analysis.plots.overfitting import draw_levels, draw_map, draw_onsets
from analysis.plots.panels import best_trial_by_cell, curve_panels
from analysis.plots.ranking import draw_best_and_last
from analysis.plots.search import draw_expected_best, draw_front, draw_parallel
from analysis.plots.style import say_nothing_to_show, styled
from analysis.plots.verdicts import draw_verdicts
from analysis.tables import as_records
from analysis.wording import MINUS

_COST_LABELS: dict[Cost, str] = {"wall_s": "seconds a run", "n_weights": "weights"}
_OVERFITTING = (
    ("epochs_before_onset", "epochs before the onset"),
    ("cost_accuracy", "accuracy lost by the last epoch"),
    ("gap_last", f"train {MINUS} validation, last epoch"),
)


def learning_curves(study: Study, metric: Literal["loss", "accuracy"] = "loss", limit: int = 9) -> Figure:
    """Train against validation by epoch for the best settings, best epoch and onset marked."""
    with styled():
        panels = [] if study.epochs.empty else curve_panels(gather(study), limit)
        if not panels:
            return say_nothing_to_show("No epoch was recorded.")
        return draw_panels(panels, metric, _last_epoch(study))


def curves_by_cell(study: Study) -> Figure:
    """All validation curves by cell type, the best setting of each in front."""
    evidence = gather(study)
    leaders = best_trial_by_cell(evidence)
    with styled():
        if not leaders:
            return say_nothing_to_show("No completed run names its cell.")
        return draw_by_cell(evidence.epochs, leaders, _last_epoch(study))


def _last_epoch(study: Study) -> int:
    return int(study.epochs["epoch"].max())


def best_and_last(study: Study, limit: int = 15) -> Figure:
    """Accuracy of the best settings at their best and at their last epoch."""
    evidence = gather(study)
    with styled():
        if evidence.ranking.empty:
            return say_nothing_to_show("No run completed.")
        return draw_best_and_last(evidence.ranking.head(limit), evidence.half_width)


def onsets(study: Study, limit: int = 15) -> Figure:
    """The epoch after which each replicate's validation loss never recovers, best settings first."""
    evidence = gather(study)
    with styled():
        if evidence.ranking.empty:
            return say_nothing_to_show("No run completed.")
        completed = evidence.completed.drop(columns=["best_epoch"])
        runs = evidence.overfitting.merge(completed, on=["trial", "replicate"])
        return draw_onsets(runs, evidence.ranking["label"].head(limit).tolist(), _last_epoch(study))


def overfitting_by_factor(study: Study) -> Figure:
    """How soon and how much models overfit at each level of each factor."""
    evidence = gather(study)
    with styled():
        if not evidence.factors:
            return say_nothing_to_show("Nothing was varied among completed runs.")
        return draw_levels(evidence.overfitting_by_factor, _OVERFITTING)


def gap_map(study: Study, down: str, across: str) -> Figure:
    """Train minus validation accuracy at the last epoch over two factors.

    Raises:
        AnalysisError: If one is no parameter of the study.
    """
    for name in (down, across):
        if name not in study.parameters:
            known = ", ".join(study.parameters)
            raise AnalysisError(f"a map is over two parameters, and {name!r} is none: choose from {known}")
    table = gather(study).gap_map(down, across)
    with styled():
        if table.empty:
            return say_nothing_to_show("No completed run has both.")
        return draw_map(table, "gap_last")


def reliability(study: Study) -> Figure:
    """Accuracy against confidence for the best run of each cell whose predictions were kept."""
    with styled():
        curves = _reliability_curves(gather(study))
        if not curves:
            return say_nothing_to_show("No predictions of completed runs were kept.")
        return draw_reliability(curves)


def _reliability_curves(evidence: Evidence) -> list[tuple[str, str, pd.DataFrame]]:
    table, labels = evidence.calibration, evidence.study.labels
    if table.empty or labels is None:
        return []
    leaders = table.drop_duplicates("cell") if "cell" in table else table.head(1)
    return [
        (
            str(row["label"]),
            str(row.get("cell", "")),
            reliability_curve(evidence.study.predictions[row["trial"], row["replicate"]], labels),
        )
        for row in as_records(leaders)
    ]


def expected_best(study: Study) -> Figure:
    """Expected best objective against trials and compute, one curve per cell."""
    table = gather(study).expected_best
    with styled():
        if table.empty:
            return say_nothing_to_show("No trial has a score.")
        return draw_expected_best(table, study.facts.maximizes)


def cost_front(study: Study, cost: Cost = "wall_s") -> Figure:
    """Accuracy of each setting against its cost, and those that nothing cheaper beats."""
    evidence = gather(study)
    with styled():
        table = pd.DataFrame() if evidence.ranking.empty else evidence.front(cost)
        if table.empty:
            return say_nothing_to_show("No completed run has a score and a cost.")
        return draw_front(table, _COST_LABELS[cost])


def parallel_coordinates(study: Study) -> Figure:
    """Every completed run as a line through its parameters, the best tenth in front."""
    evidence = gather(study)
    with styled():
        if evidence.completed.empty or not evidence.factors:
            return say_nothing_to_show("Nothing was varied among completed runs.")
        ordered = evidence.completed.sort_values("score", ascending=not study.facts.maximizes, kind="stable")
        return draw_parallel(ordered, evidence.factors, study.facts.objective)


def lines_to_beat(study: Study) -> Figure:
    """The best of each cell next to simple models, and to published ones where there are some."""
    rows = gather(study).lines_to_beat
    with styled():
        if rows.empty:
            return say_nothing_to_show("No run completed and no baseline was fitted.")
        return draw_lines_to_beat(rows)


def level_verdicts(study: Study, limit: int = 24) -> Figure:
    """Differences between levels of factors, with their verdicts."""
    return _draw_verdicts(gather(study).named_level_verdicts, limit)


def setting_verdicts(study: Study, limit: int = 24) -> Figure:
    """Differences between the best setting and the next ones, with their verdicts."""
    return _draw_verdicts(gather(study).named_setting_verdicts, limit)


def _draw_verdicts(table: pd.DataFrame, limit: int) -> Figure:
    known = table[table["effect_pp"].notna()]
    with styled():
        if known.empty:
            return say_nothing_to_show("Too few completed runs to compare.")
        shown = known.sort_values("p_value", kind="stable").head(limit)
        return draw_verdicts(shown.sort_index())
