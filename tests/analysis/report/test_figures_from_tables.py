"""What a figure shows is in the tables beside it: each is worked out again from CSV, by pandas alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from analysis import Study
from analysis.report.build import build_report
from analysis.report.content import Chart
from analysis.report.write import write_folder

pytestmark = pytest.mark.slow

Tables = dict[str, pd.DataFrame]
KEYS = ["trial", "phase", "replicate"]
PARAMETERS = [
    "cell", "bidirectional", "units", "layers", "vocab_size", "sequence_length", "learning_rate",
]  # fmt: skip


@pytest.fixture(scope="module")
def report(telling_study: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Chart], Tables]:
    """The charts of a report, and what its tables hold on disk."""
    built = build_report(telling_study)
    folder = tmp_path_factory.mktemp("report")
    write_folder(built, folder, format="html")
    blocks = [block for section in built.sections for block in section.blocks]
    charts = {block.name: block for block in blocks if isinstance(block, Chart)}
    return charts, {path.stem: pd.read_csv(path) for path in (folder / "tables").glob("*.csv")}


def marks(axes: Axes, way: int = 0) -> list[float]:
    """Where the marks of one axes lie that say their values when pointed at: across (0) or up (1)."""
    found = [item for item in axes.collections if isinstance(item, PathCollection) and any(item.get_urls())]
    return [float(place) for item in found for place in np.ma.getdata(item.get_offsets())[:, way]]


def all_marks(figure: Figure, way: int = 0) -> list[float]:
    return [place for axes in figure.axes for place in marks(axes, way)]


def front_lines(figure: Figure) -> list[float]:
    """Heights of the line that was drawn last in each axes: validation, the mean over replicates."""
    return [float(y) for axes in figure.axes if axes.lines for y in axes.lines[-1].get_ydata()]


def all_lines(figure: Figure) -> list[float]:
    return [float(y) for axes in figure.axes for line in axes.lines for y in line.get_ydata()]


def numbers(figure: Figure) -> list[float]:
    return [float(text.get_text()) for text in figure.axes[0].texts]


def ends_of_lines(figure: Figure) -> list[float]:
    (lines,) = [item for item in figure.axes[0].collections if isinstance(item, LineCollection)]
    return [float(line[-1, 1]) for line in lines.get_segments()]


def completed(tables: Tables) -> pd.DataFrame:
    return tables["trials"][tables["trials"]["state"] == "completed"]


def completed_epochs(tables: Tables) -> pd.DataFrame:
    epochs = tables["epochs"].drop(columns="learning_rate")  # of the epoch; the parameter is the run's
    return epochs.merge(completed(tables)[[*KEYS, *PARAMETERS]], on=KEYS)


def best_settings(tables: Tables, n: int, *columns: str) -> pd.DataFrame:
    return completed(tables).groupby(PARAMETERS)[list(columns)].mean().nlargest(n, columns[0])


def mean_curves(tables: Tables, metric: str) -> pd.Series[float]:
    best = best_settings(tables, 6, "val_accuracy").index
    curves = completed_epochs(tables).groupby([*PARAMETERS, "epoch"])[f"val_{metric}"].mean().reset_index()
    return curves.set_index(PARAMETERS).loc[best, f"val_{metric}"]


def curves_of_best_trials(tables: Tables) -> pd.Series[float]:
    best = completed(tables).sort_values("val_accuracy", ascending=False).drop_duplicates("cell")["trial"]
    epochs = completed_epochs(tables)
    means = (
        epochs[epochs["trial"].isin(best)].groupby(["trial", "epoch"])[["val_loss", "val_accuracy"]].mean()
    )
    return means.stack()


def onsets(tables: Tables) -> pd.Series[float]:
    runs = tables["overfitting-by-replicate"].merge(completed(tables)[[*KEYS, *PARAMETERS]], on=KEYS)
    best = best_settings(tables, 15, "val_accuracy").index
    shown = runs.set_index(PARAMETERS).loc[best]
    return shown["onset_epoch"].fillna(shown["n_epochs"])


def overfitting(tables: Tables) -> pd.Series[float]:
    table = tables["overfitting-by-factor"].set_index("statistic")["mean"]
    return table.loc[["epochs_before_onset", "cost_accuracy", "gap_last"]]


def effects(tables: Tables) -> list[float]:
    table = tables["effects"]
    means = table["adjusted"] if table["adjusted"].notna().all() else table["mean"]
    return [*means, *table["best_of_equal"]]


def verdicts(name: str) -> Callable[[Tables], pd.Series[float]]:
    return lambda tables: tables[name].dropna(subset="effect_pp").sort_values("p_value").head(24)["effect_pp"]


def percents(name: str, column: str, least: float = -1.0) -> Callable[[Tables], pd.Series[float]]:
    return lambda tables: 100 * tables[name].loc[tables[name][column] >= least, column]


def column(name: str, *columns: str) -> Callable[[Tables], pd.Series[float]]:
    return lambda tables: tables[name][list(columns)].stack()


def heights(tables: Tables) -> pd.Series[float]:
    scores = completed(tables)["val_accuracy"]
    return (scores - scores.min()) / (scores.max() - scores.min())


EXACT, ROUNDED, WHOLE = 1e-9, 0.0501, 0.501
CHECKS: dict[str, tuple[Callable[[Figure], list[float]], Callable[[Tables], Any], float]] = {
    "best-and-last": (
        all_marks,
        lambda t: best_settings(t, 15, "val_accuracy", "val_accuracy_last").stack(),
        EXACT,
    ),
    "verdicts-levels": (all_marks, verdicts("verdicts-levels"), EXACT),
    "verdicts-settings": (all_marks, verdicts("verdicts-settings"), EXACT),
    "curves-loss": (front_lines, lambda t: mean_curves(t, "loss"), EXACT),
    "curves-accuracy": (front_lines, lambda t: mean_curves(t, "accuracy"), EXACT),
    "curves-by-cell": (front_lines, curves_of_best_trials, EXACT),
    "onset": (all_marks, onsets, EXACT),
    "overfitting-by-factor": (all_marks, overfitting, EXACT),
    "gap-map": (numbers, percents("gap-map", "mean"), ROUNDED),
    "reliability": (
        lambda figure: all_marks(figure, 1),
        lambda t: t["reliability"].query("n >= 5")["accuracy"],
        EXACT,
    ),
    "confusion": (numbers, percents("confusion", "share", 0.005), WHOLE),
    "effects": (all_marks, effects, EXACT),
    "importance": (all_marks, column("importance", "importance"), EXACT),
    "interaction-map": (numbers, percents("interaction-map", "mean"), ROUNDED),
    "parallel": (ends_of_lines, heights, EXACT),
    "expected-best": (all_lines, lambda t: [*t["expected-best"]["expected_best"]] * 2, EXACT),
    "front-time": (lambda figure: all_marks(figure, 1), column("front-time", "score"), EXACT),
    "front-size": (lambda figure: all_marks(figure, 1), column("front-size", "score"), EXACT),
    "lines-to-beat": (all_marks, column("lines-to-beat", "accuracy"), EXACT),
}
"""By figure: what it draws, the same from the tables, and how far one may lie from the other."""


@pytest.mark.parametrize("name", CHECKS)
def test_a_figure_shows_what_its_table_holds(report: tuple[dict[str, Chart], Tables], name: str) -> None:
    charts, tables = report
    draw, work_out, tolerance = CHECKS[name]

    drawn, expected = sorted(draw(charts[name].draw())), sorted(np.asarray(work_out(tables), dtype=float))

    assert len(drawn) == len(expected) > 1
    assert drawn == pytest.approx(expected, abs=tolerance)


def test_every_figure_of_a_report_is_checked_and_has_its_table(
    report: tuple[dict[str, Chart], Tables],
) -> None:
    charts, tables = report
    assert set(charts) == set(CHECKS)
    assert {chart.table for chart in charts.values()} <= set(tables)
