"""When models begin to overfit, how much, and what it costs."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from analysis.plots import figures
from analysis.plots.curves import Panel
from analysis.plots.panels import best_trial_by_cell, curve_panels
from analysis.records.files import as_records
from analysis.records.schema import RUN_KEY
from analysis.report.chapters.calibration import calibration_blocks
from analysis.report.chapters.onset_times import onset_grids, read_censored
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.overfitting import ACCURACY_TOLERANCE, LOSS_TOLERANCE
from analysis.words.labels import label_factor, label_level, label_value
from analysis.words.numbers import (
    NONE,
    count,
    count_of,
    epoch_range,
    listing,
    number,
    numbers,
    percent,
    points,
)

_PANELS = 6
_ONSETS = 15
_ROWS = 10


def overfitting_chapter(evidence: Evidence) -> Section:
    """Learning curves, onsets, gaps and costs."""
    blocks: list[Block] = []
    if evidence.study.epochs.empty:
        blocks.append(Note(text="No epoch was recorded, so there are no learning curves.", tone="warning"))
    else:
        if evidence.facts.max_epochs < 3:
            text = (
                "Three epochs are the least in which a lasting rise of the validation loss can be seen: "
                "no onset can be told."
            )
            blocks.append(Note(text=text, tone="warning"))
        blocks.extend(_curve_charts(evidence))
        blocks.extend(_onset_blocks(evidence))
        blocks.extend(_factor_blocks(evidence))
        blocks.extend(_map_blocks(evidence))
        blocks.extend(calibration_blocks(evidence))
    return Section(
        anchor="overfitting",
        title="Overfitting",
        lead="The onset is the last epoch at which the validation loss was within "
        f"{LOSS_TOLERANCE:.0%} of its minimum, where it then rose for good; one noisy epoch counts for "
        "nothing, and curves that jitter more are allowed more. Accuracy overfits where it falls for good by "
        f"more than {points(ACCURACY_TOLERANCE)}. "
        f"Both sides are measured on the same weights, dropout off.{_say_whose(evidence)}",
        blocks=blocks,
    )


def _say_whose(evidence: Evidence) -> str:
    """Where settings were confirmed, that these runs are left out."""
    left_out = " All of it is of the search; runs of the confirmation are of settings that it chose."
    return left_out if evidence.of_search else ""


def _curve_charts(evidence: Evidence) -> list[Block]:
    panels = curve_panels(evidence, _PANELS)
    charts: list[Block] = []
    metrics: tuple[Literal["loss"], Literal["accuracy"]] = ("loss", "accuracy")
    for metric in metrics:
        if evidence.study.epochs[[f"train_{metric}", f"val_{metric}"]].isna().all(axis=None):
            continue
        charts.append(
            Chart(
                name=f"curves-{metric}",
                title=f"Learning curves: {metric}" + (" of the best settings" if len(panels) > 1 else ""),
                draw=partial(figures.learning_curves, evidence, metric, _PANELS),
                reading=_read_panels(panels, metric),
                alt=f"{metric.capitalize()} by epoch, train against validation, "
                f"{count(len(panels), 'setting')}.",
                table="epochs",
                wide=len(panels) > 1,
            )
        )
    if len(best_trial_by_cell(evidence)) > 1 and evidence.completed["val_accuracy"].notna().any():
        charts.append(
            Chart(
                name="curves-by-cell",
                title="All learning curves, by cell",
                draw=partial(figures.curves_by_cell, evidence),
                reading=_read_cells(evidence),
                alt="Validation curves of all runs by cell type, the best setting of each in front.",
                table="epochs",
            )
        )
    return charts


def _read_panels(panels: list[Panel], metric: str) -> str:
    best = [panel.best_epoch for panel in panels if panel.best_epoch is not None]
    gaps = []
    for panel in panels:
        last = panel.epochs[panel.epochs["epoch"] == panel.epochs["epoch"].max()]
        gaps.append(float((last[f"train_{metric}"] - last[f"val_{metric}"]).mean()))
    gap = float(np.nanmean(gaps)) if np.isfinite(gaps).any() else float("nan")
    if not best or (np.isnan(gap) and metric != "loss"):
        return "The curves hold too few finite values to be read."
    turn = f"{'The best epoch is' if len(panels) == 1 else 'The best settings peak at'} {epoch_range(best)}"
    average = "" if len(panels) == 1 else " on average"
    if np.isnan(gap):
        return f"{turn}; of the gap between training and validation loss nothing is known."
    if metric == "loss":
        side = "below" if gap < 0 else "above"
        return (
            f"{turn}; at the last epoch the training loss lies {number(abs(gap))} {side} validation{average}."
        )
    side = "above" if gap > 0 else "below"
    return f"At the last epoch training accuracy lies {points(abs(gap))} {side} validation{average}."


def _read_cells(evidence: Evidence) -> str:
    completed = evidence.completed
    best = completed.groupby("cell")["val_accuracy"].agg(["max", "median", "size"])
    parts = [
        f"{label_value('cell', row['cell'])} {percent(row['max'])} (median {percent(row['median'])}, "
        f"{count(row['size'], 'run')})"
        for row in as_records(best.reset_index())
    ]
    return f"Best single run by cell: {'; '.join(parts)}."


def _onset_blocks(evidence: Evidence) -> list[Block]:
    table = onset_table(evidence)
    if table.empty:
        return [Note(text="No run completed, so no onset can be compared between settings.", tone="warning")]
    reading = read_onsets(evidence)
    chart = Chart(
        name="onset",
        title="Epoch after which the validation loss never recovers",
        draw=partial(figures.onsets, evidence, _ONSETS),
        reading=reading,
        alt=f"Onset of overfitting by setting. {reading}",
        table="overfitting-by-replicate",
    )
    return [
        chart if evidence.has_onsets else Note(text=reading),
        Grid(name="overfitting", title="Overfitting by setting", frame=table, shown=_show(table)),
        *onset_grids(evidence),
        *_noise_notes(evidence),
    ]


def _noise_notes(evidence: Evidence) -> list[Block]:
    noise = evidence.noise.merge(evidence.completed[list(RUN_KEY)], on=list(RUN_KEY))
    loss, accuracy = (noise[name].dropna().median() for name in ("val_loss_noise", "val_accuracy_noise"))
    if np.isnan(loss) or np.isnan(accuracy):
        return []
    text = (
        f"From one epoch to the next, the validation loss of the median run jitters by {number(loss, 3)} and "
        f"its accuracy by {points(accuracy)}; where few epochs were run, the bend of the curve counts too."
    )
    return [Note(text=text)]


def read_onsets(evidence: Evidence) -> str:
    """When completed runs begin to overfit, in one sentence."""
    ends = evidence.completed[[*RUN_KEY, "val_loss_last"]]
    runs = evidence.overfitting.merge(ends, on=list(RUN_KEY))
    known = runs[runs["loss_overfits"].notna()]
    if known.empty:
        return "No completed run has the three epochs from which an onset can be told."
    onsets = known["onset_epoch"].dropna().astype(int)
    if onsets.empty:
        return _read_no_onset(known, evidence.of_search)
    low, middle, high = np.quantile(onsets, [0.1, 0.5, 0.9])
    spread = f", in most between {low:.0f} and {high:.0f}" if high > low else ""
    if len(known) == 1:
        return f"The one completed run{evidence.of_search} begins to overfit after epoch {middle:.0f}."
    verbs = (f"{evidence.of_search} begins".strip(), f"{evidence.of_search} begin".strip())
    of_all = count_of(len(onsets), len(known), "completed run", verbs)
    median = "" if len(onsets) == 1 else " (median)"
    text = f"{of_all} to overfit after epoch {middle:.0f}{median}{spread}."
    return f"{text}{read_censored(evidence, known)}"


def _read_no_onset(runs: pd.DataFrame, of_search: str) -> str:
    """No onset: because the loss does not rise, or because it rose too late to call it one."""
    lowest = runs["val_loss_last"] - runs["cost_loss"]
    raised = int((runs["cost_loss"] > LOSS_TOLERANCE * lowest).sum())
    late = "but in too few epochs to call it an onset: one epoch alone proves nothing"
    if len(runs) == 1:
        return (
            f"The validation loss of the one completed run{of_search} ends above its minimum, {late}."
            if raised
            else f"The validation loss of the one completed run{of_search} does not rise for good in the "
            "epochs run."
        )
    text = (
        f"None of {count(len(runs), 'completed run')}{of_search} shows an onset of overfitting in the "
        "epochs run"
    )
    return (
        f"{text}; in {raised} the validation loss ends above its minimum, {late}." if raised else f"{text}."
    )


def onset_table(evidence: Evidence) -> pd.DataFrame:
    """One row per ranked setting: onset, gaps and costs, means over the replicates that rank it."""
    if evidence.ranking.empty:
        return pd.DataFrame()
    long = evidence.overfitting_by_setting
    wide = long.pivot(index="setting", columns="statistic", values=["mean", "low", "high"])
    # The mean keeps the statistic's own name.
    wide.columns = wide.columns.map(lambda pair: f"{pair[1]}_{pair[0]}".removesuffix("_mean"))
    front = evidence.ranking[["rank", "setting", "label", "n_completed", "best_epoch"]]
    return front.join(wide, on="setting")


def _show(table: pd.DataFrame) -> pd.DataFrame:
    rows = as_records(table.head(_ROWS))
    return pd.DataFrame(
        {
            "#": [f"{row['rank']}" for row in rows],
            "setting": [row["label"] for row in rows],
            "overfit": [_share(row["loss_overfits"], row["n_completed"]) for row in rows],
            "onset after epoch": numbers((row["onset_epoch"] for row in rows), 1),
            "best epoch": numbers((row["best_epoch"] for row in rows), 1),
            "accuracy falls": [_share(row["accuracy_overfits"], row["n_completed"]) for row in rows],
            "gap at best, points": [number(100 * row["gap_best"], 1) for row in rows],
            "at last": [number(100 * row["gap_last"], 1) for row in rows],
            "accuracy lost": [number(100 * row["cost_accuracy"], 1) for row in rows],
            "loss gained": [number(row["cost_loss"], 3) for row in rows],
        }
    )


def _share(share: float, n: int) -> str:
    return NONE if np.isnan(share) else f"{round(share * n)} of {n}"


def _factor_blocks(evidence: Evidence) -> list[Block]:
    if not evidence.factors:
        return []
    reading = read_factor_onsets(evidence)
    return [
        Chart(
            name="overfitting-by-factor",
            title="Who overfits sooner, and more",
            draw=partial(figures.overfitting_by_factor, evidence),
            reading=reading,
            alt=f"Mean and 95% interval over settings for each level of each factor. {reading}",
            table="overfitting-by-factor",
        )
    ]


def read_factor_onsets(evidence: Evidence) -> str:
    """The factor whose levels differ most in the epochs before onset."""
    rows = evidence.overfitting_by_factor
    rows = rows[rows["statistic"] == "epochs_before_onset"].dropna(subset="mean")
    spans = rows.groupby("factor")["mean"].agg(lambda means: means.max() - means.min())
    if spans.empty or spans.max() <= 0:
        return "How soon models overfit shows no difference by factor, or there are too few settings to tell."
    factor = str(spans.idxmax())
    own = rows[rows["factor"] == factor]
    ordered = as_records(own.sort_values("mean"))
    first, last = ordered[0], ordered[-1]
    if pd.isna(first["low"]) or pd.isna(last["low"]):
        apart = "from too few settings for an interval"
    elif first["high"] < last["low"]:
        apart = "and the intervals do not overlap"
    else:
        apart = "but the intervals overlap"
    early, late = (
        "" if pd.isna(row["low"]) else f" ({number(row['low'], 1)} to {number(row['high'], 1)})"
        for row in (first, last)
    )
    return (
        f"Models with {label_level(factor, first['level'])} go {number(first['mean'], 1)} epochs before they "
        f"overfit{early}, those with {label_value(factor, last['level'])} {number(last['mean'], 1)}{late}: "
        f"the largest difference by factor, {apart}. Other factors are averaged over as they were tried"
        f"{say_confounded(evidence, factor)}."
    )


def say_confounded(evidence: Evidence, factor: str) -> str:
    """Name what a factor's levels cannot be told apart from; nothing where they can."""
    table = evidence.level_verdicts
    own = table[(table["factor"] == factor) & (table["answer"] == "cannot be told apart")]
    names = sorted(set(own["confounded"].dropna().astype(str)) - {""})
    return f", and {label_factor(factor)} cannot be told apart from {listing(names, 3)}" if names else ""


