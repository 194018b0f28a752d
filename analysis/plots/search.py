"""What a search found for what it spent: expected best, cost front, parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.plots.style import (
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    new_axes,
    new_figure,
    plain,
    show_log,
    show_percent,
)
from analysis.records.files import as_records
from analysis.words.labels import CELL_COLORS, CELL_LABELS, OTHER_COLOR, color_of, label_factor, label_value

_MAX_POINTS = 600
_MAX_LINES = 250


def draw_expected_best(
    table: pd.DataFrame, is_accuracy: bool, colors: Mapping[str, str] = CELL_COLORS
) -> Figure:
    """Draw the expected best score against trials (left) and against compute (right), one curve per level.

    The band is one standard deviation among subsets, drawn to half of the trials: beyond it the subsets are
    mostly the same, and the band would promise more than is known.

    Args:
        table: As `analysis.statistics.expected_best.expected_best` gives it.
        is_accuracy: Whether the score is a share, more being better.
        colors: By level, grey for what is not in it.
    """
    figure = new_figure(FULL_WIDTH_IN, 3.2)
    left, right = figure.subplots(1, 2, sharey=True)
    unit_s, unit = (3600.0, "hours") if table["budget_s"].max() > 7200 else (60.0, "minutes")
    for level, rows in table.groupby("level", sort=False, dropna=False):
        name = plain(CELL_LABELS.get(str(level), str(level))) if level is not None else "all trials"
        for axes, x in ((left, rows["n"]), (right, rows["budget_s"] / unit_s)):
            color = colors.get(str(level), OTHER_COLOR)
            _draw_curve(axes, x.to_numpy(), rows, color, name)
    left.set_xlabel("trials")
    right.set_xlabel(f"{unit} of training")
    left.set_ylabel(f"expected best validation {'accuracy' if is_accuracy else 'loss'}")
    if is_accuracy:
        show_percent(left)
    left.legend(loc="lower right" if is_accuracy else "upper right")
    return figure


def _draw_curve(axes: Axes, x: NDArray[np.float64], rows: pd.DataFrame, color: str, name: str) -> None:
    mean, sd = rows["expected_best"].to_numpy(), rows["sd"].to_numpy()
    half = rows["n"].to_numpy() <= rows["n_trials"].to_numpy() / 2
    axes.fill_between(x[half], (mean - sd)[half], (mean + sd)[half], color=color, alpha=0.13, linewidth=0)
    axes.plot(x, mean, color=color, linewidth=1.8, label=name)
    marks = axes.scatter(x[-1:], mean[-1:], s=24, color=color, zorder=3)
    marks.set_urls([f"tip:{name}: {mean[-1]:.4f} after all {rows['n'].iloc[-1]} trials"])


def draw_front(table: pd.DataFrame, cost_label: str) -> Figure:
    """Draw each setting's accuracy against its cost, and the line of those that nothing cheaper beats.

    Args:
        table: As `analysis.statistics.fronts.accuracy_cost_front` gives it, with `label`.
        cost_label: What the cost is.
    """
    figure, axes = new_axes(HALF_WIDTH_IN, 3.4)
    front = table[table["on_front"]]
    rest = table[~table["on_front"]]
    rest = rest.iloc[:: max(1, -(-len(rest) // _MAX_POINTS))]
    for rows, size, alpha in ((rest, 14, 0.45), (front, 34, 1.0)):
        colors = [color_of(cell) for cell in rows["cell"]] if "cell" in rows else MUTED
        marks = axes.scatter(
            rows["cost"], rows["score"], s=size, c=colors, alpha=alpha, linewidths=0, zorder=3
        )
        marks.set_urls(
            [
                f"tip:{plain(row['label'], 80)}: {100 * row['score']:.2f}%, {cost_label} {row['cost']:,.4g}"
                for row in as_records(rows)
            ]
        )
    axes.step(front["cost"], front["score"], where="post", color=INK, linewidth=1.0, alpha=0.6)
    show_log(axes)
    axes.set_xlabel(cost_label)
    axes.set_ylabel("validation accuracy")
    show_percent(axes)
    return figure


def draw_parallel(runs: pd.DataFrame, parameters: Sequence[str], score: str) -> Figure:
    """Draw each run as a line through its parameters, the best tenth in front.

    Args:
        runs: One row per run, best first.
        parameters: The axes, in order; `score` is added as the last.
        score: The column that the runs are ordered by.
    """
    names = [*parameters, score]
    best = max(1, len(runs) // 10)
    others = runs.iloc[best:]
    others = others.iloc[:: max(1, -(-len(others) // _MAX_LINES))]
    shown = pd.concat([others.iloc[::-1], runs.iloc[:best].iloc[::-1]])
    scales = [_scale(runs[name], name) for name in names]
    heights = np.column_stack([scale.reindex(shown.index) for scale, _ in scales])
    figure, axes = new_axes(FULL_WIDTH_IN, 3.6)
    places = np.arange(len(names))
    # Equal values would lie on one another: a small shift by rank keeps lines apart.
    shift = (np.linspace(-0.025, 0.025, len(shown)) if len(shown) > 1 else np.zeros(1))[:, None]
    shifted = np.where(np.arange(len(names)) < len(names) - 1, heights + shift, heights)
    segments = [np.column_stack([places, row]) for row in shifted]
    front = np.arange(len(shown)) >= len(shown) - best
    cells = shown["cell"] if "cell" in shown else pd.Series("", index=shown.index)
    axes.add_collection(
        LineCollection(
            segments,
            colors=[color_of(cell) for cell in cells],
            alpha=np.where(front, 0.95, 0.13),
            linewidths=np.where(front, 1.5, 0.7),
        )
    )
    _label_scales(axes, names, [ticks for _, ticks in scales])
    return figure


def _scale(values: pd.Series[float], name: str) -> tuple[pd.Series[float], list[tuple[float, str]]]:
    """Heights in [0, 1] of a column, and its labelled ticks: by rank of value, a score by its size."""
    numeric = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    if numeric and (values.nunique() > 8 or name.startswith("val_")):
        low, high = float(values.min()), float(values.max())
        logarithmic = low > 0 and high / low > 50
        position = pd.Series(np.log(values), index=values.index) if logarithmic else values.astype(float)
        span = position.max() - position.min()
        heights = (position - position.min()) / span if span > 0 else position * 0 + 0.5
        share = name.endswith("accuracy")
        texts = [f"{100 * end:.1f}%" if share else label_value(name, end) for end in (low, high)]
        return heights.fillna(-0.12), [(0.0, texts[0]), (1.0, texts[1])]
    levels = sorted(values.dropna().unique().tolist(), key=lambda value: (isinstance(value, str), value))
    places = {level: index / max(len(levels) - 1, 1) for index, level in enumerate(levels)}
    heights = values.map(places).astype(float).fillna(-0.12)
    step = max(1, -(-len(levels) // 8))
    return heights, [(places[level], label_value(name, level)) for level in levels[::step]]


def _label_scales(axes: Axes, names: Sequence[str], ticks: Sequence[Sequence[tuple[float, str]]]) -> None:
    for place, labels in enumerate(ticks):
        axes.axvline(place, color=MUTED, linewidth=0.7)
        last = place == len(ticks) - 1
        for height, text in labels:
            axes.annotate(
                plain(text, 16),
                (place, height),
                xytext=(5, 0) if not last else (6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=INK,
                bbox={
                    "boxstyle": "square,pad=0.08",
                    "facecolor": "white",
                    "edgecolor": "none",
                    "alpha": 0.75,
                },
            )
    shown = [label_factor(name) for name in names[:-1]]
    score = names[-1].removeprefix("val_")
    axes.set_xticks(range(len(names)), [plain(text, 16) for text in [*shown, score]])
    axes.tick_params(axis="x", labelcolor=INK)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(-0.15, len(names) - 0.55)
    axes.set_ylim(-0.14, 1.08)
