"""Keras's histories: a JSON file or a table of `CSVLogger` a run, in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun, Source, flatten, is_number
from analysis.imports.values import read_path

_KEYS = ("params", "config", "hyperparameters", "hparams")
"""Under which a JSON file may hold parameters beside its `history`."""


def holds_histories(path: Path) -> bool:
    """Whether a folder, or a file, is one of histories."""
    return next(_find_files(path), None) is not None


def read_histories(path: Path) -> Source:
    """Read runs of Keras's `fit`.

    A JSON file holds `history.history`, a list of numbers a metric, alone or under `history` beside `params`;
    a table has the columns `epoch` and a metric each. Parameters that no file holds are read from its name
    and its folders' names, in parts `key=value`, as in `cell=lstm,units=32/seed=1.csv`.

    Raises:
        AnalysisError: If a file holds no history.
    """
    root = path if path.is_dir() else path.parent
    runs = [_read_run(file, root) for file in sorted(_find_files(path))]
    return Source(tool="Keras", name=path.resolve().stem, runs=runs)


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
    curves = {name: curve for name, curve in inner.items() if _is_curve(curve)}
    return curves or None


def _is_curve(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(v is None or is_number(v) for v in value)


def _read_run(file: Path, root: Path) -> ForeignRun:
    params = read_path(file.relative_to(root).with_suffix(""))
    if file.suffix == ".json":
        document = json.loads(file.read_text(encoding="utf-8"))
        curves = {
            name: [value if value is None or np.isfinite(value) else np.inf for value in curve]
            for name, curve in (_pick_history(document) or {}).items()
        }
        for key in _KEYS:
            kept = document.get(key)
            params |= dict(flatten(kept)) if isinstance(kept, dict) else {}
    else:
        curves = _read_table(file)
    n_epochs = max(len(curve) for curve in curves.values())
    padded = {
        name: np.array([*curve, *[None] * (n_epochs - len(curve))], dtype=float)
        for name, curve in curves.items()
    }
    return ForeignRun(
        name=str(file.relative_to(root)),
        params=params,
        steps=np.arange(1.0, n_epochs + 1),
        metrics={name: curve for name, curve in padded.items() if name != "epoch"},
    )


def _read_table(file: Path) -> dict[str, list[float]]:
    try:
        frame = pd.read_csv(file, sep=None, engine="python")
        frame = frame.apply(pd.to_numeric)
    except (ValueError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0]
        raise AnalysisError(f"{file}: is no table of numbers by epoch: {first}") from error
    return {str(name): frame[name].tolist() for name in frame}
