"""Learning curves: train against validation, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from analysis.plots.style import (
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    is_narrow,
    legend_above,
    new_figure,
    plain,
    show_percent,
    show_whole_epochs,
    wrap,
)
from analysis.records.schema import run_keys
from analysis.words.labels import CELL_LABELS, color_of

_MAX_LINES = 60
"""Lines of a panel beyond which no eye tells them apart: evenly spread ones stand for the rest."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What one small multiple shows.

    Attributes:
        title: Its heading.
        cell: The cell type, which gives the colour.
        epochs: Rows of the epochs table that belong to it, all replicates.
        best_epoch: The epoch with the best objective, if any.
        onset: The epoch from which on the validation loss does not recover, if any.
    """

    title: str
    cell: str
    epochs: pd.DataFrame
    best_epoch: float | None
    onset: float | None


def draw_panels(panels: Sequence[Panel], metric: str, last_epoch: int, columns: int = 3) -> Figure:
    """Draw one panel per setting: `metric` on the training probe (dashed) and on validation (solid).

    Thin lines are single replicates, thick ones their mean; the dot marks the best epoch, the line the onset.

    Args:
        panels: What to show, in order.
        metric: `loss` or `accuracy`.
        last_epoch: The right end of the axes.
        columns: Panels in a row.
    """
    columns = min(2 if is_narrow() else columns, len(panels))
    rows = -(-len(panels) // columns)
    is_alone = len(panels) == 1
    figure = new_figure(HALF_WIDTH_IN if is_alone else FULL_WIDTH_IN, 3.2 if is_alone else 0.55 + 1.95 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, panel, metric)
        show_whole_epochs(axes, last_epoch)
        if metric == "accuracy":
            show_percent(axes)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes in grid.flat[max(len(panels) - columns, 0) : len(panels)]:  # the lowest of each column
        axes.set_xlabel("epoch")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel(metric)
    _limit(list(grid.flat), panels, metric)
    legend_above(figure, _legend(panels), 2 if is_alone else 4)
    return figure


def _draw_panel(axes: Axes, panel: Panel, metric: str) -> None:
    color = color_of(panel.cell)
    if panel.title:
        model, _, rest = panel.title.partition(", ")
        rest = wrap(rest, 25, 3) if is_narrow() else plain(rest, 40)
        axes.set_title(f"{plain(model, 30)}\n{rest}".rstrip(), fontsize=7 if is_narrow() else 8)
    mean = panel.epochs.groupby("epoch")[[f"train_{metric}", f"val_{metric}"]].mean()
    if panel.onset is not None:
        axes.axvspan(panel.onset, panel.epochs["epoch"].max() + 0.3, color=color, alpha=0.08, linewidth=0)
    replicates = list(panel.epochs.groupby("replicate"))
    if len(replicates) > 1:
        for _, rows in replicates[:12]:
            axes.plot(
                rows["epoch"], rows[f"train_{metric}"], color=color, alpha=0.3, linewidth=0.7, linestyle="--"
            )
            axes.plot(rows["epoch"], rows[f"val_{metric}"], color=color, alpha=0.3, linewidth=0.7)
    # A line through one epoch would show nothing.
    marker = "_" if len(mean) == 1 else None
    axes.plot(
        mean.index, mean[f"train_{metric}"], color=color, linestyle=(0, (4, 2)), linewidth=1.4, marker=marker
    )
    axes.plot(mean.index, mean[f"val_{metric}"], color=color, linewidth=2.0)
    if panel.best_epoch is not None and panel.best_epoch in mean.index:
        value = mean[f"val_{metric}"][panel.best_epoch]
        name = plain(panel.title, 80)
        tip = f"tip:{name}: best epoch {panel.best_epoch:.0f}, validation {metric} {value:.4f}"
        marks = axes.scatter([panel.best_epoch], [value], s=42, color=color, edgecolors="white", zorder=5)
        marks.set_urls([tip])


def _limit(grid: Sequence[Axes], panels: Sequence[Panel], metric: str) -> None:
    """Fit the axes to what most curves do: one exploding loss must not flatten the rest."""
    columns = [f"train_{metric}", f"val_{metric}"]
    values = np.concatenate([panel.epochs[columns].to_numpy().ravel() for panel in panels])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return
    upper = min(values.max(), 1.5 * float(np.quantile(values, 0.97)))
    margin = 0.06 * max(upper - values.min(), 0.02)
    grid[0].set_ylim(values.min() - margin, upper + margin)


def _legend(panels: Sequence[Panel]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=INK, linewidth=2.0, label="validation"),
        Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=1.4, label="train"),
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=6, label="best epoch"),
    ]
    if any(panel.onset is not None for panel in panels):
        handles.append(Line2D([], [], color=MUTED, linewidth=7, alpha=0.25, label="after the onset"))
    return handles


def draw_by_cell(epochs: pd.DataFrame, best_trials: dict[str, int], last_epoch: int) -> Figure:
    """Draw all curves by cell type, loss above and accuracy below, the best setting of each in front.

    Args:
        epochs: The epochs table with the columns `cell` and `state`.
        best_trials: The trial with the best objective by cell, in the order of the columns.
        last_epoch: The right end of the axes.
    """
    cells = list(best_trials)
    if is_narrow():
        figure = new_figure(FULL_WIDTH_IN, 0.9 + 1.6 * len(cells))
        grid = figure.subplots(len(cells), 2, sharex=True, sharey="col", squeeze=False).T
    else:
        figure = new_figure(FULL_WIDTH_IN, 4.6)
        grid = figure.subplots(2, len(cells), sharex=True, sharey="row", squeeze=False)
    for column, cell in zip(grid.T, cells, strict=True):
        rows = epochs[epochs["cell"] == cell]
        for axes, metric in zip(column, ("loss", "accuracy"), strict=True):
            _draw_bundle(axes, rows, metric, color_of(cell))
            best = rows[(rows["trial"] == best_trials[cell]) & (rows["state"] == "completed")]
            panel = Panel(title="", cell=cell, epochs=best, best_epoch=None, onset=None)
            _draw_panel(axes, panel, metric)
            show_whole_epochs(axes, last_epoch)
        _name_column(column, plain(CELL_LABELS.get(cell, cell)), color_of(cell))
        show_percent(column[1])
    _name_axes(grid)
    for row, metric in zip(grid, ("loss", "accuracy"), strict=True):
        whole = Panel(title="", cell="", epochs=epochs, best_epoch=None, onset=None)
        _limit(row, [whole], metric)
    handles = [
        Line2D([], [], color=INK, linewidth=2.0, label="validation, best setting of the cell"),
        Line2D([], [], color=INK, linestyle=(0, (4, 2)), linewidth=1.4, label="train, the same setting"),
        Line2D([], [], color=MUTED, linewidth=0.8, alpha=0.7, label="validation, other settings"),
    ]
    legend_above(figure, handles, 3, 1)
    return figure


def _name_column(column: NDArray[Any], name: str, color: str) -> None:
    """Name a cell's two panels, which lie side by side where the page is narrow."""
    column[0].set_title(name, color=color)
    if is_narrow():
        column[1].set_title(" ")  # keeps the two level


def _name_axes(grid: NDArray[Any]) -> None:
    """Name the axes of panels given as (loss and accuracy, cells)."""
    bottom = grid[:, -1] if is_narrow() else grid[1]
    for axes in bottom:
        axes.set_xlabel("epoch")
    for row, metric in zip(grid, ("loss", "accuracy"), strict=True):
        for axes in row if is_narrow() else row[:1]:
            axes.set_ylabel(metric)


def _draw_bundle(axes: Axes, rows: pd.DataFrame, metric: str, color: str) -> None:
    # Sorted as a whole and cut where a run ends: a table a run would take most of the drawing.
    rows = rows.sort_values([*run_keys(rows), "epoch"], kind="stable")
    run = rows.groupby(run_keys(rows)).ngroup().to_numpy()
    ends = np.flatnonzero(np.diff(run)) + 1
    lines = np.split(rows[["epoch", f"val_{metric}"]].to_numpy(dtype=float), ends)
    step = max(1, -(-len(lines) // _MAX_LINES))
    axes.add_collection(LineCollection(lines[::step], colors=color, alpha=0.25, linewidths=0.7))
