"""Differences with their intervals, marked by what may be concluded."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.style import ACCENT, FULL_WIDTH_IN, INK, MUTED, new_axes, plain
from analysis.tables import as_records

_LOOKS: dict[str, tuple[str, Literal["full", "none"], str]] = {
    "better": (ACCENT, "full", "better"),
    "inside the noise": (MUTED, "full", "inside the noise"),
    "not enough runs": (MUTED, "none", "not enough runs to tell"),
}


def draw_verdicts(table: pd.DataFrame) -> Figure:
    """Draw the effect of each comparison, in points of accuracy, with its 95% interval.

    Args:
        table: `name, effect_pp, effect_low_pp, effect_high_pp, p_better, answer`, from top to bottom.
    """
    figure, axes = new_axes(FULL_WIDTH_IN, 0.9 + 0.25 * len(table))
    places = range(len(table), 0, -1)
    axes.axvline(0, color=INK, linewidth=0.9)
    for place, row in zip(places, as_records(table), strict=True):
        color, fill, _ = _LOOKS[row["answer"]]
        if pd.notna(row["effect_low_pp"]):
            axes.hlines(
                place, row["effect_low_pp"], row["effect_high_pp"], color=color, linewidth=1.6, alpha=0.7
            )
        face = color if fill == "full" else "white"
        marks = axes.scatter([row["effect_pp"]], [place], s=30, facecolors=face, edgecolors=color, zorder=3)
        interval = (
            f" ({row['effect_low_pp']:.2f} to {row['effect_high_pp']:.2f})"
            if pd.notna(row["effect_low_pp"])
            else ""
        )
        name = plain(row["name"], 90)
        tip = f"tip:{name}: {row['effect_pp']:.2f} points{interval}, P(A>B) {row['p_better']:.2f}"
        marks.set_urls([f"{tip}, {row['answer']}"])
    axes.set_yticks(list(places), [plain(name, 72) for name in table["name"]])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(0.4, len(table) + 0.6)
    axes.set_xlabel("difference in validation accuracy, points")
    present = [answer for answer in _LOOKS if (table["answer"] == answer).any()]
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
