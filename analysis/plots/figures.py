"""Every figure of the report, from a study, its directory or what was gathered of it: compute, then draw.

Each returns a matplotlib figure that belongs to no window; save it with `figure.savefig(...)`. Where a study
holds nothing to show, the figure says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from analysis.arguments import COUNT, TEXT, one_of, takes
from analysis.errors import AnalysisError
from analysis.plots.amounts import draw_by_amount
from analysis.plots.baselines import draw_lines_to_beat
from analysis.plots.calibration import draw_reliability
from analysis.plots.curves import draw_by_cell, draw_panels
from analysis.plots.factors import draw_importance
from analysis.plots.gradients import draw_gradients
from analysis.plots.mistakes import MAX_DRAWN, MAX_IN_HALF, draw_accuracy_by_range, draw_confusion
from analysis.plots.overfitting import draw_levels, draw_map, draw_onsets
from analysis.plots.panels import best_trial_by_cell, curve_panels
from analysis.plots.parallel import draw_parallel
from analysis.plots.ranking import draw_best_and_last
from analysis.plots.search import draw_expected_best, draw_front
from analysis.plots.style import is_narrow, say_nothing_to_show, styled
from analysis.plots.verdicts import draw_verdicts
from analysis.records.files import as_records
from analysis.records.loading import Study
from analysis.records.schema import RUN_KEY
from analysis.statistics.effects import can_hold_equal
from analysis.statistics.evidence import AnyStudy, Evidence, gather
from analysis.statistics.fronts import Cost
from analysis.statistics.mistakes import among_most_confused
from analysis.words.numbers import percent

_COST_LABELS: dict[Cost, str] = {
    "to_best_s": "seconds to the best epoch",
    "wall_s": "seconds a run",
    "n_weights": "weights",
}
_OVERFITTING = (
    ("epochs_before_onset", "epochs before the onset"),
    ("cost_accuracy", "points lost by the last epoch"),
    ("gap_last", "gap at the last epoch, points"),
)

_MEANS = {True: "mean accuracy, all else held equal", False: "mean accuracy, as tried"}


@takes(AnalysisError, metric=one_of(("loss", "accuracy")), limit=COUNT)
def learning_curves(study: AnyStudy, metric: Literal["loss", "accuracy"] = "loss", limit: int = 9) -> Figure:
    """Train against validation by epoch for the best settings, best epoch and onset marked."""
    evidence = gather(study)
    with styled():
        panels = [] if evidence.study.epochs.empty else curve_panels(evidence, limit)
        if not panels:
            return say_nothing_to_show("No epoch was recorded.")
        return draw_panels(panels, metric, _last_epoch(evidence))


def curves_by_cell(study: AnyStudy) -> Figure:
    """All validation curves by cell type, the best setting of each in front."""
    evidence = gather(study)
    leaders = best_trial_by_cell(evidence)
    with styled():
        if not leaders:
            return say_nothing_to_show("No completed run names its cell.")
        return draw_by_cell(evidence.epochs, leaders, _last_epoch(evidence))


def gradients(study: AnyStudy) -> Figure:
    """The loss's gradient by step back in time and cell, before and after training, where it was recorded."""
    reach = gather(study).gradient_reach
    with styled():
        if reach.empty:
            return say_nothing_to_show("No gradients were recorded; ask for them with training.gradients.")
        return draw_gradients(reach)


def _last_epoch(evidence: Evidence) -> int:
    return int(evidence.study.epochs["epoch"].max())


@takes(AnalysisError, limit=COUNT)
def best_and_last(study: AnyStudy, limit: int = 15) -> Figure:
    """Objective of the best settings at their best and at their last epoch."""
    evidence = gather(study)
    with styled():
        if evidence.ranking.empty:
            return say_nothing_to_show("No run completed.")
        metric = evidence.facts.objective
        # The margin is the accuracy's.
        margin = evidence.half_width if metric == "val_accuracy" else float("nan")
        return draw_best_and_last(evidence.ranking.head(limit), margin, metric)


@takes(AnalysisError, limit=COUNT)
def onsets(study: AnyStudy, limit: int = 15) -> Figure:
    """The epoch after which each replicate's validation loss never recovers, best settings first."""
    evidence = gather(study)
    with styled():
        if evidence.ranking.empty:
            return say_nothing_to_show("No run completed.")
        completed = evidence.completed.drop(columns=["best_epoch"])
        runs = evidence.overfitting.merge(completed, on=list(RUN_KEY))
        return draw_onsets(runs, evidence.ranking["label"].head(limit).tolist(), _last_epoch(evidence))


