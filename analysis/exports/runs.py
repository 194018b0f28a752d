"""The runs of a study, one by one, as exports write them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.loading import Study
from analysis.records.schema import EPOCH_METRICS, FURTHER_METRICS, RUN_KEY, State, StudyFacts
from analysis.values import is_missing

METRICS = (*EPOCH_METRICS, *FURTHER_METRICS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One replicate, its last attempt.

    Attributes:
        group: What replicates of one setting share: `trial-0012`, and beside the search `trial-0012/confirm`.
        seed: Its seed.
        attempt: From 1.
        state: How it ended; `running` where it did not.
        reason: Why it did not complete.
        params: What the space gave it: truth values, whole numbers, floats and texts.
        began_s: Seconds since 1970, 0 where that is not known.
        ended_s: The same, None while it runs.
        epochs: Of `epochs`, the rows of this run, in order.
        ends_s: When each ended, seconds since 1970: its times added up.
    """

    group: str
    seed: int
    attempt: int
    state: State
    reason: str | None
    params: dict[str, Any]
    began_s: float
    ended_s: float | None
    epochs: pd.DataFrame
    ends_s: list[float]

    @property
    def name(self) -> str:
        """Its name, which tells the seed as `study import` reads it."""
        return f"{self.group}/seed={self.seed}"

    def curve(self, metric: str) -> Iterator[tuple[int, float, float]]:
        """Yield epoch, time and value where the metric was measured."""
        for epoch, end_s, value in zip(self.epochs["epoch"], self.ends_s, self.epochs[metric], strict=True):
            if math.isfinite(value):
                yield int(epoch), end_s, float(value)

    def best_curve(self, facts: StudyFacts) -> Iterator[tuple[int, float, float]]:
        """Yield the same of the best value so far of a study's objective."""
        better = max if facts.maximizes else min
        best: float | None = None
        for epoch, end_s, value in self.curve(facts.objective):
            best = value if best is None else better(best, value)
            yield epoch, end_s, best


def list_runs(study: Study) -> Iterator[Run]:
    """Yield the runs of a study in the order of its tables."""
    by_run = dict(iter(study.epochs.groupby(list(RUN_KEY))))
    none, whole = study.epochs.iloc[:0], _find_whole(study)
    for row in study.trials.to_dict("records"):
        epochs = by_run.get(tuple(row[name] for name in RUN_KEY), none)
        began_s = _read_time(row["started_at"])
        state: State = row["state"]
        group = f"trial-{row['trial']:04d}"
        yield Run(
            group=group if row["phase"] == "search" else f"{group}/{row['phase']}",
            seed=row["seed"],
            attempt=row["attempt"],
            state=state,
            reason=row["reason"] if isinstance(row["reason"], str) else None,
            params={
                name: _read_param(row[name], name in whole)
                for name in study.parameters
                if not is_missing(row[name])
            },
            began_s=began_s,
            ended_s=None if state == "running" else began_s + _or_zero(row["wall_s"]),
            epochs=epochs,
            ends_s=(began_s + _or_zero(row["setup_s"]) + epochs["epoch_s"].fillna(0.0).cumsum()).tolist(),
        )


def _read_time(text: Any) -> float:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else 0.0


def _or_zero(value: Any) -> float:
    return 0.0 if is_missing(value) else float(value)


def _find_whole(study: Study) -> set[str]:
    """Parameters of whole numbers whose columns hold floats, since some runs lack them."""
    columns = {name: study.trials[name] for name in study.parameters}
    return {
        name
        for name, column in columns.items()
        if column.dtype.kind == "f" and column.hasnans and (column.dropna() % 1 == 0).all()
    }


def _read_param(value: Any, is_whole: bool) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return int(value) if is_whole else value
