"""What a search found for what it spent: expected best, and the front of accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.plots.style import (
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    is_narrow,
    legend_above,
    new_axes,
    new_figure,
    plain,
    show_log,
    show_percent,
    show_whole,
)
from analysis.records.files import as_records
from analysis.values import is_missing
from analysis.words.labels import CELL_COLORS, CELL_LABELS, OTHER_COLOR, color_of
from analysis.words.metrics import is_percentage, label_metric
from analysis.words.numbers import count

_MAX_POINTS = 600


def draw_expected_best(table: pd.DataFrame, metric: str, colors: Mapping[str, str] = CELL_COLORS) -> Figure:
    """Draw the expected best score against trials (left) and against compute (right), one curve per level.

    The band is one standard deviation among subsets, drawn to half of the trials: beyond it the subsets are
    mostly the same, and the band would promise more than is known.

    Args:
        table: As `analysis.statistics.expected_best.expected_best` gives it.
        metric: What its scores are.
        colors: By level, grey for what is not in it.
    """
    down, across = (2, 1) if is_narrow() else (1, 2)
    figure = new_figure(FULL_WIDTH_IN, 3.2 if across == 2 else 5.2)
    left, right = figure.subplots(down, across, sharey=True)
    unit_s, unit = (3600.0, "hours") if table["budget_s"].max() > 7200 else (60.0, "minutes")
    for level, rows in table.groupby("level", sort=False, dropna=False):
        # Grouping makes a missing level of the one that stands for all.
        name = "all trials" if is_missing(level) else plain(CELL_LABELS.get(str(level), str(level)))
        for axes, x in ((left, rows["n"]), (right, rows["budget_s"] / unit_s)):
            color = colors.get(str(level), OTHER_COLOR)
            _draw_curve(axes, x.to_numpy(), rows, color, name)
    left.set_xlabel("trials")
    show_whole(left)
    right.set_xlabel(f"{unit} of training")
    for axes in (left, right)[:down]:
        axes.set_ylabel(f"expected best {label_metric(metric)}")
    if is_percentage(metric):
        show_percent(left)
    handles, _ = left.get_legend_handles_labels()
    legend_above(figure, handles, 4, 3)
    return figure


def _draw_curve(axes: Axes, x: NDArray[np.float64], rows: pd.DataFrame, color: str, name: str) -> None:
    mean, sd = rows["expected_best"].to_numpy(), rows["sd"].to_numpy()
    half = rows["n"].to_numpy() <= rows["n_trials"].to_numpy() / 2
    axes.fill_between(x[half], (mean - sd)[half], (mean + sd)[half], color=color, alpha=0.13, linewidth=0)
    axes.plot(x, mean, color=color, linewidth=1.8, label=name)
    marks = axes.scatter(x[-1:], mean[-1:], s=24, color=color, zorder=3)
    marks.set_urls([f"tip:{name}: {mean[-1]:.4f} after all {count(int(rows['n'].iloc[-1]), 'trial')}"])


def draw_front(table: pd.DataFrame, cost_label: str) -> Figure:
    """Draw each setting's accuracy against its cost, and the line of those that nothing cheaper beats.

    Args:
        table: As `analysis.statistics.fronts.accuracy_cost_front` gives it, with `label`.
        cost_label: What the cost is.
    """
    figure, axes = new_axes(HALF_WIDTH_IN, 3.4)
    front = table[table["on_front"]]
    rest = table[~table["on_front"]]
    rest = rest.iloc[:: max(1, -(-len(rest) // _MAX_POINTS))]
    for rows, size, alpha in ((rest, 14, 0.45), (front, 34, 1.0)):
        colors = [color_of(cell) for cell in rows["cell"]] if "cell" in rows else MUTED
        marks = axes.scatter(
            rows["cost"], rows["score"], s=size, c=colors, alpha=alpha, linewidths=0, zorder=3
        )
        marks.set_urls(
            [
                f"tip:{plain(row['label'], 80)}: {100 * row['score']:.2f}%, {cost_label} {row['cost']:,.4g}"
                for row in as_records(rows)
            ]
        )
    axes.step(front["cost"], front["score"], where="post", color=INK, linewidth=1.0, alpha=0.6)
    show_log(axes)
    axes.set_xlabel(cost_label)
    axes.set_ylabel("validation accuracy")
    show_percent(axes)
    return figure
