"""Figures for a page that is held in one hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis import Study, plots
from analysis.plots.style import NARROW_WIDTH_IN, narrowed, styled

WITH_STUDY_ALONE = [name for name in plots.__all__ if not name.endswith("_map")]


def draw_narrow(study: Study, name: str) -> Figure:
    with narrowed():
        figure: Figure = getattr(plots, name)(study)
    return figure


@pytest.mark.parametrize("name", WITH_STUDY_ALONE)
def test_no_figure_is_wider_than_a_narrow_page(small_study: Study, name: str) -> None:
    assert draw_narrow(small_study, name).get_figwidth() <= NARROW_WIDTH_IN


@pytest.mark.parametrize("name", ["best_and_last", "onsets", "lines_to_beat", "setting_verdicts"])
def test_names_of_rows_stand_above_their_lines(small_study: Study, name: str) -> None:
    wide, narrow = getattr(plots, name)(small_study).axes[0], draw_narrow(small_study, name).axes[0]
    beside = [label.get_text() for label in wide.get_yticklabels()]
    above = [text.get_text().replace("\n", " ") for text in narrow.texts]

    assert above == beside
    assert not narrow.get_yticklabels()
    assert all(text.get_position()[0] == 0 for text in narrow.texts)
    # No line of the axes is seen through a name.
    assert {text.get_bbox_patch().get_alpha() for text in narrow.texts} == {None}


def test_small_multiples_stand_two_in_a_row(small_study: Study) -> None:
    figure = draw_narrow(small_study, "learning_curves")
    assert {axes.get_subplotspec().get_geometry()[1] for axes in figure.axes} == {2}


def test_lines_through_parameters_run_downwards(small_study: Study) -> None:
    (lines,) = draw_narrow(small_study, "parallel_coordinates").axes[0].collections
    for line in lines.get_segments():  # type: ignore[attr-defined]
        assert list(line[:, 1]) == sorted(line[:, 1])


def test_what_is_drawn_later_is_as_wide_as_ever(small_study: Study) -> None:
    draw_narrow(small_study, "best_and_last")
    assert plots.best_and_last(small_study).get_figwidth() > NARROW_WIDTH_IN


def test_titles_side_by_side_do_not_touch(small_study: Study) -> None:
    figure = plots.overfitting_by_factor(small_study)
    with styled():
        figure.draw_without_rendering()
    titles = [text for axes in figure.axes for text in axes.get_children() if isinstance(text, Text)]
    ends = sorted((text.get_window_extent() for text in titles if text.get_text()), key=lambda box: box.x0)
    assert all(left.x1 < right.x0 for left, right in pairwise(ends))
