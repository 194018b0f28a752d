"""Runs that a tool calls finished and whose figures are no numbers in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.imports.runs import ForeignRun


def mark_diverged(runs: Sequence[ForeignRun], mapped: Mapping[str, str], objective: str) -> list[ForeignRun]:
    """Say of completed runs whose losses or objective end in what is not finite that they diverged.

    A table has nothing where a script wrote NaN. That counts where a run had the figure at each step before,
    and goes on without, or other runs have it there.

    Args:
        runs: As they were read.
        mapped: Names there by names here.
        objective: The metric of ours that chooses.
    """
    judging = [theirs for ours, theirs in mapped.items() if ours.endswith("loss") or ours == objective]
    known = {
        name: {
            step
            for run in runs
            if name in run.metrics
            for step in run.steps[~np.isnan(run.metrics[name])].tolist()
        }
        for name in judging
    }
    return [_mark(run, known) for run in runs]


def _mark(run: ForeignRun, known: Mapping[str, set[float]]) -> ForeignRun:
    if run.state != "completed":
        return run
    for name, steps in known.items():
        if name not in run.metrics:
            continue
        is_known = np.array([step in steps for step in run.steps.tolist()], dtype=bool)
        values = run.metrics[name]
        lost = _find_end(values, is_known)
        if lost is not None:
            reason = f"{name} is not finite from step {run.steps[lost]:.0f} on"
            return replace(run, state="diverged", reason=reason)
    return run


def _find_end(values: NDArray[np.float64], is_known: NDArray[np.bool_]) -> int | None:
    """Where a figure is finite no more, to the end of its run; None where it ends finite."""
    finite = np.isfinite(values)
    last = int(np.flatnonzero(finite)[-1]) if finite.any() else -1
    behind = np.arange(len(values)) > last
    infinite = np.flatnonzero(behind & np.isinf(values))
    if len(infinite):
        return int(infinite[0])
    was_whole = finite[is_known & ~behind].all()
    missing = np.flatnonzero(behind & is_known)
    if last >= 0 and was_whole and len(missing):
        return int(missing[0])
    if last >= 1 and finite[: last + 1].all() and last + 1 < len(values):
        return last + 1
    return None
