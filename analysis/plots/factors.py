"""Which factors mattered: importance with its uncertainty, effects of levels."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.plots.style import HALF_WIDTH_IN, INK, MUTED, legend_above, new_axes, plain, show_percent
from analysis.records.files import as_records
from analysis.words.labels import label_factor

_OFFSETS = {"fANOVA": 0.14, "PED-ANOVA": -0.14}


def draw_importance(table: pd.DataFrame) -> Figure:
    """Draw each parameter's share by both evaluators, with the spread over halves of the study.

    Args:
        table: As `analysis.statistics.importance.parameter_importance` gives it.
    """
    order = table[table["evaluator"] == "fANOVA"]["parameter"].tolist()
    figure, axes = new_axes(HALF_WIDTH_IN, 0.9 + 0.36 * len(order))
    for evaluator, face in (("fANOVA", INK), ("PED-ANOVA", "white")):
        rows = table[table["evaluator"] == evaluator].dropna(subset="importance")
        places = [len(order) - order.index(name) + _OFFSETS[evaluator] for name in rows["parameter"]]
        axes.hlines(places, rows["low"], rows["high"], color=MUTED, linewidth=1.4, alpha=0.7)
        marks = axes.scatter(
            rows["importance"], places, s=28, facecolors=face, edgecolors=INK, label=evaluator, zorder=3
        )
        marks.set_urls([f"tip:{_describe(row)}" for row in as_records(rows)])
    axes.set_yticks(range(len(order), 0, -1), [plain(label_factor(name), 24) for name in order])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(0.4, len(order) + 0.6)
    axes.set_xlabel("share of what can be explained")
    show_percent(axes, "x")
    handles, _ = axes.get_legend_handles_labels()
    legend_above(figure, handles, 2)
    return figure


def _describe(row: dict[str, float]) -> str:
    share = f"{100 * row['importance']:.1f}% ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
    return f"{plain(label_factor(str(row['parameter'])), 40)}, {row['evaluator']}: {share}"
