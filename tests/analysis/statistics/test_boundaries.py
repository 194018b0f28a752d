from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.boundaries import check_boundaries, read_domains
from search_spaces import Choice, Integer, Real, Space

MakeTable = Callable[..., pd.DataFrame]


def searched(make_trials: MakeTable, name: str, values: list[Any], slope: float) -> pd.DataFrame:
    """One run per value, better the later it stands in the list, by `slope`."""
    return make_trials({name: value, "val_accuracy": 0.5 + slope * n} for n, value in enumerate(values))


def ends(trials: pd.DataFrame, **domains: Any) -> pd.DataFrame:
    return check_boundaries(trials, Space(domains).to_document()).set_index(["parameter", "end"])


def test_best_values_at_the_upper_end_ask_for_a_wider_space(make_trials: MakeTable) -> None:
    trials = searched(make_trials, "rate", np.geomspace(1e-4, 1e-2, 50).tolist(), 0.001)
    table = ends(trials, rate=Real(1e-4, 1e-2, log=True))
    upper = table.loc[("rate", "upper")]
    assert (upper["bound"], upper["n_top"], upper["share_top"]) == (1e-2, 5, 1.0)
    assert upper["slope"] == pytest.approx(0.049, rel=1e-6)  # 50 values, a thousandth each
    assert upper["widen"]
    assert not table.loc[("rate", "lower"), "widen"]


def test_the_end_is_a_tenth_on_the_log_scale(make_trials: MakeTable) -> None:
    # Half of all values are above 0.005, but only 0.15 of the log range lies there.
    trials = searched(make_trials, "rate", np.linspace(1e-4, 1e-2, 100).tolist(), 0.0)
    assert ends(trials, rate=Real(1e-4, 1e-2, log=True)).loc[("rate", "upper"), "share_tried"] == 0.37
    assert ends(trials, rate=Real(1e-4, 1e-2)).loc[("rate", "upper"), "share_tried"] == pytest.approx(0.1)


def test_natural_ends_cannot_be_widened(make_trials: MakeTable) -> None:
    dropout = ends(
        searched(make_trials, "dropout", np.linspace(0.5, 0, 40).tolist(), 0.001), dropout=Real(0.0, 0.5)
    )
    assert dropout.loc[("dropout", "lower"), "share_top"] == 0.8
    assert not dropout.loc[("dropout", "lower"), "widen"]
    layers = ends(
        searched(make_trials, "layers", [4, 3, 2, 1] * 10, 0.0).assign(n=range(40)), layers=Integer(1, 4)
    )
    assert not layers.loc[("layers", "lower"), "can_widen"]
    assert layers.loc[("layers", "upper"), "can_widen"]


def test_lists_of_numbers_have_ends_whatever_their_order(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"units": units, "extra": n, "val_accuracy": 0.5 + (units == 64) / 10}
        for n, units in enumerate([16, 64, 32, 8] * 15)
    )
    table = ends(trials, units=Choice([16, 64, 32, 8]))
    assert (table.loc[("units", "upper"), "bound"], table.loc[("units", "lower"), "bound"]) == (64, 8)
    assert table.loc[("units", "upper"), "share_expected"] == 0.25
    assert table.loc[("units", "upper"), "widen"]


def test_names_and_pairs_of_values_have_no_ends(make_trials: MakeTable) -> None:
    trials = make_trials(
        {"cell": "rnn", "size": 8, "flag": True, "layers": 1, "n": n, "val_accuracy": n / 100}
        for n in range(30)
    )
    table = ends(
        trials,
        cell=Choice(["rnn", "gru", "lstm"]),
        size=Choice([8, 16]),
        flag=Choice([True, False]),
        layers=Integer(1, 2),
        n=7,
    )
    assert table.empty


def test_names_in_order_have_ends(make_trials: MakeTable) -> None:
    trials = searched(make_trials, "size", ["small", "medium", "large"] * 10, 0.0)
    table = ends(trials.assign(n=range(30)), size=Choice(["small", "medium", "large"], ordered=True))
    assert list(table["bound"]) == ["small", "large"]


