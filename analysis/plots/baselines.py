"""Our best next to simple models and published figures."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.style import FULL_WIDTH_IN, INK, MUTED, new_axes, plain, show_percent
from analysis.records.files import as_records
from analysis.words.labels import color_of

_MARKERS = {"here": "o", "baseline": "D", "published": "s"}


def draw_lines_to_beat(rows: pd.DataFrame) -> Figure:
    """Draw accuracies from lowest to highest: settings of this study, simple models, published ones.

    Args:
        rows: `label, kind` (here, baseline or published), `cell, accuracy, half_width`.
    """
    ordered = rows.sort_values("accuracy", kind="stable")
    figure, axes = new_axes(FULL_WIDTH_IN, 0.7 + 0.25 * len(ordered))
    for place, row in enumerate(as_records(ordered), start=1):
        here = row["kind"] == "here"
        color = color_of(row["cell"]) if here else MUTED
        if not math.isnan(row["half_width"]):
            low, high = row["accuracy"] - row["half_width"], row["accuracy"] + row["half_width"]
            axes.hlines(place, low, high, color=color, linewidth=1.6, alpha=0.6)
        marks = axes.scatter(
            [row["accuracy"]],
            [place],
            marker=_MARKERS[row["kind"]],
            s=36 if here else 24,
            facecolors=color if row["kind"] != "published" else "none",
            edgecolors=color,
            zorder=3,
        )
        marks.set_urls([f"tip:{plain(row['label'], 90)}: {100 * row['accuracy']:.2f}%"])
    axes.set_yticks(range(1, len(ordered) + 1), [plain(label, 64) for label in ordered["label"]])
    for text, kind in zip(axes.get_yticklabels(), ordered["kind"], strict=True):
        text.set_color(INK if kind == "here" else MUTED)
        text.set_fontweight("bold" if kind == "here" else "normal")
    axes.grid(visible=False, axis="y")
    axes.set_ylim(0.4, len(ordered) + 0.6)
    show_percent(axes, "x")
    axes.set_xlabel("accuracy")
    return figure
