"""How every figure looks, and the canvas that it is drawn on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import LogLocator, NullFormatter

INK = "#1F2430"
MUTED = "#6A7284"
GRID = "#E4E7EE"
ACCENT = "#AA3377"
"""For what is no cell type: a winner, a warning."""

FULL_WIDTH_IN = 9.0
HALF_WIDTH_IN = 4.7

_SHARPNESS = 2.0
"""Pixels of a notebook's picture for each of the page."""

RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
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
    """An empty figure."""
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


def show_percent(axes: Axes, which: str = "y") -> None:
    """Label an axis of fractions in percent."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.4g}%")


def show_log(axes: Axes) -> None:
    """A horizontal axis by factors, its ticks written as plain numbers: 200k, not a power of ten."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axes.xaxis.set_major_formatter(lambda value, _: _shorten(value))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _shorten(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def show_whole_epochs(axes: Axes, last: int) -> None:
    """Label an axis of epochs with whole numbers only."""
    step = max(1, -(-last // 10))
    axes.set_xticks(range(1, last + 1, step))
    axes.set_xlim(0.7, last + 0.3)
