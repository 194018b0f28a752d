"""How far back in time the loss's gradient reaches, where a study recorded it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.records.database import LAST_ATTEMPTS, open_read_only

GRADIENT_COLUMNS = ("trial", "replicate", "moment", "steps_back", "norm")
"""`moment` is `start` or `end` of training; `steps_back` counts from the last step, 0."""

MOMENTS = ("start", "end")


def read_gradients(database: Path | None) -> pd.DataFrame:
    """Read gradient norms by step, `GRADIENT_COLUMNS`; empty where none were recorded.

    Raises:
        AnalysisError: If what was recorded is no series of numbers.
    """
    parts = []
    rows = []
    if database is not None:
        columns = "t.trial, t.replicate, t.moment, t.norms"
        with open_read_only(database) as connection:
            rows = connection.execute(LAST_ATTEMPTS.format(columns=columns, table="gradients")).fetchall()
    for trial, replicate, moment, content in rows:
        if len(content) % 4 or moment not in MOMENTS:
            raise AnalysisError(
                f"{database}: gradients of trial {trial}, replicate {replicate} are not a series of numbers: "
                "restore the file from a copy"
            )
        norms = np.frombuffer(content, dtype="<f4").astype(np.float64)
        keys = {"trial": trial, "replicate": replicate, "moment": moment}
        parts.append(pd.DataFrame({**keys, "steps_back": np.arange(len(norms)), "norm": norms}))
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in GRADIENT_COLUMNS})
    return pd.concat(parts, ignore_index=True)


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
    keys = ["trial", "replicate"]
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
