"""What the search promised against what fresh seeds and the sealed test split gave."""

from __future__ import annotations

import pandas as pd

from analysis.records.schema import Objective
from analysis.statistics.intervals import LEVEL
from analysis.statistics.optimism import accuracy_half_width
from analysis.statistics.settings import scored_runs, summarize_settings, with_settings


def confirmation_by_setting(
    trials: pd.DataFrame,
    n_validation: int,
    n_test: int,
    objective: Objective = "val_accuracy",
    *,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Compare each confirmed setting's accuracy in the search, on fresh seeds, and on test texts.

    Completed runs alone. What the search says of a setting that was picked for it flatters; the fresh seeds
    chose nothing but their best epoch, and the test texts chose nothing at all.

    Args:
        trials: As in `Study.trials`.
        n_validation: Texts behind each validation accuracy.
        n_test: Texts behind each test accuracy.
        objective: By what the best is the best; all figures but its own are accuracies.
        level: Coverage of the intervals, over seeds and texts together (`optimism.accuracy_half_width`).

    Returns:
        One row per confirmed setting, best on fresh seeds first: `setting, objective` (mean over these, on
        validation texts), `searched` (mean validation accuracy
        in the search), `n_searched, confirmed, confirmed_half_width, n_confirmed, test, test_half_width,
        optimism` (searched - confirmed), `val_minus_test` (confirmed - test).
    """
    runs = with_settings(trials)
    fresh = scored_runs(runs, "val_accuracy", phase="confirm")
    judged = fresh[objective].groupby(fresh["setting"]).mean()
    summary = fresh.groupby("setting").agg(
        confirmed=("score", "mean"),
        sd=("score", "std"),
        n_confirmed=("score", "size"),
        test=("test_accuracy", "mean"),
        test_sd=("test_accuracy", "std"),
    )
    searched = summarize_settings(trials, "val_accuracy", phase="search").set_index("setting")
    table = summary.join(searched[["mean", "n_completed"]]).rename(
        columns={"mean": "searched", "n_completed": "n_searched"}
    )
    table = table.assign(
        objective=judged,
        confirmed_half_width=accuracy_half_width(
            table["confirmed"], table["sd"], table["n_confirmed"], n_validation, level
        ),
        test_half_width=accuracy_half_width(
            table["test"], table["test_sd"], table["n_confirmed"], n_test, level
        ),
        optimism=table["searched"] - table["confirmed"],
        val_minus_test=table["confirmed"] - table["test"],
    )
    columns = [
        "setting", "objective", "searched", "n_searched", "confirmed", "confirmed_half_width", "n_confirmed",
        "test", "test_half_width", "optimism", "val_minus_test",
    ]  # fmt: skip
    is_loss = objective == "val_loss"
    return table.reset_index().sort_values("objective", ascending=is_loss, ignore_index=True)[columns]
