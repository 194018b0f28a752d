"""Every run as a line through its parameters: rightwards, and downwards where the page is narrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.plots.style import FULL_WIDTH_IN, INK, MUTED, is_narrow, new_axes, plain
from analysis.words.labels import color_of, label_factor, label_value
from analysis.words.metrics import is_percentage, label_metric
from analysis.words.numbers import percent

_MAX_LINES = 250
_MAX_LEVELS = 8
_UNSET = -0.12
"""Where a run passes a parameter that it does not set."""

_LETTERS, _LETTERS_ACROSS = 130, 46
"""Letters that fit side by side: names and values of all parameters, and of one where the page is narrow."""

Ticks = list[tuple[float, str]]


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
    indices = np.arange(len(names))
    # Equal values would lie on one another: a small shift by rank keeps lines apart.
    shift = (np.linspace(-0.025, 0.025, len(shown)) if len(shown) > 1 else np.zeros(1))[:, None]
    shifted = np.where(indices < len(names) - 1, heights + shift, heights)
    lines = [np.column_stack([indices, row]) for row in shifted]
    front = np.arange(len(shown)) >= len(shown) - best
    cells = shown["cell"] if "cell" in shown else pd.Series("", index=shown.index)
    figure, axes = new_axes(FULL_WIDTH_IN, 0.2 + 0.62 * len(names) if is_narrow() else 3.6)
    axes.add_collection(
        LineCollection(
            [line[:, ::-1] for line in lines] if is_narrow() else lines,
            colors=[color_of(cell) for cell in cells],
            alpha=np.where(front, 0.95, 0.13),
            linewidths=np.where(front, 1.5, 0.7),
        )
    )
    titles = [*map(label_factor, parameters), label_metric(score)]
    label = _label_down if is_narrow() else _label_across
    label(axes, titles, [ticks for _, ticks in scales])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _scale(values: pd.Series[float], name: str) -> tuple[pd.Series[float], Ticks]:
    """Heights in [0, 1] of a column, and its labelled ticks: by rank of value, a score by its size."""
    numeric = pd.api.types.is_numeric_dtype(values) and values.dtype != bool
    if numeric and (values.nunique() > _MAX_LEVELS or name.startswith("val_")):
        low, high = float(values.min()), float(values.max())
        logarithmic = low > 0 and high / low > 50
        position = pd.Series(np.log(values), index=values.index) if logarithmic else values.astype(float)
        span = position.max() - position.min()
        heights = (position - position.min()) / span if span > 0 else position * 0 + 0.5
        texts = [percent(end) if is_percentage(name) else label_value(name, end) for end in (low, high)]
        ends = [(0.0, texts[0]), (1.0, texts[1])] if span > 0 else [(0.5, texts[0])]
        return heights.fillna(_UNSET), ends
    levels = sorted(values.dropna().unique().tolist(), key=lambda value: (isinstance(value, str), value))
    places = {level: index / max(len(levels) - 1, 1) for index, level in enumerate(levels)}
    heights = values.map(places).astype(float).fillna(_UNSET)
    step = max(1, -(-len(levels) // _MAX_LEVELS))
    return heights, [(places[level], label_value(name, level)) for level in levels[::step]]


def _label_across(axes: Axes, titles: Sequence[str], ticks: Sequence[Ticks]) -> None:
    letters = min(16, _LETTERS // len(titles))
    for index, labels in enumerate(ticks):
        axes.axvline(index, color=MUTED, linewidth=0.7)
        for height, text in labels:
            _label(axes, plain(text, letters), (index, height), offset=(5, 0), across="left")
    axes.set_xticks(range(len(titles)), [plain(text, letters) for text in titles])
    axes.tick_params(axis="x", labelcolor=INK)
    axes.set_yticks([])
    axes.set_xlim(-0.15, len(titles) - 0.55)
    axes.set_ylim(_UNSET - 0.02, 1.08)


def _label_down(axes: Axes, titles: Sequence[str], ticks: Sequence[Ticks]) -> None:
    for index, (title, labels) in enumerate(zip(titles, ticks, strict=True)):
        axes.axhline(index, color=MUTED, linewidth=0.7)
        texts = [plain(text, 20) for _, text in labels]
        step = -(-(sum(map(len, texts)) + 2 * len(texts)) // _LETTERS_ACROSS)
        for (height, _), text in list(zip(labels, texts, strict=True))[::step]:
            across = "left" if height < 0.1 else "right" if height > 0.9 else "center"
            _label(axes, text, (height, index), offset=(0, 8), across=across)
        _label(axes, plain(title, 30), (0, index), offset=(0, 19), across="left", weight="bold")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(_UNSET - 0.02, 1.03)
    axes.set_ylim(len(titles) - 0.9, -0.65)


def _label(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    *,
    offset: tuple[int, int],
    across: str,
    weight: str = "normal",
) -> None:
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        ha=across,
        va="center",
        fontsize=8,
        fontweight=weight,
        color=INK,
        bbox={"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
    )
