"""Settings in order: best epoch against last epoch."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.rows import new_rows
from analysis.plots.style import INK, legend_above, plain, show_percent
from analysis.words.labels import color_of
from analysis.words.metrics import is_percentage, label_metric


def draw_best_and_last(ranking: pd.DataFrame, half_width: float, metric: str = "val_accuracy") -> Figure:
    """Draw one line per setting from its score at the last epoch (ring) to that at the best (dot).

    Args:
        ranking: `label`, the metric, the same with `_last`, and `cell` if there is one; best first.
        half_width: The margin of the best score, for other seeds and texts; NaN if unknown.
        metric: The column that holds the scores.
    """
    labels = ranking["label"].tolist()
    figure, axes, places = new_rows(labels)
    cells = ranking["cell"] if "cell" in ranking else [""] * len(ranking)
    colors = [color_of(cell) for cell in cells]
    best, last = ranking[metric].to_numpy(), ranking[f"{metric}_last"].to_numpy()
    if not math.isnan(half_width):
        axes.axvspan(best[0] - half_width, best[0] + half_width, color=INK, alpha=0.07, linewidth=0)
    axes.hlines(places, last, best, colors=colors, linewidth=1.6, alpha=0.6)
    for values, face, name in ((last, "white", "last epoch"), (best, colors, "best epoch")):
        marks = axes.scatter(
            values, places, s=34, facecolors=face, edgecolors=colors, linewidths=1.4, zorder=3
        )
        marks.set_urls(
            [
                f"tip:{plain(label, 80)}: {name} {_say_closely(metric, value)}"
                for label, value in zip(labels, values, strict=True)
            ]
        )
    axes.set_xlabel(f"validation {label_metric(metric)}")
    if is_percentage(metric):
        show_percent(axes, "x")
    handles = [
        Line2D([], [], color=INK, marker="o", linestyle="", markersize=5.5, label="best epoch"),
        Line2D(
            [], [], color=INK, marker="o", linestyle="", markersize=5.5, fillstyle="none", label="last epoch"
        ),
    ]
    if not math.isnan(half_width):
        handles.append(Line2D([], [], color=INK, linewidth=7, alpha=0.12, label="the margin of the best"))
    legend_above(figure, handles, 3)
    return figure


def _say_closely(metric: str, value: float) -> str:
    return f"{100 * value:.2f}%" if is_percentage(metric) else f"{value:.4f}"
