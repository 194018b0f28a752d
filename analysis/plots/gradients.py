"""Gradients through time: how much of the loss's gradient each cell carries back, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.style import FULL_WIDTH_IN, new_figure
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
    figure = new_figure(FULL_WIDTH_IN, 3.2)
    axes_of = dict(zip(MOMENTS, figure.subplots(1, len(MOMENTS), sharey=True), strict=True))
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
    axes_of["start"].set_ylabel("share of the last step's gradient")
    axes_of["start"].legend(loc="best")
    return figure
