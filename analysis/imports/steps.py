"""The steps at which runs were measured, and the epochs that they are counted as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.imports.runs import ForeignRun
from analysis.words.numbers import count

_SHARED = 1.5
"""Runs share their steps where all of these are at most so many times those of the longest run."""

Mask = NDArray[np.bool_]


def keep_measured(
    runs: Sequence[ForeignRun], mapped: Mapping[str, str]
) -> tuple[list[ForeignRun], tuple[str, ...]]:
    """Leave out steps that say nothing of a study, and what is to be said of that.

    These are steps at which no metric of ours was measured; and where most are of the training side alone, as
    where that is logged by batch and validation by epoch, those at which validation was not measured.

    Args:
        runs: As they were read.
        mapped: Names there by names here.

    Returns:
        The runs, and sentences.
    """
    judged = [theirs for ours, theirs in mapped.items() if ours.startswith("val_")]
    runs = [_take(run, _is_measured(run, mapped.values())) for run in runs]
    validated = [_is_measured(run, judged) for run in runs]
    n_steps = sum(len(mask) for mask in validated if mask.any())
    n_validated = sum(int(mask.sum()) for mask in validated)
    if not 2 * n_validated < n_steps:
        return runs, ()
    said = (
        f"Validation was measured at {n_validated:,} of {count(n_steps, 'step')}: these alone are taken, and "
        "what was recorded of training between them is left out."
    )
    return [_take(run, mask) for run, mask in zip(runs, validated, strict=True)], (said,)


def _is_measured(run: ForeignRun, names: Any) -> Mask:
    is_measured = np.zeros(len(run.steps), dtype=bool)
    for name in names:
        if name in run.metrics:
            is_measured |= ~np.isnan(run.metrics[name])
    return is_measured


def _take(run: ForeignRun, mask: Mask) -> ForeignRun:
    if mask.all():
        return run
    metrics = {name: values[mask] for name, values in run.metrics.items()}
    return replace(run, steps=run.steps[mask], metrics=metrics)


def number_steps(runs: Sequence[ForeignRun]) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Count measurements from 1, so that the same number is the same step in all runs.

    Tools count epochs from 0 or 1, or steps of training. Where runs were measured at steps of their own, each
    run's are counted by themselves.

    Returns:
        The epochs of each run, and sentences on what a number stands for where it is another there.
    """
    union = np.unique(np.concatenate([run.steps for run in runs]))
    longest = max(runs, key=lambda run: len(run.steps))
    if len(union) > _SHARED * len(longest.steps):
        other = next(run for run in runs if len(run.steps) and not np.isin(run.steps, longest.steps).all())
        said = (
            "Runs were measured at steps of their own, and an epoch here is a measurement, which need not be "
            f"the same step in two runs: {_show_steps(longest)}, {_show_steps(other)}. Compare them with "
            "care."
        )
        return [np.arange(1, len(run.steps) + 1) for run in runs], (said,)
    numbers = [np.searchsorted(union, run.steps) + 1 for run in runs]
    n = len(union)
    if n < 2 or union.tolist() in (list(range(n)), list(range(1, n + 1))):
        return numbers, ()
    said = (
        f"Counted as epochs are the {n:,} steps at which runs were measured: epoch 1 here is {union[0]:.0f} "
        f"there, epoch 2 is {union[1]:.0f}, epoch {n:,} is {union[-1]:.0f}."
    )
    return numbers, (said,)


def _show_steps(run: ForeignRun) -> str:
    return f"run {run.name!r} at {run.steps[0]:.0f} to {run.steps[-1]:.0f} ({len(run.steps):,} of them)"
