"""The project folder of a KerasTuner search: a `trial.json` a trial. KerasTuner is not needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun, Source
from analysis.records.schema import State
from analysis.values import is_number

TRIAL_FILE = "trial.json"
_STATES: dict[str, State] = {
    "COMPLETED": "completed",
    "FAILED": "failed",
    "INVALID": "failed",
    "STOPPED": "pruned",
    "RUNNING": "running",
}
_OWN = "tuner/"
"""Begins the names of what Hyperband keeps among the parameters of its trials."""


def holds_keras_tuner(path: Path) -> bool:
    """Whether a folder is that of a search."""
    return path.is_dir() and next(path.glob(f"trial_*/{TRIAL_FILE}"), None) is not None


def read_keras_tuner(path: Path) -> Source:
    """Read the trials of a search; each execution of a trial is a run.

    KerasTuner keeps the figures of the best epoch alone: there are no curves. What it chose by it does not
    write down: that is the metric whose figures are the trials' scores.

    Raises:
        AnalysisError: If a file is not what KerasTuner writes.
    """
    runs, scored = [], []
    for file in sorted(path.glob(f"trial_*/{TRIAL_FILE}")):
        document = _read_document(file)
        own = list(_read_trial(file, document))
        runs += own
        if is_number(document.get("score")):
            scored.append((float(document["score"]), own))
    return Source(tool="KerasTuner", name=path.resolve().name, runs=runs, objective=_find_objective(scored))


def _find_objective(scored: Sequence[tuple[float, Sequence[ForeignRun]]]) -> str | None:
    """The metric whose mean over executions is the score of every trial, None where that is not one alone."""
    names = dict.fromkeys(name for _, runs in scored for run in runs for name in run.metrics)
    found = [
        name
        for name in names
        if all(
            all(name in run.metrics for run in runs)
            and np.isclose(np.mean([run.metrics[name] for run in runs]), score, rtol=1e-6, atol=0.0)
            for score, runs in scored
        )
    ]
    return found[0] if len(found) == 1 else None


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise AnalysisError(f"{path}: is no trial as KerasTuner writes one: move it away")
    return document


def _read_trial(path: Path, document: dict[str, Any]) -> Iterator[ForeignRun]:
    try:
        values = dict(document["hyperparameters"]["values"])
        metrics = {name: kept["observations"] for name, kept in document["metrics"]["metrics"].items()}
        state = _STATES[document["status"]]
        observed = {name: _list_values(observations) for name, observations in metrics.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise AnalysisError(f"{path}: is no trial as KerasTuner writes one: move it away") from error
    params = {name: value for name, value in values.items() if not name.startswith(_OWN)}
    n_executions = max((len(values) for values in observed.values()), default=1)
    for execution in range(max(n_executions, 1)):
        figures = {
            name: np.array([values[execution]])
            for name, values in observed.items()
            if execution < len(values)
        }
        yield ForeignRun(
            name=f"{document.get('trial_id', path.parent.name)}/{execution}",
            params=params,
            steps=np.zeros(1 if figures else 0),
            metrics=figures,
            state=state,
            reason=_last_line(document.get("message")) if state == "failed" else None,
        )


def _list_values(observations: list[dict[str, Any]]) -> list[float]:
    """The figure of each execution, at the step that was kept last."""
    values = observations[-1]["value"] if observations else []
    return [float(np.nan_to_num(value, nan=np.inf)) for value in values if is_number(value)]


def _last_line(message: object) -> str:
    lines = [line.strip() for line in str(message or "").split("\n")]
    return next((line for line in reversed(lines) if line), "failed, without a message")
