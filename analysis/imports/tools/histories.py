"""Keras's histories: a JSON file or a table of `CSVLogger` a run, in a folder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports.columns import read_epochs
from analysis.imports.runs import ForeignRun, Source, flatten
from analysis.imports.values import read_path
from analysis.values import is_number

_KEYS = ("params", "config", "hyperparameters", "hparams")
"""Under which a JSON file may hold parameters beside its `history`."""


def holds_histories(path: Path) -> bool:
    """Whether a folder, or a file, is one of histories."""
    return next(_find_files(path), None) is not None


def read_histories(path: Path) -> Source:
    """Read runs of Keras's `fit`.

    A JSON file holds `history.history`, a list of numbers a metric, alone or under `history` beside `params`,
    or what `DataFrame.to_json` makes of it; a table has the columns `epoch` and a metric each. Parameters
    that no file holds are read from its name and its folders' names, in parts `key=value`, as in
    `cell=lstm,units=32/seed=1.csv`.

    Raises:
        AnalysisError: If a file holds no history.
    """
    root = path if path.is_dir() else path.parent
    runs, notes = [], []
    for file in sorted(_find_files(path)):
        run, is_cut = _read_run(file, root)
        runs.append(run)
        if is_cut:
            notes.append(f"{run.name}: the last line was cut while it was written, and is left out.")
    return Source(tool="Keras", name=path.resolve().stem, runs=runs, notes=tuple(notes))


def _find_files(path: Path) -> Iterator[Path]:
    files = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
    return (file for file in files if file.suffix in (".json", ".csv", ".log") and _holds_history(file))


def _holds_history(file: Path) -> bool:
    if not file.is_file():
        return False
    if file.suffix == ".json":
        try:
            return _pick_history(json.loads(file.read_text(encoding="utf-8"))) is not None
        except (ValueError, RecursionError, OSError):
            return False
    with file.open(encoding="utf-8", errors="replace") as stream:
        head = stream.readline(4096)
    return "epoch" in [part.strip() for part in head.replace(";", ",").split(",")]


def _pick_history(document: Any) -> dict[str, list[float]] | None:
    if not isinstance(document, dict):
        return None
    inner = document.get("history", document)
    inner = inner.get("history", inner) if isinstance(inner, dict) else {}
    if inner and all(map(_is_column, inner.values())):
        inner = {name: [rows[row] for row in sorted(rows, key=int)] for name, rows in inner.items()}
    curves = {name: curve for name, curve in inner.items() if _is_curve(curve)}
    return curves or None


def _is_column(value: Any) -> bool:
    """Whether this is a column as `DataFrame.to_json` writes it: values by the number of their row."""
    return isinstance(value, dict) and bool(value) and all(row.isdecimal() for row in value)


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(v is None or is_number(v) for v in value)


def _read_run(file: Path, root: Path) -> tuple[ForeignRun, bool]:
    """A run, and whether its last line was cut."""
    name, params = str(file.relative_to(root)), read_path(file.relative_to(root).with_suffix(""))
    if file.suffix == ".json":
        document = json.loads(file.read_text(encoding="utf-8"))
        for key in _KEYS:
            kept = document.get(key)
            params |= dict(flatten(kept)) if isinstance(kept, dict) else {}
        curves = _pick_history(document) or {}
        frame = pd.DataFrame(
            {name: pd.Series(list(map(_as_figure, curve))) for name, curve in curves.items()}
        )
        steps, is_cut = frame.index.to_numpy(dtype=float), False
    else:
        frame, is_cut = _read_table(file)
        runs = pd.Series(name, index=frame.index)
        steps = read_epochs(runs, frame["epoch"], f"{file}: ").to_numpy(dtype=float)
    figures = {str(name): frame[name].to_numpy(dtype=float) for name in frame if name != "epoch"}
    order = np.argsort(steps, kind="stable")
    metrics_by_step = {name: values[order] for name, values in figures.items()}
    return ForeignRun(name=name, params=params, steps=steps[order], metrics=metrics_by_step), is_cut


def _as_figure(value: float | None) -> float:
    """A figure of a list: None was not measured; what came out as NaN was, and is no gap."""
    if value is None:
        return np.nan
    return np.inf if np.isnan(value) else float(value)


def _read_table(file: Path) -> tuple[pd.DataFrame, bool]:
    """A table of numbers, and whether its last line was cut."""
    try:
        lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        mark = next((mark for mark in ",;\t" if mark in lines[0]), ",")
        is_cut = len(lines) > 1 and lines[-1].count(mark) < lines[0].count(mark)
        text = "\n".join(lines[:-1] if is_cut else lines)
        frame = pd.read_csv(io.StringIO(text), sep=mark).apply(pd.to_numeric)
        frame = frame.rename(columns=lambda name: str(name).strip())
    except (ValueError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0]
        raise AnalysisError(f"{file}: is no table of numbers by epoch: {first}") from error
    return frame, is_cut