def overfitting_by_factor(study: AnyStudy) -> Figure:
    """How soon and how much models overfit at each level of each factor."""
    evidence = gather(study)
    with styled():
        if not evidence.factors:
            return say_nothing_to_show("Nothing was varied among completed runs.")
        # Without any onset, the epochs before it are those that were run.
        shown = _OVERFITTING if evidence.has_onsets else _OVERFITTING[1:]
        return draw_levels(evidence.overfitting_by_factor, shown)


@takes(AnalysisError, down=TEXT, across=TEXT)
def gap_map(study: AnyStudy, down: str, across: str) -> Figure:
    """Train minus validation accuracy at the last epoch over two factors.

    Raises:
        AnalysisError: If one is no parameter of the study.
    """
    evidence = gather(study)
    _check_parameters(evidence.study, (down, across))
    return _draw_map(evidence.map_gap(down, across), down, across)


@takes(AnalysisError, down=TEXT, across=TEXT)
def accuracy_map(study: AnyStudy, down: str, across: str) -> Figure:
    """Validation accuracy at the best epoch over two factors.

    Raises:
        AnalysisError: If one is no parameter of the study.
    """
    evidence = gather(study)
    _check_parameters(evidence.study, (down, across))
    return _draw_map(evidence.map_accuracy(down, across), down, across)


def _check_parameters(study: Study, names: Iterable[str]) -> None:
    for name in names:
        if name not in study.parameters:
            known = ", ".join(study.parameters)
            raise AnalysisError(f"a map is over two parameters, and {name!r} is none: choose from {known}")


def _draw_map(table: pd.DataFrame, down: str, across: str) -> Figure:
    with styled():
        if table.empty:
            return say_nothing_to_show("No completed run has both.")
        return draw_map(table, down, across)


def effects(study: AnyStudy) -> Figure:
    """Accuracy at each level of each factor: means with all else held equal, and the best of equally many."""
    table = gather(study).effects
    with styled():
        if table.empty:
            return say_nothing_to_show("Nothing was varied among completed runs.")
        means = ("mean", _MEANS[can_hold_equal(table)])
        best = ("best_of_equal", "expected best of equally many settings")
        return draw_levels(_long_effects(table), (means, best))


def _long_effects(table: pd.DataFrame) -> pd.DataFrame:
    """One row per level and statistic; where all else cannot be held equal everywhere, means are as tried."""
    columns = ["factor", "level", "n_settings"]
    names = (
        ("adjusted", "adjusted_low", "adjusted_high") if can_hold_equal(table) else ("mean", "low", "high")
    )
    means = table[columns].assign(
        statistic="mean", mean=table[names[0]], low=table[names[1]], high=table[names[2]]
    )
    spread = table["best_of_equal_sd"].where(table["best_of_equal_sd"] > 0)
    best = table[columns].assign(
        statistic="best_of_equal",
        mean=table["best_of_equal"],
        low=table["best_of_equal"] - spread,
        high=table["best_of_equal"] + spread,
    )
    return pd.concat([means, best], ignore_index=True)


def reliability(study: AnyStudy) -> Figure:
    """Accuracy against confidence for the best run of each cell whose predictions were kept."""
    table = gather(study).reliability
    with styled():
        if table.empty:
            return say_nothing_to_show("No predictions of completed runs were kept.")
        groups = table.groupby(["label", "cell"], sort=False)
        return draw_reliability([(str(label), str(cell), curve) for (label, cell), curve in groups])


def confusion(study: AnyStudy) -> Figure:
    """What the texts of each class are taken for by the best setting; of many classes, the most confused."""
    evidence = gather(study)
    with styled():
        if evidence.confusion.empty:
            return say_nothing_to_show("No predictions of the best setting were kept.")
        most = MAX_IN_HALF if is_narrow() else MAX_DRAWN
        return draw_confusion(among_most_confused(evidence.confusion, most), evidence.facts.classes)


def accuracy_by_text(study: AnyStudy) -> Figure:
    """Accuracy of the best setting by the length of texts and by their share of unknown words."""
    evidence = gather(study)
    with styled():
        if evidence.judgements is None or evidence.accuracy_by_text.empty:
            return say_nothing_to_show("The records hold no lengths of texts.")
        table = evidence.accuracy_by_text.assign(name=_name_ranges(evidence.accuracy_by_text))
        groups = [(title, table[table["by"] == by]) for by, title in _BY_TEXT if by in set(table["by"])]
        return draw_accuracy_by_range(groups, float(evidence.judgements.share_right.mean()))


