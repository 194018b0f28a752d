"""What a setting gets wrong: which class is taken for which, and where accuracy is lower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.plots.style import (
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    new_axes,
    plain,
    show_percent,
    wrap,
)
from analysis.records.files import as_records
from analysis.words.numbers import count

MAX_DRAWN = 50
"""Classes that one figure has room for."""

MAX_IN_HALF = 8
"""Classes for which half the page is wide enough."""

_PALETTE, _EMPTY = sns.light_palette("#7A4E9E", as_cmap=True), "#F5F3F8"
_LIGHT_INK, _DARK_INK = "#FDFDFE", "#22252E"
"""Not the page's own ink and paper: the matrix keeps its colours in the dark."""

_CONTRAST = 0.6
"""Power of the shares that colours follow, so that a tenth of a class is seen beside the diagonal."""

_LEAST_SAID, _LEAST_SAID_OF_MANY = 0.005, 0.015
"""Shares from which a cell holds its number: below, it has a colour, and its number where one points."""

_LETTER_IN = 0.085
"""Width of a letter of a label."""


def draw_confusion(table: pd.DataFrame, names: Sequence[str]) -> Figure:
    """Draw what the texts of each class are taken for, in percent of the class.

    Columns have their classes' names where these fit side by side, and else the numbers of their rows.

    Args:
        table: `true, predicted, n, share`, as `analysis.statistics.mistakes.confusion` gives it; of more
            than `MAX_DRAWN` classes, those among which are most mistakes.
        names: Of all classes, by number.
    """
    classes = sorted(table["true"].unique())
    n, is_half = len(classes), len(classes) <= MAX_IN_HALF
    width = HALF_WIDTH_IN if is_half else FULL_WIDTH_IN
    index_of = {number: index for index, number in enumerate(classes)}
    labels = [plain(names[number], 18 if is_half else 26) for number in classes]
    margin = 0.6 + _LETTER_IN * max(map(len, labels))
    cell_in = (width - margin) / n
    figure, axes = new_axes(width, 0.9 + n * min(max(cell_in, 0.15), 0.6))
    size = 8.5 if is_half else min(8.0, 60 * cell_in * 0.85)
    _draw_cells(axes, table[table["n"] > 0], index_of, names, size=min(size, 25 * cell_in))
    are_named = max(map(len, labels)) * _LETTER_IN < cell_in
    numbers = [str(index) for index in range(1, n + 1)]
    rows = (
        labels if are_named else [f"{label}  {number}" for label, number in zip(labels, numbers, strict=True)]
    )
    across = labels if are_named else numbers
    # Two digits and the space between: in a narrow column they would touch.
    axes.set_xticks(range(n), across, fontsize=size if are_named else min(size, 40 * cell_in))
    axes.set_yticks(range(n), rows, fontsize=size)
    axes.tick_params(labelcolor=INK, pad=2, length=0)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    about = f"a row a true class, a column what it is taken for{'' if are_named else ', by number'}"
    if n < len(names):
        about = f"The {n} classes with most mistakes: {about}"
    axes.set_xlabel(wrap(about, 56 if is_half else 120, 3), loc="right")
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    # A part of the drawing, where the axes' own ground is not: else what is never said has no column.
    axes.add_patch(
        Rectangle((-0.48, -0.48), n - 0.04, n - 0.04, facecolor=_EMPTY, edgecolor="none", zorder=0)
    )
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _draw_cells(
    axes: Axes, cells: pd.DataFrame, index_of: dict[int, int], names: Sequence[str], *, size: float
) -> None:
    """Draw a square with its share for each pair that holds texts."""
    down = cells["true"].map(index_of).to_numpy()
    across = cells["predicted"].map(index_of).to_numpy()
    corner = np.column_stack([across, down])[:, None, :]
    square = np.array([(-0.48, -0.48), (0.48, -0.48), (0.48, 0.48), (-0.48, 0.48)])
    shade = cells["share"].to_numpy() ** _CONTRAST
    squares = PolyCollection(list(corner + square), facecolors=_PALETTE(shade), edgecolors="none")
    squares.set_urls(
        [
            f"tip:{plain(names[row['true']])} taken for {plain(names[row['predicted']])}: "
            f"{100 * row['share']:.1f}% ({row['n']:.4g} {'text' if row['n'] == 1 else 'texts'})"
            for row in as_records(cells)
        ]
    )
    axes.add_collection(squares)
    least = _LEAST_SAID if len(index_of) <= MAX_IN_HALF else _LEAST_SAID_OF_MANY
    for x, y, share, depth in zip(across.tolist(), down.tolist(), cells["share"], shade, strict=True):
        if share >= least:
            color = _LIGHT_INK if depth > 0.6 else _DARK_INK
            number = axes.text(
                x, y, f"{100 * share:.0f}", ha="center", va="center_baseline", fontsize=size, color=color
            )
            number.set_in_layout(False)  # it lies within the axes, and there may be a thousand


def draw_accuracy_by_range(groups: Sequence[tuple[str, pd.DataFrame]], overall: float) -> Figure:
    """Draw the accuracy of texts by numbers that they have, with intervals.

    Args:
        groups: A title and the rows below it: `name, accuracy, low, high, n`.
        overall: Accuracy of all texts: a line.
    """
    n_rows = sum(len(table) + 1 for _, table in groups)
    figure, axes = new_axes(HALF_WIDTH_IN, 0.8 + 0.26 * n_rows)
    axes.axvline(overall, color=MUTED, linewidth=0.9, linestyle=":")
    ticks: list[tuple[float, str]] = []
    titles: list[int] = []
    place = 0.0
    for title, table in groups:
        titles.append(len(ticks))
        ticks.append((place, title))
        places = place - 1 - np.arange(len(table))
        axes.hlines(places, table["low"], table["high"], color=INK, linewidth=1.6, alpha=0.6)
        marks = axes.scatter(table["accuracy"], places, s=28, color=INK, zorder=3)
        rows = as_records(table)
        marks.set_urls(
            [
                f"tip:{title}, {row['name']}: {100 * row['accuracy']:.1f}% of {count(int(row['n']), 'text')}"
                for row in rows
            ]
        )
        ticks += [(float(at), str(row["name"])) for at, row in zip(places, rows, strict=True)]
        place -= len(table) + 1.4
    axes.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
    for index, text in enumerate(axes.get_yticklabels()):
        text.set_color(INK if index in titles else MUTED)
        text.set_fontweight("bold" if index in titles else "normal")
    axes.grid(visible=False, axis="y")
    axes.set_ylim(place + 0.7, 0.6)
    axes.set_xlabel("accuracy")
    show_percent(axes, "x")
    return figure
