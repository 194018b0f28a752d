from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from analysis import AnalysisError, Study, plots
from analysis.plots import figures
from analysis.words.labels import CELL_COLORS

WITH_STUDY_ALONE = [name for name in plots.__all__ if not name.endswith("_map")]


def test_every_figure_of_the_report_is_there_from_python() -> None:
    drawn = {
        name
        for name, value in inspect.getmembers(figures, inspect.isfunction)
        if value.__module__ == figures.__name__ and not name.startswith("_")
    }

    assert drawn == set(plots.__all__)


@pytest.mark.parametrize("name", WITH_STUDY_ALONE)
def test_every_figure_is_a_matplotlib_figure_that_can_be_saved(small_study: Study, name: str) -> None:
    figure = getattr(plots, name)(small_study)
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO(), format="png", dpi=40)


@pytest.mark.parametrize("name", WITH_STUDY_ALONE)
def test_a_figure_with_nothing_to_show_says_so(make_study: Callable[..., Study], name: str) -> None:
    figure = getattr(plots, name)(make_study(n_trials=0))
    if name == "lines_to_beat":  # baselines are lines to beat also where nothing beat them
        assert len(figure.axes[0].get_yticklabels()) > 1
    else:
        assert figure.axes[0].texts[0].get_text().endswith(".")


@pytest.mark.parametrize("draw", [plots.gap_map, plots.accuracy_map])
def test_a_map_is_over_any_two_parameters(small_study: Study, draw: Callable[..., Figure]) -> None:
    figure = draw(small_study, "cell", "units")
    assert figure.axes[0].get_xlabel() == "units"
    with pytest.raises(AnalysisError, match="'unit' is none: choose from cell"):
        draw(small_study, "cell", "unit")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("learning_curves", {"metric": "acc"}, "metric is one of loss, accuracy: 'acc' is not"),
        ("cost_front", {"cost": "weights"}, "did you mean 'n_weights'?"),
        ("best_and_last", {"limit": "3"}, "limit is a whole number from 1 on: '3' is not"),
        ("onsets", {"limit": -1}, "limit is a whole number from 1 on: -1 is not"),
        ("gap_map", {"down": ["cell"], "across": "units"}, "down is text: ['cell'] is not"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(
    small_study: Study, name: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(AnalysisError, match=re.escape(said)):
        getattr(plots, name)(small_study, **given)


def test_figures_leave_matplotlibs_settings_alone(small_study: Study) -> None:
    before = dict(mpl.rcParams)
    plots.best_and_last(small_study)
    assert dict(mpl.rcParams) == before


def test_cells_have_their_colours(small_study: Study) -> None:
    figure = plots.curves_by_cell(small_study)
    titles = {axes.get_title(loc="left"): axes.title for axes in figure.axes}
    assert {"SimpleRNN", "GRU", "LSTM"} >= set(titles) - {""}
    for axes in figure.axes[:3]:
        shown = colors.to_hex(axes.lines[-1].get_color()).upper()
        assert shown in CELL_COLORS.values()


def test_the_best_epoch_is_marked_in_every_panel(small_study: Study) -> None:
    figure = plots.learning_curves(small_study, limit=4)
    for axes in figure.axes[:4]:
        assert len(axes.collections[-1].get_offsets()) == 1


def test_the_lowest_panel_of_each_column_names_its_epochs(small_study: Study) -> None:
    figure = plots.learning_curves(small_study, limit=4)
    names = [axes.get_xlabel() for axes in figure.axes[:4]]
    shown = [axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes[:4]]
    assert names == ["", "epoch", "epoch", "epoch"]
    assert shown == [False, True, True, True]
