"""Tables that W&B, MLflow or a script of one's own exported: a row a run, or a row a run and epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.arrow import hold_bytes
from analysis.errors import AnalysisError
from analysis.imports.metrics import tells_kind
from analysis.imports.runs import ForeignRun, Source
from analysis.imports.values import read_value
from analysis.records.schema import State
from analysis.words.numbers import listing

RUN_COLUMNS = ("run", "run_id", "Run", "run_name", "Name", "ID", "id")
STEP_COLUMNS = ("epoch", "Epoch", "step", "Step", "_step", "training_iteration")

_ABOUT = {
    *("State", "Notes", "User", "Tags", "Created", "Runtime", "Sweep", "Agent", "Commit", "Description"),
    *("Group", "GitHub", "GPU Count", "GPU Type", "Host", "Job Type", "Hostname", "OS", "Python Version"),
    *("status", "experiment_id", "artifact_uri", "start_time", "end_time", "ID", "Name", "id", "run_id"),
    *("run_name", "lifecycle_stage", "user_id", "_timestamp", "_runtime", "_step"),
}
"""Columns that describe a run in the exports of W&B and MLflow, and are no parameters."""

_STATES: dict[str, State] = {
    "crashed": "failed",
    "failed": "failed",
    "killed": "failed",
    "running": "running",
}


def read_table(path: Path) -> Source:
    """Read an exported table, `.csv`, `.tsv` or `.parquet`.

    With a column of steps it has a row a run and epoch; without, a row a run and its last figures. Columns
    `params.X` and `metrics.X` are MLflow's; of others those that are called as metrics are taken for such,
    and the rest for parameters.

    Raises:
        AnalysisError: If it is no table, or has no column of runs where it needs one.
    """
    frame = _read_frame(path)
    run = next((name for name in RUN_COLUMNS if name in frame), None)
    step = next((name for name in STEP_COLUMNS if name in frame), None)
    if step is not None and frame[step].nunique() > 1 and run is not None and frame[run].duplicated().any():
        keys, steps = frame[run], frame[step].to_numpy(dtype=float)
    elif step is not None and frame[step].nunique() > 1 and not frame[step].duplicated().any():
        keys, steps = pd.Series("run", index=frame.index), frame[step].to_numpy(dtype=float)
    elif run is None and step is not None and frame[step].duplicated().any():
        raise AnalysisError(
            f"{path}: has several rows a step and no column that tells runs apart: call it one of "
            f"{listing(RUN_COLUMNS)}"
        )
    else:
        keys, steps = pd.Series(range(len(frame)), index=frame.index).astype(str), np.zeros(len(frame))
    rest = [name for name in map(str, frame) if name not in (run, step, *_ABOUT)]
    metrics = [name for name in rest if _is_metric(name, frame)]
    state = next((name for name in ("State", "status") if name in frame), None)
    runs = []
    for key, rows in frame.assign(**{"": steps}).groupby(keys, sort=False):
        rows = rows.sort_values("", kind="stable")
        params = {
            name.removeprefix("params."): read_value(rows[name].iloc[0])
            for name in rest
            if name not in metrics and not pd.isna(rows[name].iloc[0]) and not name.startswith("tags.")
        }
        ended: State = _STATES.get(str(rows[state].iloc[-1]).lower(), "completed") if state else "completed"
        runs.append(
            ForeignRun(
                name=str(key),
                params=params,
                steps=rows[""].to_numpy(dtype=float),
                metrics={n.removeprefix("metrics."): rows[n].to_numpy(dtype=float) for n in metrics},
                state=ended,
                reason="recorded as failed, without a reason" if ended == "failed" else None,
            )
        )
    return Source(tool="a table", name=path.stem, runs=runs)


def _read_frame(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(hold_bytes(path.read_bytes()))  # Arrow takes no path that is not UTF-8
        else:
            frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", encoding="utf-8-sig")
    except (ValueError, OSError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AnalysisError(f"{path}: cannot be read as a table: {first}") from error
    if frame.empty:
        raise AnalysisError(f"{path}: has no row; nothing to import")
    return frame.rename(columns=str)


def _is_metric(name: str, frame: pd.DataFrame) -> bool:
    if not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].dtype == bool:
        return False
    return name.startswith("metrics.") or (not name.startswith("params.") and tells_kind(name))
