"""Our best next to simple models and published figures."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.rows import new_rows
from analysis.plots.style import INK, MUTED, plain, show_percent
from analysis.records.files import as_records
from analysis.words.labels import color_of

_MARKERS = {"here": "o", "baseline": "D", "published": "s"}


def draw_lines_to_beat(rows: pd.DataFrame) -> Figure:
    """Draw accuracies from highest to lowest: settings of this study, simple models, published ones.

    Args:
        rows: `label, kind` (here, baseline or published), `cell, accuracy, half_width`.
    """
    drawn = as_records(rows.sort_values("accuracy", ascending=False, kind="stable"))
    figure, axes, places = new_rows(
        [str(row["label"]) for row in drawn],
        [INK if row["kind"] == "here" else MUTED for row in drawn],
        ["bold" if row["kind"] == "here" else "normal" for row in drawn],
    )
    for place, row in zip(places.tolist(), drawn, strict=True):
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
    show_percent(axes, "x")
    axes.set_xlabel("accuracy")
    return figure
