"""When and how much models overfit: by setting, by factor, by pairs of factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.rows import new_rows
from analysis.plots.style import (
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    is_narrow,
    keep_apart,
    legend_above,
    new_axes,
    new_figure,
    plain,
    show_percent,
    show_points,
    show_whole,
    show_whole_epochs,
)
from analysis.records.files import as_records
from analysis.words.labels import color_of, label_factor, label_level, label_value
from analysis.words.numbers import count, number, percent, points

_REPLICATES = 9
Tick = tuple[float, str, bool]
"""Height and text of a name, and whether it is a factor's."""

_SHARES, _DIFFERENCES = ("mean", "best_of_equal"), ("gap_last", "cost_accuracy")
_LEAST = {**dict.fromkeys((*_SHARES, *_DIFFERENCES), 0.02), "epochs_before_onset": 2.0}
"""What an axis spans at least: equal values would have ticks that differ in their last digit."""


def draw_onsets(runs: pd.DataFrame, labels: Sequence[str], last_epoch: int) -> Figure:
    """Draw the onset of each replicate, one line per setting; a run that never overfits ends in an arrow.

    Args:
        runs: `label, cell, onset_epoch, best_loss_epoch, n_epochs, loss_overfits`, one row per replicate.
        labels: The settings to show, from top to bottom.
        last_epoch: The right end of the axis.
    """
    figure, axes, places = new_rows(labels)
    shown = pd.concat([_spread(runs[runs["label"] == label]) for label in labels])
    place = shown["label"].map(dict(zip(labels, places.tolist(), strict=True)))
    shown = shown.assign(place=place + shown["shift"], end=shown["onset_epoch"].fillna(shown["n_epochs"]))
    _draw_onset_marks(axes, shown.astype({"end": float}))
    show_whole_epochs(axes, last_epoch)
    axes.set_xlim(0.7, last_epoch + 0.6)
    axes.set_xlabel("epoch")
    handles = [
        Line2D(
            [],
            [],
            color=INK,
            marker="o",
            linestyle="",
            markersize=5.5,
            label="onset",
        ),
        Line2D(
            [],
            [],
            color=INK,
            marker=">",
            linestyle="",
            markersize=5,
            fillstyle="none",
            label="no onset in the epochs run",
        ),
    ]
    legend_above(figure, handles, 2)
    return figure


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    """Replicates a little above one another, so that equal epochs do not hide each other."""
    rows = rows.head(_REPLICATES)
    step = 0.5 / max(len(rows), 3)
    return rows.assign(shift=(np.arange(len(rows))[::-1] - (len(rows) - 1) / 2) * step)


def _draw_onset_marks(axes: Axes, runs: pd.DataFrame) -> None:
    cells = runs["cell"] if "cell" in runs else pd.Series("", index=runs.index)
    colors = cells.map(color_of)
    axes.hlines(runs["place"], 1, runs["end"], colors=colors.tolist(), linewidth=0.9, alpha=0.4)
    names = [
        f"{plain(label, 80)}, replicate {n}"
        for label, n in zip(runs["label"], runs["replicate"], strict=True)
    ]
    tips = pd.Series(names, index=runs.index)
    ends = runs["end"].map("{:.0f}".format)
    overfit = runs["onset_epoch"].notna()
    for chosen, marker, size, faces, phrase in (
        (overfit, "o", 26, colors, ": onset at epoch " + ends),
        (~overfit, ">", 20, pd.Series("none", index=runs.index), ": no onset within " + ends + " epochs"),
    ):
        own = runs[chosen]
        marks = axes.scatter(
            own["end"],
            own["place"],
            marker=marker,
            s=size,
            facecolors=faces[chosen].tolist(),
            edgecolors=colors[chosen].tolist(),
            zorder=3,
        )
        marks.set_urls(("tip:" + tips + phrase)[chosen].tolist())


