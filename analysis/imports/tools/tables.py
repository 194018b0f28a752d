"""Tables that W&B, MLflow or a script of one's own exported: a row a run, or a row a run and epoch."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.arrow import hold_bytes
from analysis.errors import AnalysisError
from analysis.imports.columns import find_logged, is_metric, is_scheduled, read_epochs, read_figures
from analysis.imports.metrics import flag_of, side_of
from analysis.imports.runs import ForeignRun, Source
from analysis.imports.values import read_value
from analysis.records.schema import State
from analysis.words.numbers import listing

RUN_COLUMNS = ("run", "run_id", "Run", "Run ID", "run_name", "Name", "ID", "id")
STEP_COLUMNS = ("epoch", "Epoch", "step", "Step", "_step", "training_iteration")

_LONGEST_LINE = 2**20

_KEYS, _STEPS = ("run of the row", "step of the row")
"""Columns that are added here."""

_ABOUT = {
    *("State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Agent", "Commit", "Description"),
    *("Group", "GitHub", "GPU Count", "GPU Type", "Host", "Job Type", "Hostname", "OS", "Python Version"),
    *("status", "experiment_id", "artifact_uri", "start_time", "end_time", "ID", "Name", "id", "run_id"),
    *("run_name", "lifecycle_stage", "user_id", "_timestamp", "_runtime", "_step"),
    *(
        "Start Time",
        "End Time",
        "Duration",
        "Run ID",
        "Source Type",
        "Source Name",
        "Source",
        "Source Version",
    ),
    *("Status", "Experiment", "Experiment ID", "Models", "Dataset"),
}
"""Columns that describe a run in the exports of W&B and MLflow, and are no parameters."""

_STATES: dict[str, State] = {
    "crashed": "failed",
    "failed": "failed",
    "killed": "pruned",
    "running": "running",
    "scheduled": "running",
}

_REASONS = {"failed": "recorded as failed, without a reason", "pruned": "recorded as killed"}


def read_table(path: Path, given: Collection[str] = ()) -> Source:
    """Read an exported table, `.csv`, `.tsv` or `.parquet`.

    With a column of steps it has a row a run and epoch; without, a row a run and its last figures. Columns
    `params.X` and `metrics.X` are MLflow's; of others those that are called as metrics are taken for such,
    and the rest for parameters, but for what changes from epoch to epoch.

    Args:
        path: The table.
        given: The metrics that the user names.

    Raises:
        AnalysisError: If it is no table, has no column of runs where it needs one, or a cell holds what its
            column cannot.
    """
    frame = _read_frame(path)
    keys, steps = _tell_rows(path, frame)
    rest = [name for name in map(str, frame) if name not in (*RUN_COLUMNS, *STEP_COLUMNS, *_ABOUT)]
    metrics = [name for name in rest if _is_metric(name, frame, given)]
    figures = _read_metrics(path, frame, metrics)
    frame = frame.assign(**{_STEPS: steps, _KEYS: keys}).sort_values(_STEPS, kind="stable")
    named = [name for name in rest if name not in metrics and not name.startswith("tags.")]
    logged = find_logged(frame[_KEYS], frame[named], f"{path}: ")
    state = next((name for name in ("State", "Status", "status") if name in frame), None)
    runs = {}
    for key, rows in frame.groupby(_KEYS, sort=False):
        firsts = {name: rows[name].dropna() for name in named if name not in logged}
        ended: State = _STATES.get(str(rows[state].iloc[-1]).lower(), "completed") if state else "completed"
        runs[key] = ForeignRun(
            name=str(key),
            params={n.removeprefix("params."): read_value(v.iloc[0]) for n, v in firsts.items() if len(v)},
            steps=rows[_STEPS].to_numpy(dtype=float),
            metrics={n.removeprefix("metrics."): figures.loc[rows.index, n].to_numpy(float) for n in metrics},
            state=ended,
            reason=_REASONS.get(ended),
        )
    ordered = [runs[key] for key in keys.drop_duplicates()]
    return Source(tool="a table", name=path.stem, runs=ordered, notes=_say_changes(frame, named, logged))


def _tell_rows(path: Path, frame: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[float]]:
    """The run and the step of each row."""
    run, step = _find_columns(frame)
    if step is not None and run is not None and frame[run].duplicated().any():
        return frame[run], read_epochs(frame[run], frame[step], f"{path}: ")
    if step is not None and run is None and frame[step].duplicated().any():
        raise AnalysisError(
            f"{path}: has several rows a step and no column that tells runs apart: call it one of "
            f"{listing(RUN_COLUMNS)}"
        )
    if step is not None and len(frame) > 1 and (run is None or _numbers_rows(run, frame[step])):
        keys = pd.Series("run", index=frame.index, name="run")
        return keys, read_epochs(keys, frame[step], f"{path}: ")
    return pd.Series(range(len(frame)), index=frame.index).astype(str), pd.Series(0.0, index=frame.index)


def _find_columns(frame: pd.DataFrame) -> tuple[str | None, str | None]:
    """The columns of runs and of steps: of several the first two under which no run has a step twice.

    W&B's names of runs may be there twice, and its epochs as often as they have rows.
    """
    runs: list[str | None] = [name for name in RUN_COLUMNS if name in frame] or [None]
    steps: list[str | None] = [name for name in STEP_COLUMNS if name in frame] or [None]
    pairs = [(run, step) for step in steps for run in runs]
    return next((pair for pair in pairs if not _has_twice(frame, pair)), pairs[0])


def _has_twice(frame: pd.DataFrame, names: Sequence[str | None]) -> bool:
    given = [name for name in names if name is not None]
    return bool(given) and bool(frame.duplicated(given).any())


def _numbers_rows(run: str, steps: pd.Series[Any]) -> bool:
    """Whether what could be a column of runs numbers the rows of one run, as its steps do."""
    n = len(steps)
    return run.lower() == "id" and steps.tolist() in (list(range(n)), list(range(1, n + 1)))


def _read_metrics(path: Path, frame: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    figures = pd.DataFrame({name: read_figures(frame[name], f"{path}: ") for name in metrics}, frame.index)
    sides = {name: side_of(name) for name in metrics}
    judged = [name for name in metrics if sides[name] == "val"] or [n for n in metrics if sides[n] is None]
    if judged and figures[judged].isna().all(axis=None):
        raise AnalysisError(
            f"{path}: a study is judged by a metric of validation texts: the column {judged[0]!r} holds no "
            f"number; name another, e.g. with {flag_of('val_loss')} NAME"
        )
    return figures


def _say_changes(frame: pd.DataFrame, named: Sequence[str], logged: Sequence[str]) -> tuple[str, ...]:
    """What is said of columns that change while a run goes on."""
    scheduled = [
        name
        for name in named
        if is_scheduled(name, frame[name]) and (frame.groupby(_KEYS)[name].nunique() > 1).any()
    ]
    notes = []
    if logged:
        notes.append(f"Changing from epoch to epoch, and so no parameters: {listing(logged, 12)}.")
    if scheduled:
        notes.append(f"Changing from epoch to epoch, and taken at its first: {listing(scheduled)}.")
    return tuple(notes)


def _read_frame(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(hold_bytes(path.read_bytes()))  # Arrow takes no path that is not UTF-8
        else:
            separator, decimal = _find_separator(path)
            frame = pd.read_csv(path, sep=separator, decimal=decimal, encoding="utf-8-sig")
    except (ValueError, OSError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AnalysisError(f"{path}: cannot be read as a table: {first}") from error
    if frame.empty:
        raise AnalysisError(f"{path}: has no row; nothing to import")
    return frame.rename(columns=str).reset_index(drop=True)


def _find_separator(path: Path) -> tuple[str, str]:
    """What parts the cells of a text, and what the whole of a number: spreadsheets may write `8;0,5`."""
    if path.suffix == ".tsv":
        return "\t", "."
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        head = [stream.readline(_LONGEST_LINE) for _ in range(2)]
    separator = next((mark for mark in ",;\t" if mark in head[0]), ",")
    has_commas = separator != "," and re.search(r"(^|[;\t])-?\d+,\d+($|[;\t\s])", head[1])
    return separator, "," if has_commas else "."


def _is_metric(name: str, frame: pd.DataFrame, given: Collection[str]) -> bool:
    if name.startswith(("params.", "tags.")):
        return False
    return name.startswith("metrics.") or is_metric(name, frame[name], given)