_BY_TEXT = (("tokens", "tokens in the text"), ("unknown", "unknown among those seen"))


def _name_ranges(table: pd.DataFrame) -> list[str]:
    """Ranges by their ends: `8 to 12`, `0% to 3%`."""
    names = []
    for row in as_records(table):
        ends = [
            percent(row[end], 0) if row["by"] == "unknown" else f"{row[end]:,.0f}" for end in ("from", "to")
        ]
        names.append(" to ".join(dict.fromkeys(ends)))
    return names


@takes(AnalysisError, limit=COUNT)
def accuracy_by_amount(study: AnyStudy, limit: int = 6) -> Figure:
    """Accuracy by amount of training text: the best settings, and the lines to beat on the same texts."""
    evidence = gather(study)
    curves = evidence.by_amount
    with styled():
        if curves["train_size"].nunique() < 2:
            return say_nothing_to_show("The study tried no several amounts of training text.")
        ends = curves.sort_values("train_size").drop_duplicates("curve", keep="last")
        shown = set(ends.nlargest(limit, "accuracy")["curve"])
        fitted = evidence.study.lines_by_amount
        lines = fitted.groupby(["name", "train_size"])["val_accuracy"].mean().rename("accuracy").reset_index()
        more = evidence.more_text
        return draw_by_amount(
            curves[curves["curve"].isin(shown)],
            lines,
            more[more["curve"].isin(shown)],
        )


def expected_best(study: AnyStudy) -> Figure:
    """Expected best objective against trials and compute, one curve per cell."""
    evidence = gather(study)
    table = evidence.expected_best
    with styled():
        if table.empty:
            return say_nothing_to_show("No trial has a score.")
        return draw_expected_best(table, evidence.facts.objective)


@takes(AnalysisError, cost=one_of(_COST_LABELS))
def cost_front(study: AnyStudy, cost: Cost = "to_best_s") -> Figure:
    """Accuracy of each setting against its cost, and those that nothing cheaper beats."""
    evidence = gather(study)
    with styled():
        table = pd.DataFrame() if evidence.ranking.empty else evidence.fronts[cost]
        if table.empty:
            return say_nothing_to_show("No completed run has a score and a cost.")
        return draw_front(table, _COST_LABELS[cost])


def parallel_coordinates(study: AnyStudy) -> Figure:
    """Every completed run as a line through its parameters, the best tenth in front."""
    evidence = gather(study)
    with styled():
        if evidence.completed.empty or not evidence.factors:
            return say_nothing_to_show("Nothing was varied among completed runs.")
        ordered = evidence.completed.sort_values(
            "score", ascending=not evidence.facts.maximizes, kind="stable"
        )
        return draw_parallel(ordered, evidence.factors, evidence.facts.objective)


def importance(study: AnyStudy) -> Figure:
    """How much each parameter mattered, by fANOVA and PED-ANOVA, with its uncertainty."""
    table = gather(study).importance
    with styled():
        if table.empty:
            return say_nothing_to_show("Too few completed settings, or Optuna is not installed.")
        return draw_importance(table)


def lines_to_beat(study: AnyStudy) -> Figure:
    """The best of each cell next to simple models, and to published ones where there are some."""
    rows = gather(study).lines_to_beat
    with styled():
        if rows.empty:
            return say_nothing_to_show("No run completed and no baseline was fitted.")
        return draw_lines_to_beat(rows)


@takes(AnalysisError, limit=COUNT)
def level_verdicts(study: AnyStudy, limit: int = 24) -> Figure:
    """Differences between levels of factors, with their verdicts."""
    return _draw_verdicts(gather(study).named_level_verdicts, limit)


@takes(AnalysisError, limit=COUNT)
def setting_verdicts(study: AnyStudy, limit: int = 24) -> Figure:
    """Differences between the best setting and the next ones, with their verdicts."""
    return _draw_verdicts(gather(study).named_setting_verdicts, limit)


def _draw_verdicts(table: pd.DataFrame, limit: int) -> Figure:
    known = table[table["effect_pp"].notna()]
    with styled():
        if known.empty:
            return say_nothing_to_show("Too few completed runs to compare.")
        shown = known.sort_values("p_value", kind="stable").head(limit)
        return draw_verdicts(shown.sort_index())
