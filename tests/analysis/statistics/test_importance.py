from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.statistics.importance import parameter_importance

MakeTable = Callable[..., pd.DataFrame]
SPACE = {"parameters": {"rate": {"low": 1e-4, "high": 1e-2, "log": True}, "cell": ["rnn", "gru"], "units": 8}}


def search(n: int = 60, **fixed: Any) -> list[dict[str, Any]]:
    """Most depends on the rate, on its log scale; a little on the cell; nothing on `idle`."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(n):
        power, cell = rng.uniform(-4, -2), str(rng.choice(["rnn", "gru"]))
        accuracy = 0.7 + 0.05 * power + 0.02 * (cell == "gru") + rng.normal(0, 0.003)
        rows.append(
            {
                "rate": float(10**power),
                "cell": cell,
                "idle": int(rng.integers(1, 9)),
                "val_accuracy": accuracy,
                **fixed,
            }
        )
    return rows


@pytest.fixture
def needs_optuna() -> None:
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn")


@pytest.mark.usefixtures("needs_optuna")
def test_both_evaluators_put_what_matters_first(make_trials: MakeTable) -> None:
    table = parameter_importance(make_trials(search(100)), SPACE, repeats=4)
    for evaluator in ("fANOVA", "PED-ANOVA"):
        own = table[table["evaluator"] == evaluator].set_index("parameter")
        assert own.index[0] == "rate"
        assert own.loc["rate", "importance"] > 3 * own.loc["idle", "importance"]
        assert (own["low"] <= own["high"]).all()
    shares = table[table["evaluator"] == "PED-ANOVA"]["importance"]
    assert shares.sum() == pytest.approx(1)


@pytest.mark.usefixtures("needs_optuna")
def test_parameters_that_are_not_always_set_are_named_without_a_number(make_trials: MakeTable) -> None:
    rows = search()
    for number, row in enumerate(rows):
        row["depth"] = number % 4 if row["cell"] == "gru" else None
    table = parameter_importance(make_trials(rows), repeats=2).set_index("parameter")
    assert table.loc["depth", "importance"].isna().all()
    assert table.loc["rate", "importance"].notna().all()


@pytest.mark.usefixtures("needs_optuna")
@pytest.mark.parametrize(
    "rows",
    [
        [],
        search(10),
        search(30, val_accuracy=0.5),
        search(30, state="failed"),
        search(30, val_accuracy=None),
        search(30, rate=0.1, cell="rnn", idle=1),
    ],
)
def test_studies_that_say_nothing_give_an_empty_table(
    make_trials: MakeTable, rows: list[dict[str, Any]]
) -> None:
    table = parameter_importance(make_trials(rows), repeats=2)
    assert table.empty
    assert "importance" in table.columns


@pytest.mark.usefixtures("needs_optuna")
def test_runs_cut_short_are_not_scores_of_their_parameters(make_trials: MakeTable) -> None:
    rows = search()
    misleading = [{**row, "state": "pruned", "val_accuracy": row["idle"] / 10} for row in search(60)]
    table = parameter_importance(make_trials([*rows, *misleading]), repeats=2)
    assert table["n_settings"].unique().tolist() == [60]
    assert table["parameter"].iloc[0] == "rate"


@pytest.mark.usefixtures("needs_optuna")
def test_values_that_left_the_space_and_an_unreadable_space_are_no_hindrance(make_trials: MakeTable) -> None:
    narrow = {"parameters": {"rate": {"low": 1e-3, "high": 2e-3}, "cell": ["rnn", "lstm"]}}
    assert not parameter_importance(make_trials(search()), narrow, repeats=1).empty
    assert not parameter_importance(make_trials(search()), {"nonsense": 1}, repeats=1).empty


@pytest.mark.usefixtures("needs_optuna")
def test_same_seed_same_importance(make_trials: MakeTable) -> None:
    trials = make_trials(search())
    first, again, other = (parameter_importance(trials, repeats=2, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["importance"].equals(other["importance"])


@pytest.mark.parametrize("name", ["optuna", "sklearn"])
def test_a_missing_library_is_answered_with_what_to_install(
    make_trials: MakeTable, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pytest.importorskip("optuna")
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AnalysisError, match=r"pip install 'recurrent-study\[optuna\]'"):
        parameter_importance(make_trials(search()))
