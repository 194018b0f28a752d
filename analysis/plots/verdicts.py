"""Differences with their intervals, marked by what may be concluded."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.plots.rows import new_rows
from analysis.plots.style import ACCENT, INK, MUTED, legend_above, plain
from analysis.records.files import as_records
from analysis.words.numbers import MINUS
from analysis.words.verdicts import say_verdict

_ENDS = ("effect_low_pp", "effect_high_pp")
_BEYOND_EFFECTS, _BEYOND_USUAL = 1.5, 2.0
"""Intervals are drawn to this many times the largest effect, or the usual farther end."""

_LOOKS: dict[str, tuple[str, Literal["full", "none"], str, str]] = {
    "better": (ACCENT, "full", "o", "better"),
    "equivalent": (INK, "full", "o", "equivalent"),
    "inside the noise": (MUTED, "full", "o", "inside the noise"),
    "not enough runs": (MUTED, "none", "o", "not told"),
    "cannot be told apart": (MUTED, "full", "X", "cannot be told apart from something else"),
}


def draw_verdicts(table: pd.DataFrame) -> Figure:
    """Draw the effect of each comparison, in points of accuracy, with its 95% interval.

    An interval of fewer units than a verdict rests on is many times as wide as what was seen: it is left
    out. Of others, what lies far beyond all effects is cut, with an arrow.

    Args:
        table: `name, effect_pp, effect_low_pp, effect_high_pp, p_better, p_value` and what `say_verdict`
            takes, top to bottom.
    """
    table = table.assign(**{name: table[name].where(_has_interval(table)) for name in _ENDS})
    reach = _reach(table)
    figure, axes, places = new_rows(table["name"].tolist())
    axes.axvline(0, color=INK, linewidth=0.9)
    present = [answer for answer in _LOOKS if (table["answer"] == answer).any()]
    for answer in present:
        own = (table["answer"] == answer).to_numpy()
        color, fill, marker, _ = _LOOKS[answer]
        rows = table[own]
        low, high = (rows[name].clip(-reach, reach) for name in _ENDS)
        axes.hlines(places[own], low, high, color=color, linewidth=1.6, alpha=0.7)
        for name, edge, arrow in zip(_ENDS, (-reach, reach), "<>", strict=True):
            beyond = (rows[name].abs() > reach).to_numpy()
            axes.scatter(np.full(beyond.sum(), edge), places[own][beyond], s=14, marker=arrow, color=color)
        face = color if fill == "full" else "white"
        marks = axes.scatter(
            rows["effect_pp"], places[own], s=30, marker=marker, facecolors=face, edgecolors=color, zorder=3
        )
        marks.set_urls([f"tip:{_describe(row)}" for row in as_records(rows)])
    axes.set_xlabel("difference in validation accuracy, points")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", MINUS))
    handles = [
        Line2D([], [], color=color, marker=marker, fillstyle=fill, label=label)
        for color, fill, marker, label in (_LOOKS[answer] for answer in present)
    ]
    legend_above(figure, handles, 3, 1)
    return figure


def _has_interval(table: pd.DataFrame) -> pd.Series[bool]:
    """Which comparisons rest on enough units for an interval to say anything: those with a p-value."""
    return table["p_value"].notna() & table[_ENDS[0]].notna()


def _reach(table: pd.DataFrame) -> float:
    """How far from 0 intervals are drawn, in points: the usual ones are whole, and none passes 100."""
    ends = table[list(_ENDS)].abs().max(axis=1)
    usual = [_BEYOND_EFFECTS * table["effect_pp"].abs().max(), _BEYOND_USUAL * ends.dropna().median()]
    return float(min(max(np.nan_to_num(usual)), 100.0))


def _describe(row: dict[str, Any]) -> str:
    low, high = row["effect_low_pp"], row["effect_high_pp"]
    interval = f" ({low:.2f} to {high:.2f})".replace("-", MINUS) if pd.notna(low) else ""
    effect = (
        f"{row['effect_pp']:.2f} points".replace("-", MINUS) + f"{interval}, P(A>B) {row['p_better']:.2f}"
    )
    return f"{plain(row['name'], 90)}: {effect}, {say_verdict(row)}"
