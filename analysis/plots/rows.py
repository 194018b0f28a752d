"""Rows of marks with their names: beside the axes, and above the lines where the page is narrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import FULL_WIDTH_IN, INK, is_narrow, new_axes, plain, wrap
from analysis.statistics.intervals import Floats

_ROW_IN, _FRAME_IN = 0.27, 0.9
_NARROW_ROW_IN, _LINE_IN, _ABOVE_IN = 0.42, 0.14, 0.1
_LETTERS, _LETTERS_A_LINE = 72, 50
_SIZE = 8.0


def new_rows(
    labels: Sequence[str], colors: Sequence[str] | None = None, weights: Sequence[str] | None = None
) -> tuple[Figure, Axes, Floats]:
    """A figure with a row for each label.

    Args:
        labels: From top to bottom.
        colors: Of the labels, ink if not given.
        weights: Of their letters.

    Returns:
        The figure, its axes, and the height of each row; marks within a third of it belong to the row.
    """
    colors = colors or [INK] * len(labels)
    weights = weights or ["normal"] * len(labels)
    draw = _with_names_above if is_narrow() else _with_names_beside
    figure, axes, places = draw(labels, colors, weights)
    axes.grid(visible=False, axis="y")
    return figure, axes, places


def _with_names_beside(
    labels: Sequence[str], colors: Sequence[str], weights: Sequence[str]
) -> tuple[Figure, Axes, Floats]:
    figure, axes = new_axes(FULL_WIDTH_IN, _FRAME_IN + _ROW_IN * len(labels))
    places = np.arange(len(labels), 0, -1, dtype=float)
    axes.set_yticks(places, [plain(label, _LETTERS) for label in labels])
    for text, color, weight in zip(axes.get_yticklabels(), colors, weights, strict=True):
        text.set(color=color, fontweight=weight)
    axes.set_ylim(0.4, len(labels) + 0.6)
    return figure, axes, places


def _with_names_above(
    labels: Sequence[str], colors: Sequence[str], weights: Sequence[str]
) -> tuple[Figure, Axes, Floats]:
    names = [wrap(label, _LETTERS_A_LINE, 2) for label in labels]
    heights_in = np.array([_NARROW_ROW_IN + _LINE_IN * name.count("\n") for name in names])
    figure, axes = new_axes(FULL_WIDTH_IN, _FRAME_IN + float(heights_in.sum()))
    heights = heights_in / _NARROW_ROW_IN
    places = heights.sum() - heights.cumsum()
    gap = _ABOVE_IN / _NARROW_ROW_IN
    for place, name, color, weight in zip(places.tolist(), names, colors, weights, strict=True):
        text = axes.text(
            0,
            place + gap,
            name,
            transform=axes.get_yaxis_transform(),
            fontsize=_SIZE,
            color=color,
            fontweight=weight,
            va="bottom",
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"},
        )
        text.set_in_layout(False)  # it lies within the axes
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-1.6 * gap, heights.sum() - gap)
    return figure, axes, places
