"""Gradients through time: how much of the loss's gradient each cell carries back, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.style import FULL_WIDTH_IN, is_narrow, legend_above, new_figure
from analysis.records.gradients import MOMENTS
from analysis.words.labels import CELL_LABELS, CELLS, color_of

_TITLES = {"start": "before training", "end": "after the last epoch"}
_FLOOR = 1e-8
"""Shares below this are drawn at the edge: what vanished so far has vanished."""


def draw_gradients(reach: pd.DataFrame) -> Figure:
    """Draw the share of the last step's gradient by step back, before and after training.

    Args:
        reach: As `analysis.statistics.gradients.gradient_reach` gives it.
    """
    down, across = (len(MOMENTS), 1) if is_narrow() else (1, len(MOMENTS))
    figure = new_figure(FULL_WIDTH_IN, 0.4 + 2.5 * down)
    grid = figure.subplots(down, across, sharey=True, squeeze=False).ravel()
    axes_of = dict(zip(MOMENTS, grid, strict=True))
    for moment, axes in axes_of.items():
        for cell in CELLS:
            rows = reach[(reach["cell"] == cell) & (reach["moment"] == moment)].sort_values("steps_back")
            if rows.empty:
                continue
            steps, color = rows["steps_back"], color_of(cell)
            axes.fill_between(
                steps,
                rows["low"].clip(_FLOOR),
                rows["high"].clip(_FLOOR),
                color=color,
                alpha=0.14,
                linewidth=0,
            )
            axes.plot(steps, rows["share"].clip(_FLOOR), color=color, label=CELL_LABELS[cell])
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_title(_TITLES[moment])
        axes.set_xlabel("steps back in time")
    for axes in grid[:down]:
        axes.set_ylabel("share of the last step's gradient")
    handles, _ = axes_of["start"].get_legend_handles_labels()
    legend_above(figure, handles, 3, 3)
    return figure
