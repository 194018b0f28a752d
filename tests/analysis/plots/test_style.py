"""What all figures share."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise

import pytest
from matplotlib.lines import Line2D

from analysis.plots.style import (
    FULL_WIDTH_IN,
    keep_apart,
    legend_above,
    narrowed,
    new_axes,
    show_percent,
    show_points,
    styled,
)

LONG = "TF-IDF + logistic regression"


@pytest.mark.parametrize("is_narrow", [False, True])
@pytest.mark.parametrize("names", [["GRU", "LSTM", LONG, "NB-SVM", "majority class"], [LONG * 2] * 6, ["a"]])
def test_a_legend_has_as_many_columns_as_fit(names: list[str], is_narrow: bool) -> None:
    with styled(), narrowed() if is_narrow else nullcontext():
        figure, _ = new_axes(FULL_WIDTH_IN, 4.0)
        legend_above(figure, [Line2D([], [], label=name) for name in names], 3, 2)
        figure.draw_without_rendering()

    ends = figure.legends[0].get_window_extent()

    assert ends.x0 >= 0
    assert ends.x1 <= figure.bbox.x1 + 1


def test_differences_are_drawn_in_points_and_shares_in_percent() -> None:
    with styled():
        _, axes = new_axes(4.0, 2.0)
        show_percent(axes, "x")
        show_points(axes, "y")
    assert axes.xaxis.get_major_formatter()(0.19) == "19%"
    assert axes.yaxis.get_major_formatter()(-0.04) == "\u22124"


@pytest.mark.parametrize("values", [[0.0193, 0.0193], [0.0193, 0.01931], [0.1, 0.9]])
def test_ticks_of_values_that_hardly_differ_do_not_touch(values: list[float]) -> None:
    with styled():
        figure, axes = new_axes(2.0, 2.0)
        axes.scatter(values, values)
        show_percent(axes, "x")
        keep_apart(axes, 0.02)
        figure.draw_without_rendering()

    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    inside = sorted(
        (box.x0, box.x1) for box in boxes if axes.bbox.x0 - 1 <= (box.x0 + box.x1) / 2 <= axes.bbox.x1 + 1
    )

    assert len(inside) > 1
    assert all(left[1] < right[0] for left, right in pairwise(inside))