def test_the_slope_at_the_end_is_that_of_a_parabola_with_hc3_errors(make_trials: MakeTable) -> None:
    rng = np.random.default_rng(0)
    place = rng.random(40)
    score = 0.5 + 0.1 * place - 0.03 * place**2 + rng.normal(0, 0.02, 40)
    trials = make_trials({"rate": x, "val_accuracy": y} for x, y in zip(place, score, strict=True))
    row = ends(trials, rate=Real(0.0, 1.0)).loc[("rate", "upper")]

    statsmodels = pytest.importorskip("statsmodels.api")
    design = np.column_stack([np.ones(40), place, place**2])
    fit = statsmodels.OLS(score, design).fit(cov_type="HC3", use_t=True)
    test = fit.t_test([[0, 1, 2 * 0.95]])
    assert row["slope"] == pytest.approx(test.effect.item())
    assert row["p_value"] == pytest.approx(test.pvalue.item() / 2)


def test_many_of_the_best_at_an_end_towards_which_nothing_rises_ask_for_nothing(
    make_trials: MakeTable,
) -> None:
    # A sampler that learned: four in five settings lie at the upper end, and so do the best, by their number.
    rng = np.random.default_rng(2)
    place = np.where(rng.random(60) < 0.8, rng.uniform(0.9, 1.0, 60), rng.random(60))
    trials = make_trials({"rate": x, "val_accuracy": 0.5 + rng.normal(0, 0.01)} for x in place)
    row = ends(trials, rate=Real(0.0, 1.0)).loc[("rate", "upper")]
    assert row["share_top"] > 0.5
    assert not row["widen"]


def test_a_short_list_does_not_cry_wolf(make_trials: MakeTable) -> None:
    # 3 of the best 5 at one of three values: more than half, and nothing unusual.
    top = [64, 64, 64, 16, 32]
    trials = make_trials(
        {"units": units, "n": n, "val_accuracy": 0.9 - n / 100}
        for n, units in enumerate([*top, *[16, 32, 64] * 8])
    )
    row = ends(trials, units=Choice([16, 32, 64])).loc[("units", "upper")]
    assert row["share_top"] == 0.6
    assert not row["widen"]


def test_large_whole_numbers_on_a_log_scale_have_ends(make_trials: MakeTable) -> None:
    values = [round(float(v)) for v in np.geomspace(1, 1000, 60)]
    table = ends(searched(make_trials, "vocab", values, 0.001), vocab=Integer(1, 1000, log=True))
    assert table.loc[("vocab", "lower"), "share_expected"] == pytest.approx(
        np.log(3) / np.log(2001), abs=0.01
    )
    assert table.loc[("vocab", "upper"), "widen"]


@pytest.mark.parametrize(
    "rows", [[], [{"units": 8, "val_accuracy": 0.5}], [{"units": 8, "state": "failed"}] * 20]
)
def test_too_few_settings_give_no_advice(make_trials: MakeTable, rows: list[dict[str, Any]]) -> None:
    assert check_boundaries(make_trials(rows), Space({"units": Choice([8, 16, 32])}).to_document()).empty


def test_values_outside_the_space_and_missing_ones_are_passed_over(make_trials: MakeTable) -> None:
    values = [*[None] * 5, *[500] * 5, *range(8, 40)]
    trials = make_trials({"units": v, "n": n, "val_accuracy": 0.5} for n, v in enumerate(values))
    assert ends(trials, units=Integer(8, 40)).loc[("units", "upper"), "share_tried"] < 0.1


def test_a_space_that_cannot_be_read_is_no_space(caplog: pytest.LogCaptureFixture) -> None:
    assert read_domains({"parameters": {"units": {"lo": 1}}}) == {}
    assert "could not be read" in caplog.text
    assert read_domains(None) == {}
    assert read_domains({}) == {}
