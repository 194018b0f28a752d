"""Learning curves: accuracy by amount of training text, beside the lines to beat on the same texts."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from analysis.plots.style import FULL_WIDTH_IN, MUTED, is_narrow, legend_above, new_axes, plain, show_percent
from analysis.records.files import as_records
from analysis.words.labels import color_of
from analysis.words.numbers import count, percent, with_margin

_DASHES = ("-", "--", ":", "-.")
_LINE_DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1, 2)))


def draw_by_amount(curves: pd.DataFrame, lines: pd.DataFrame, more: pd.DataFrame) -> Figure:
    """Draw a curve with its band for each setting, grey lines to beat, and what twice the texts would bring.

    Args:
        curves: `curve, label, cell, train_size, n_runs, accuracy, half_width`.
        lines: `name, train_size, accuracy`: means over the same training texts.
        more: `curve, twice, accuracy, gain, gain_low, gain_high`: hollow marks with their interval.
    """
    n_names = curves["curve"].nunique() + lines["name"].nunique()
    # Where the page is narrow, names stand one below the other.
    figure, axes = new_axes(FULL_WIDTH_IN, 3.2 + 0.18 * n_names if is_narrow() else 4.0)
    dashes: dict[str, int] = {}
    for number, group in curves.groupby("curve", sort=False):
        color = color_of(group["cell"].iloc[0])
        dash = _DASHES[dashes.setdefault(color, 0) % len(_DASHES)]
        dashes[color] += 1
        _draw_curve(axes, group, color, dash)
        for row in as_records(more[more["curve"] == number]):
            _draw_foreseen(axes, row, color)
    for index, (name, group) in enumerate(lines.groupby("name", sort=True)):
        axes.plot(
            group["train_size"],
            group["accuracy"],
            color=MUTED,
            linestyle=_LINE_DASHES[index % len(_LINE_DASHES)],
            linewidth=1.2,
            label=plain(str(name), 40),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({*curves["train_size"], *more["twice"]})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("training texts")
    axes.set_ylabel("validation accuracy")
    show_percent(axes)
    handles, _ = axes.get_legend_handles_labels()
    legend_above(figure, handles, 3, 2)
    return figure


def _draw_curve(axes: Axes, group: pd.DataFrame, color: str, dash: str) -> None:
    low, high = ((group["accuracy"] + sign * group["half_width"]).clip(0.0, 1.0) for sign in (-1, 1))
    axes.fill_between(group["train_size"], low, high, color=color, alpha=0.14, linewidth=0)
    label = plain(str(group["label"].iloc[0]), 40)
    axes.plot(group["train_size"], group["accuracy"], color=color, linestyle=dash, label=label)
    marks = axes.scatter(group["train_size"], group["accuracy"], s=26, color=color, zorder=3)
    marks.set_urls(
        [
            f"tip:{label}, {count(int(row['train_size']), 'text')}: "
            f"{with_margin(row['accuracy'], row['half_width'])} over {count(int(row['n_runs']), 'run')}"
            for row in as_records(group)
        ]
    )


def _draw_foreseen(axes: Axes, row: dict[str, float], color: str) -> None:
    ends = [row["accuracy"] + row[end] for end in ("gain_low", "gain_high")]
    middle = row["accuracy"] + row["gain"]
    axes.vlines(row["twice"], ends[0], ends[1], color=color, linewidth=1.4, alpha=0.6)
    mark = axes.scatter([row["twice"]], [middle], s=30, facecolors="white", edgecolors=color, zorder=3)
    interval = f"{percent(ends[0])} to {percent(ends[1])}"
    mark.set_urls([f"tip:foreseen at {row['twice']:,} texts: {percent(middle)} ({interval})"])