def draw_levels(table: pd.DataFrame, statistics: Sequence[tuple[str, str]]) -> Figure:
    """Draw means with intervals for each level of each factor, one column of axes per statistic.

    Args:
        table: `factor, level, statistic, mean, low, high, n_settings`.
        statistics: Names and axis labels.
    """
    rows = as_records(table.drop_duplicates(["factor", "level"])[["factor", "level"]])
    places, ticks = _place_levels(rows)
    down, across = (len(statistics), 1) if is_narrow() else (1, len(statistics))
    figure = new_figure(FULL_WIDTH_IN, (0.9 + 0.22 * len(ticks)) * down)
    grid = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    for axes, (name, title) in zip(grid, statistics, strict=True):
        _draw_column(axes, table[table["statistic"] == name], places)
        axes.set_title(title, fontsize=9, loc="right" if is_narrow() else "left")
        axes.grid(visible=False, axis="y")
        keep_apart(axes, _LEAST.get(name, 0.0))
        if name in _SHARES:
            show_percent(axes, "x")
        elif name in _DIFFERENCES:
            show_points(axes, "x")
        else:
            show_whole(axes)
    grid[0].set_ylim(-len(ticks) - 0.7, -0.3)
    for axes in grid[:down]:
        _name_levels(axes, ticks)
    return figure


def _place_levels(rows: Sequence[dict[str, Any]]) -> tuple[dict[tuple[str, str], float], list[Tick]]:
    """Heights of levels below their factor's name, and the names of both."""
    places: dict[tuple[str, str], float] = {}
    ticks: list[Tick] = []
    for index, row in enumerate(rows):
        if index == 0 or row["factor"] != rows[index - 1]["factor"]:
            ticks.append((-len(ticks) - 1.0, plain(label_factor(row["factor"]), 24), True))
        places[(row["factor"], str(row["level"]))] = -len(ticks) - 1.0
        ticks.append((-len(ticks) - 1.0, plain(label_value(row["factor"], row["level"]), 24), False))
    return places, ticks


def _name_levels(axes: Axes, ticks: Sequence[Tick]) -> None:
    axes.set_yticks([place for place, _, _ in ticks], [text for _, text, _ in ticks])
    for label, (_, _, is_factor) in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set(color=INK if is_factor else MUTED, fontweight="bold" if is_factor else "normal")


def _draw_column(axes: Axes, rows: pd.DataFrame, places: dict[tuple[str, str], float]) -> None:
    records = as_records(rows)
    heights = [places[(row["factor"], str(row["level"]))] for row in records]
    colors = [color_of(row["level"]) if row["factor"] == "cell" else MUTED for row in records]
    axes.hlines(heights, rows["low"], rows["high"], colors=colors, linewidth=1.6, alpha=0.7)
    marks = axes.scatter(rows["mean"], heights, s=28, c=colors, zorder=3)
    marks.set_urls([f"tip:{_describe(row)}" for row in records])


def _describe(row: dict[str, Any]) -> str:
    name = plain(label_level(row["factor"], row["level"]))
    say = _say_of(str(row["statistic"]))
    interval = f", {say(row['low'])} to {say(row['high'])}" if pd.notna(row["low"]) else ""
    return f"{name}: {say(row['mean'])}{interval}, {count(int(row['n_settings']), 'setting')}"


def _say_of(statistic: str) -> Callable[[float], str]:
    if statistic in _SHARES:
        return percent
    return points if statistic in _DIFFERENCES else partial(number, digits=1)


def draw_map(table: pd.DataFrame, down: str, across: str) -> Figure:
    """Draw a share over two factors as a map with its numbers, in percent.

    Args:
        table: `row, column, mean`, as `analysis.statistics.effects.cell_means` gives it.
        down: The factor of the rows.
        across: The factor of the columns.
    """
    wide = table.pivot(index="row", columns="column", values="mean").astype(float) * 100
    figure, axes = new_axes(HALF_WIDTH_IN, 0.9 + 0.42 * len(wide))
    sns.heatmap(
        wide,
        ax=axes,
        annot=True,
        fmt=".1f",
        cmap=sns.light_palette("#7A4E9E", as_cmap=True),
        linewidths=2,
        cbar=False,
        xticklabels=[_wrap(label_value(across, level)) for level in wide.columns],
        yticklabels=[_wrap(label_value(down, level)) for level in wide.index],
    )
    for text in axes.texts:
        # Not the page's own ink and paper: the map keeps its colours in the dark.
        text.set_color("#FDFDFE" if text.get_color() == "w" else "#22252E")
    axes.tick_params(rotation=0)
    axes.set_xlabel(plain(label_factor(across)))
    axes.set_ylabel(plain(label_factor(down)))
    return figure


def _wrap(text: str) -> str:
    """A range on two lines, so that neighbours do not touch."""
    return "\n".join(plain(part, 18) for part in text.replace(" to ", " to\n").split("\n"))
