"""How every figure looks, and the canvas that it is drawn on."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from analysis.words.numbers import MINUS

INK = "#1F2430"
MUTED = "#6A7284"
GRID = "#E4E7EE"
ACCENT = "#AA3377"
"""For what is no cell type: a winner, a warning."""

FULL_WIDTH_IN = 9.0
HALF_WIDTH_IN = 4.2
NARROW_WIDTH_IN = 3.75
"""Of a figure on a page that is held in one hand: its letters are as large as the page's small ones."""

_TICKS, _NARROW_TICKS = 10, 5
"""Epochs that a panel of small multiples has room to name."""

_TICKS_ACROSS = 4
"""Ticks below one of several axes side by side."""

_LEGEND_MARK_IN, _LEGEND_LETTER_IN = 0.5, 0.068
"""Of a legend's name: its mark with the room around both, and a letter."""

_FEW_DECADES, _MANY_DECADES = 0.8, 2.2
"""Below, an axis by factors has ticks as any other; above, at powers of ten alone."""

_IS_NARROW: ContextVar[bool] = ContextVar("is_narrow", default=False)

_SHARPNESS = 2.0
"""Pixels of a notebook's picture for each of the page."""

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    # No axes with a title have ticks' labels above them: to look for some takes a sixth of drawing.
    "axes.titley": 1.0,
    "axes.labelsize": 9,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    # Labels without marks; and a mark of no length would still cost as much as a line.
    "xtick.bottom": False,
    "ytick.left": False,
    "text.color": INK,
    "axes.titlecolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "savefig.facecolor": "auto",
    "figure.dpi": 100,
    "path.simplify": True,
    "path.simplify_threshold": 0.5,
    # Names come from data: a dollar sign in one is not mathematics.
    "text.parse_math": False,
    # Text as text: smaller, searchable, and in the reader's own font.
    "svg.fonttype": "none",
    # The same figure gives the same file.
    "svg.hashsalt": "analysis",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside this context; nothing of it stays behind, and nothing of a user's own style comes in."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", RC))
        yield


@contextmanager
def narrowed() -> Iterator[None]:
    """Draw inside this context for a page that is held in one hand: names above lines, fewer side by side."""
    token = _IS_NARROW.set(True)
    try:
        yield
    finally:
        _IS_NARROW.reset(token)


def is_narrow() -> bool:
    """Whether what is drawn is for a narrow page."""
    return _IS_NARROW.get()


class InlineFigure(Figure):
    """A figure that belongs to no window and no global list, and that a notebook shows all the same.

    Matplotlib has notebooks show figures of pyplot's alone, once its inline backend is there.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the figure at twice the resolution of its size in the page, and that size."""
        picture = io.BytesIO()
        with styled():
            self.savefig(picture, format="png", dpi=_SHARPNESS * self.dpi)
        width, height = (round(length * self.dpi) for length in self.get_size_inches())
        return picture.getvalue(), {"width": width, "height": height}


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure, no wider than the page that it is for."""
    width_in = min(width_in, NARROW_WIDTH_IN) if is_narrow() else width_in
    return InlineFigure(figsize=(width_in, height_in), layout="constrained")


def new_axes(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = new_figure(width_in, height_in)
    return figure, figure.subplots()


def say_nothing_to_show(reason: str) -> Figure:
    """A figure that says why it is empty, so that Python users get a figure in any case."""
    figure, axes = new_axes(HALF_WIDTH_IN, 1.6)
    axes.set_axis_off()
    axes.text(0.5, 0.5, plain(reason, 70), ha="center", va="center", color=MUTED)
    return figure


@lru_cache(maxsize=1)
def _default_font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont("DejaVu Sans"))


def plain(text: str, limit: int = 40) -> str:
    """A text from data made drawable: one line, bounded, and only signs that the font has."""
    font = _default_font()
    shown = "".join(sign if font.get_char_index(ord(sign)) else "?" for sign in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def wrap(text: str, letters: int, lines: int) -> str:
    """A text from data on a few lines; what they do not hold is cut."""
    return "\n".join(
        textwrap.wrap(plain(text, 10 * letters * lines), letters, max_lines=lines, placeholder="…")
    )


def legend_above(figure: Figure, handles: Sequence[Artist], columns: int, narrow_columns: int = 2) -> None:
    """Say above all axes, where it hides no curve, what the marks mean: in as many columns as fit."""
    most = min(narrow_columns if is_narrow() else columns, max(len(handles), 1))
    names = [len(str(handle.get_label())) for handle in handles]
    width_in = figure.get_figwidth()
    ncols = next((n for n in range(most, 1, -1) if _legend_width_in(names, n) <= width_in), 1)
    figure.legend(handles=handles, loc="outside upper left", ncols=ncols)


def _legend_width_in(letters: Sequence[int], columns: int) -> float:
    """About how wide a legend of names of so many letters is, as Matplotlib fills its columns."""
    parts = np.array_split(np.asarray(letters), columns)
    return sum(_LEGEND_MARK_IN + _LEGEND_LETTER_IN * int(part.max(initial=0)) for part in parts)


def show_points(axes: Axes, which: str = "y") -> None:
    """Label an axis of differences between shares in points."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}".replace("-", MINUS))


def keep_apart(axes: Axes, least: float) -> None:
    """Give a horizontal axis few ticks, and so much at least between its ends: equal values are no digits."""
    low, high = axes.get_xlim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_xlim(middle - least / 2, middle + least / 2)
    axes.xaxis.set_major_locator(MaxNLocator(_TICKS_ACROSS, steps=[1, 2, 5, 10]))


def show_percent(axes: Axes, which: str = "y") -> None:
    """Label an axis of fractions in percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}%".replace("-", MINUS))


def show_log(axes: Axes) -> None:
    """A horizontal axis by factors, its ticks written as plain numbers: 200k, not a power of ten.

    Called once all is drawn: how many ticks there is room for depends on the ends.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    decades = math.log10(high / low)
    if decades < _FEW_DECADES:
        ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    else:
        subs = (1.0, 2.0, 5.0) if decades < _MANY_DECADES else (1.0,)
        ticks = LogLocator(subs=subs, numticks=99).tick_values(low, high)
    axes.set_xticks([tick for tick in ticks if low <= tick <= high])
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(lambda value, _: _shorten(value))
    axes.xaxis.set_minor_locator(NullLocator())


def _shorten(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def show_whole_epochs(axes: Axes, last: int) -> None:
    """Label an axis of epochs with whole numbers only."""
    step = max(1, -(-last // (_NARROW_TICKS if is_narrow() else _TICKS)))
    axes.set_xticks(range(1, last + 1, step))
    axes.set_xlim(0.7, last + 0.3)


def show_whole(axes: Axes) -> None:
    """Label a horizontal axis of counts with whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
