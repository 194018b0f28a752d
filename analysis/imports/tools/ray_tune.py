"""The folder of a Ray Tune experiment: `params.json` and `result.json` of each trial. Ray is not needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun, Source, flatten, gather
from analysis.values import is_number
from analysis.words.numbers import count

RESULT_FILE, PARAMS_FILE, ERROR_FILE = "result.json", "params.json", "error.txt"
STATE_FILES = "experiment_state-*.json"
"""Each session that ran the experiment leaves one, the time of its start in its name."""

_AUTOMATIC = {
    "training_iteration",
    "iterations_since_restore",
    "time_since_restore",
    "time_this_iter_s",
    "time_total_s",
    "timestamp",
    "pid",
    "timesteps_total",
    "episodes_total",
    "timesteps_since_restore",
    "warmup_time",
}
"""Figures that Tune adds to each result by itself."""


def holds_tune(path: Path) -> bool:
    """Whether a folder is that of an experiment, or of a trial."""
    return path.is_dir() and next(_find_trials(path), None) is not None


def read_tune(path: Path, *, shorter: str = "pruned") -> Source:
    """Read the trials of an experiment.

    Tune does not write down who was stopped by its scheduler: runs that had fewer iterations than the longest
    are taken to have been stopped (`pruned`) unless `shorter` says `completed`.

    Raises:
        AnalysisError: If a file is no JSON that Tune writes.
    """
    statuses = _read_statuses(path)
    runs = [_read_trial(folder, statuses.get(folder.name)) for folder in sorted(_find_trials(path))]
    longest = max((len(run.steps) for run in runs), default=0)
    n_shorter = sum(1 for run in runs if run.state == "completed" and len(run.steps) < longest)
    notes: tuple[str, ...] = ()
    if n_shorter and shorter == "pruned":
        runs = [
            _as_pruned(run) if len(run.steps) < longest and run.state == "completed" else run for run in runs
        ]
        notes = (
            f"Tune does not tell who was stopped; what ended before iteration {longest} is taken to have "
            f"been stopped by its scheduler: {count(n_shorter, 'run')}.",
        )
    return Source(tool="Ray Tune", name=path.resolve().name, runs=runs, notes=notes)


def _find_trials(path: Path) -> Iterator[Path]:
    folders = (path, *(child for child in path.iterdir() if child.is_dir()))
    return (folder for folder in folders if (folder / PARAMS_FILE).is_file())


def _read_statuses(path: Path) -> dict[str, str]:
    """What the last session says of each trial, by its folder; nothing where no session left word."""
    for file in sorted((*path.glob(STATE_FILES), *path.parent.glob(STATE_FILES)), key=_name, reverse=True):
        try:
            trials = [json.loads(trial[0]) for trial in json.loads(file.read_bytes())["trial_data"]]
            return {trial["relative_logdir"]: trial["status"] for trial in trials}
        except (ValueError, LookupError, TypeError, OSError, RecursionError):
            continue  # of another release, or cut: trials tell something by themselves
    return {}


def _name(path: Path) -> str:
    return path.name


def _read_trial(folder: Path, status: str | None) -> ForeignRun:
    """Read a trial; the error of one that was restored and ended well stays in its folder."""
    params = dict(flatten(_read_object(folder / PARAMS_FILE)))
    results = list(_read_lines(folder / RESULT_FILE))
    rows = [
        (float(result.get("training_iteration", number)), name, float(value))
        for number, result in enumerate(results, start=1)
        for name, value in _flatten_metrics(result)
        if is_number(value)
    ]
    steps, metrics = gather(rows)
    error = folder / ERROR_FILE
    reason = _last_line(error) if error.is_file() and status != "TERMINATED" else None
    last = results[-1] if results else {}
    is_over = status == "TERMINATED" or bool(last.get("done")) or (status != "RUNNING" and bool(results))
    return ForeignRun(
        name=folder.name,
        params=params,
        steps=steps,
        metrics=metrics,
        state="failed" if reason is not None else "completed" if is_over else "running",
        reason=reason,
        wall_s=last.get("time_total_s"),
    )


def _as_pruned(run: ForeignRun) -> ForeignRun:
    return replace(run, state="pruned", reason=f"stopped after iteration {len(run.steps)}")


def _flatten_metrics(result: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    own = {k: v for k, v in result.items() if k not in _AUTOMATIC and k not in ("config", "perf")}
    return flatten(own)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise AnalysisError(f"{path}: is no JSON: restore it from a copy, or move the trial away") from error
    if not isinstance(value, dict):
        raise AnalysisError(f"{path}: is no JSON object, as Tune writes one: move the trial away")
    return value


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The results of a trial; a last line that was cut while it was written is left out."""
    if not path.is_file():
        return
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                return
            raise AnalysisError(f"{path}: line {number} is no JSON: restore the file from a copy") from error
        if isinstance(value, dict):
            yield value


def _last_line(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").split("\n")]
    return next((line for line in reversed(lines) if line), "an error without a message")