def _map_blocks(evidence: Evidence) -> list[Block]:
    pair = widest_pair(evidence)
    if pair is None:
        return []
    down, across = pair
    table = evidence.map_gap(down, across)
    if table.empty:
        return []
    reading = _read_map(table, down, across)
    return [
        Chart(
            name="gap-map",
            title=f"Gap at the last epoch by {label_factor(down)} and {label_factor(across)}",
            draw=partial(figures.gap_map, evidence, down, across),
            reading=reading,
            alt=f"Map of train minus validation accuracy, in points. {reading}",
            table="gap-map",
            wide=False,
        )
    ]


def widest_pair(evidence: Evidence) -> tuple[str, str] | None:
    """The two factors by whose levels the gap at the last epoch differs most."""
    if len(evidence.factors) < 2:
        return None
    rows = evidence.overfitting_by_factor
    rows = rows[rows["statistic"] == "gap_last"]
    spans = rows.groupby("factor")["mean"].agg(lambda means: means.max() - means.min()).dropna()
    chosen = spans.sort_values(ascending=False, kind="stable").index[:2].tolist()
    return (str(chosen[0]), str(chosen[1])) if len(chosen) == 2 else None


def _read_map(table: pd.DataFrame, down: str, across: str) -> str:
    ordered = as_records(table.sort_values("mean"))
    low, high = ordered[0], ordered[-1]
    if points(low["mean"]) == points(high["mean"]):
        return f"Mean of train minus validation accuracy over settings: {points(low['mean'])} everywhere."
    return (
        f"Mean of train minus validation accuracy over settings: from {points(low['mean'])} "
        f"({label_value(down, low['row'])}, {label_value(across, low['column'])}) to {points(high['mean'])} "
        f"({label_value(down, high['row'])}, {label_value(across, high['column'])})."
    )
