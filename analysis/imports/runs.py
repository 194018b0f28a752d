"""A run that another tool made, before it is known which of its metrics is which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.schema import State


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignRun:
    """One run of another tool.

    Attributes:
        name: What it is called there.
        params: Its parameters, nested ones by dotted names; a seed may be among them.
        steps: When it was measured, as the tool counts; shape (n,), rising.
        metrics: By the tool's own names, each of shape (n,), NaN where it was not measured; infinite where it
            was, and no finite number came out.
        state: How it ended.
        reason: Why it did not complete.
        started_at: UTC, ISO 8601.
        wall_s: How long it took.
    """

    name: str
    params: Mapping[str, Any]
    steps: np.ndarray[Any, np.dtype[np.float64]]
    metrics: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    state: State = "completed"
    reason: str | None = None
    started_at: str | None = None
    wall_s: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """All that a source of another tool holds.

    Attributes:
        tool: The tool, e.g. `Optuna`.
        name: What the runs are called together.
        runs: In the order in which they were begun.
        space: The document of the search space, where the tool keeps it; else it is inferred from the runs.
        guesses: The metric of ours that a metric there is taken for where its name does not tell.
        objective: The metric there that the tool chose by, where it keeps that.
        notes: What was left out and why, a sentence each.
    """

    tool: str
    name: str
    runs: list[ForeignRun]
    space: dict[str, Any] | None = None
    guesses: Mapping[str, str] = field(default_factory=dict)
    objective: str | None = None
    notes: tuple[str, ...] = ()


def gather(rows: Iterable[tuple[float, str, float]]) -> tuple[Any, dict[str, Any]]:
    """Arrange measurements by step.

    Args:
        rows: Step, name and value of each, which was measured also where it is NaN; of two at one step the
            later counts.

    Returns:
        The steps and the metrics of a `ForeignRun`.
    """
    frame = pd.DataFrame(list(rows), columns=["step", "name", "value"])
    if frame.empty:
        return np.empty(0), {}
    frame["value"] = frame["value"].astype(float).fillna(np.inf)
    wide = frame.pivot_table(index="step", columns="name", values="value", aggfunc="last", dropna=False)
    return wide.index.to_numpy(dtype=float), {str(name): wide[name].to_numpy(float) for name in wide.columns}


def flatten(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name nested parameters by their path, `optimizer.lr`."""
    for key, value in params.items():
        name = f"{prefix}{str(key).replace('/', '.')}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{name}.")
        else:
            yield name, value
