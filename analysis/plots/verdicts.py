"""Differences with their intervals, marked by what may be concluded."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.style import ACCENT, FULL_WIDTH_IN, GRID, INK, MUTED, new_axes, plain
from analysis.records.files import as_records

_LOOKS: dict[str, tuple[str, Literal["full", "none"], str]] = {
    "better": (ACCENT, "full", "better"),
    "equivalent": (INK, "full", "equivalent"),
    "inside the noise": (MUTED, "full", "inside the noise"),
    "not enough runs": (MUTED, "none", "not enough runs to tell"),
    "cannot be told apart": (GRID, "full", "cannot be told apart from something else"),
}


def draw_verdicts(table: pd.DataFrame) -> Figure:
    """Draw the effect of each comparison, in points of accuracy, with its 95% interval.

    Args:
        table: `name, effect_pp, effect_low_pp, effect_high_pp, p_better, answer`, from top to bottom.
    """
    figure, axes = new_axes(FULL_WIDTH_IN, 0.9 + 0.25 * len(table))
    places = np.arange(len(table), 0, -1)
    axes.axvline(0, color=INK, linewidth=0.9)
    present = [answer for answer in _LOOKS if (table["answer"] == answer).any()]
    for answer in present:
        own = (table["answer"] == answer).to_numpy()
        color, fill, _ = _LOOKS[answer]
        rows = table[own]
        axes.hlines(
            places[own], rows["effect_low_pp"], rows["effect_high_pp"], color=color, linewidth=1.6, alpha=0.7
        )
        face = color if fill == "full" else "white"
        marks = axes.scatter(
            rows["effect_pp"], places[own], s=30, facecolors=face, edgecolors=color, zorder=3
        )
        marks.set_urls([f"tip:{_describe(row)}" for row in as_records(rows)])
    axes.set_yticks(list(places), [plain(name, 72) for name in table["name"]])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(0.4, len(table) + 0.6)
    axes.set_xlabel("difference in validation accuracy, points")
    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                color=_LOOKS[answer][0],
                marker="o",
                fillstyle=_LOOKS[answer][1],
                label=_LOOKS[answer][2],
            )
            for answer in present
        ],
        loc="outside upper left",
        ncols=3,
    )
    return figure


def _describe(row: dict[str, Any]) -> str:
    low, high = row["effect_low_pp"], row["effect_high_pp"]
    interval = f" ({low:.2f} to {high:.2f})" if pd.notna(low) else ""
    effect = f"{row['effect_pp']:.2f} points{interval}, P(A>B) {row['p_better']:.2f}"
    return f"{plain(row['name'], 90)}: {effect}, {row['answer']}"
