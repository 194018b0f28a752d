"""Reliability: how often a model is right when it says that it is sure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.style import HALF_WIDTH_IN, MUTED, legend_above, new_axes, plain, show_percent
from analysis.records.files import as_records
from analysis.words.labels import color_of
from analysis.words.numbers import count

_MIN_TEXTS = 5


def draw_reliability(curves: Sequence[tuple[str, str, pd.DataFrame]]) -> Figure:
    """Draw accuracy against confidence; a calibrated model lies on the diagonal.

    Args:
        curves: Label, cell and `analysis.statistics.calibration.reliability_curve` of each model.
    """
    figure, axes = new_axes(HALF_WIDTH_IN, 3.4)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=":")
    lowest = 1.0
    for label, cell, curve in curves:
        rows = curve[curve["n"] >= _MIN_TEXTS]
        color = color_of(cell)
        axes.vlines(rows["confidence"], rows["low"], rows["high"], color=color, alpha=0.35, linewidth=1.2)
        axes.plot(rows["confidence"], rows["accuracy"], color=color, linewidth=1.4, label=plain(label, 40))
        marks = axes.scatter(rows["confidence"], rows["accuracy"], s=20, color=color, zorder=3)
        marks.set_urls(
            [
                f"tip:{plain(label, 60)}: says {100 * row['confidence']:.1f}%, "
                f"right {100 * row['accuracy']:.1f}% of {count(int(row['n']), 'text')}"
                for row in as_records(rows)
            ]
        )
        lowest = min([lowest, *rows["confidence"], *rows["accuracy"]])
    axes.set_xlim(lowest - 0.03, 1.01)
    axes.set_ylim(lowest - 0.03, 1.01)
    axes.set_xlabel("what the model says (confidence)")
    axes.set_ylabel("how often it is right")
    show_percent(axes)
    show_percent(axes, "x")
    handles, _ = axes.get_legend_handles_labels()
    legend_above(figure, handles, 1, 1)
    return figure
