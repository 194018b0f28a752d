from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis.plots.style import styled
from analysis.plots.verdicts import draw_verdicts


def draw(*rows: tuple[float, float, float, float]) -> Axes:
    """Draw comparisons given as effect, ends of the interval, p-value."""
    names = ["effect_pp", "effect_low_pp", "effect_high_pp", "p_value"]
    said = {"answer": "not enough runs", "method": "paired", "more": 2, "more_of": "seed", "confounded": ""}
    table = pd.DataFrame(rows, columns=names).assign(p_better=0.9, name="a over b", **said)
    with styled():
        return draw_verdicts(table).axes[0]


def intervals(axes: Axes) -> list[tuple[float, float]]:
    (lines,) = [item for item in axes.collections if isinstance(item, LineCollection)]
    return [(float(line[0, 0]), float(line[1, 0])) for line in lines.get_segments() if len(line) == 2]


def test_an_interval_of_two_pairs_is_not_drawn() -> None:
    axes = draw((4.0, -130.0, 138.0, np.nan), (2.0, 1.0, 3.0, 0.01))

    known = [ends for ends in intervals(axes) if not np.isnan(ends).any()]

    assert known == [(1.0, 3.0)]
    assert max(map(abs, axes.get_xlim())) < 10


def test_an_interval_far_beyond_all_effects_is_cut_with_an_arrow() -> None:
    usual = [(2.0, 1.0, 3.0, 0.01)] * 4
    axes = draw((4.0, -90.0, 98.0, 0.5), *usual)

    low, high = intervals(axes)[0]
    edges = [float(x) for item in axes.collections[1:3] for x in item.get_offsets()[:, 0]]  # type: ignore[index]

    assert (low, high) == (-6.0, 6.0)
    assert edges == [-6.0, 6.0]
    assert max(map(abs, axes.get_xlim())) < 10


def test_no_interval_reaches_beyond_a_hundred_points() -> None:
    axes = draw((90.0, -130.0, 150.0, 0.5))
    assert intervals(axes) == [(-100.0, 100.0)]
