"""Accuracy against cost: the settings that nothing cheaper beats."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.settings import check_columns, parameter_columns, summarize_settings

Cost = Literal["to_best_s", "wall_s", "n_weights"]
"""Seconds to the best epoch without the start, all seconds of a run, trained numbers."""


def find_front(costs: ArrayLike, scores: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other point dominates: none costs as little and scores as much, one of both better.

    Points with equal cost and score stand on the front together. A point without cost or score never does.

    Args:
        costs: Less is better, shape (n,).
        scores: More is better, shape (n,).
    """
    costs, scores = np.asarray(costs, dtype=float), np.asarray(scores, dtype=float)
    on_front = np.zeros(len(costs), dtype=bool)
    known = np.flatnonzero(np.isfinite(costs) & np.isfinite(scores))
    order = known[np.lexsort((-scores[known], costs[known]))]
    best_before = -np.inf
    last: tuple[float, float] | None = None
    for index in order:
        point = (float(costs[index]), float(scores[index]))
        if point[1] > best_before or point == last:
            on_front[index] = True
            best_before, last = point[1], point
    return on_front


def accuracy_cost_front(
    trials: pd.DataFrame, cost: Cost = "to_best_s", score: str = "val_accuracy"
) -> pd.DataFrame:
    """Mean score and mean cost of each setting, and whether it is on the front.

    Only completed replicates count: one that was cut short is cheap because it was, not by its setting.
    Seconds compare settings only where they ran on like machines.

    Args:
        trials: The contract's table.
        cost: What it cost.
        score: More is better.

    Returns:
        By cost, cheapest first: `setting, cost, score, score_low, score_high` (Student's interval over
        replicates), `n_completed, on_front`, then the parameters.
    """
    check_columns(trials, (cost,), "trials")
    table = summarize_settings(trials, score, phase="search").dropna(subset=["mean", cost])
    table = table.assign(on_front=find_front(table[cost], table["mean"]))
    names = {cost: "cost", "mean": "score", "low": "score_low", "high": "score_high"}
    columns = ["setting", "cost", "score", "score_low", "score_high", "n_completed", "on_front"]
    table = table.rename(columns=names).sort_values(["cost", "score"], ascending=[True, False])
    return table.reset_index(drop=True)[[*columns, *parameter_columns(trials)]]
