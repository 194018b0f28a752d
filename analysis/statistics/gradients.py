"""How far back in time the loss's gradient reaches, by cell."""

from __future__ import annotations

import pandas as pd

from analysis.records.schema import run_keys


def gradient_reach(gradients: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Compare cells by how much of the gradient is left, step by step back in time.

    Runs that read the text in one direction alone: of two directions, one has its last step at the text's
    beginning, and the norms of both add up.

    Args:
        gradients: As `read_gradients` gives them.
        trials: As in `Study.trials`, with a column `cell`; `bidirectional` where it was varied.

    Returns:
        Columns `cell, moment, steps_back, n_runs, share, low, high`: the median over runs, and the lowest and
        highest, of a step's norm divided by that of the run's last step.
    """
    columns = ["cell", "moment", "steps_back", "n_runs", "share", "low", "high"]
    if gradients.empty or "cell" not in trials:
        return pd.DataFrame(columns=columns)
    one_way = trials[~trials["bidirectional"].astype(bool)] if "bidirectional" in trials else trials
    keys = run_keys(gradients, trials)
    table = gradients.merge(one_way[[*keys, "cell"]], on=keys)
    last = table[table["steps_back"] == 0].set_index([*keys, "moment"])["norm"].rename("last")
    table = table.join(last, on=[*keys, "moment"])
    table = table[(table["last"] > 0) & table["norm"].notna()]
    table = table.assign(share=table["norm"] / table["last"])
    grouped = table.groupby(["cell", "moment", "steps_back"])["share"]
    summary = grouped.agg(n_runs="size", share="median", low="min", high="max")
    return summary.reset_index()[columns]


def reach_of(reach: pd.DataFrame, cell: str, moment: str, share: float = 0.01) -> int | None:
    """Return at how many steps back the median gradient first falls below a share of the last step's.

    None where it does not within the steps recorded.
    """
    rows = reach[(reach["cell"] == cell) & (reach["moment"] == moment)].sort_values("steps_back")
    below = rows.loc[rows["share"] < share, "steps_back"]
    return None if below.empty else int(below.iloc[0])
