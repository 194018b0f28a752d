"""A folder `mlruns` as MLflow's file store writes it. MLflow is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun, Source, gather
from analysis.imports.values import read_value
from analysis.records.schema import State

META_FILE = "meta.yaml"
_STATES: dict[str, State] = {"3": "completed", "4": "failed", "5": "failed", "1": "running", "2": "running"}
"""Of RunStatus: RUNNING 1, SCHEDULED 2, FINISHED 3, FAILED 4, KILLED 5."""


def holds_mlflow(path: Path) -> bool:
    """Whether a folder holds runs, of one experiment or of several."""
    return path.is_dir() and next(_find_runs(path), None) is not None


def read_mlflow(path: Path) -> Source:
    """Read the runs of a file store, or of one experiment in it; those that were deleted are left out.

    Raises:
        AnalysisError: If a metric's file is not what MLflow writes.
    """
    runs = sorted((_read_run(folder) for folder in _find_runs(path)), key=lambda run: run.started_at or "")
    return Source(tool="MLflow", name=path.resolve().name, runs=runs)


def _find_runs(path: Path) -> Iterator[Path]:
    folders = (path, *path.glob("*"), *path.glob("*/*"))
    return (folder for folder in folders if _is_run(folder))


def _is_run(folder: Path) -> bool:
    is_whole = all((folder / part).exists() for part in (META_FILE, "metrics", "params"))
    return is_whole and _read_meta(folder).get("lifecycle_stage", "active") == "active"


def _read_meta(folder: Path) -> dict[str, str]:
    lines = (folder / META_FILE).read_text(encoding="utf-8", errors="replace").split("\n")
    parts = (line.partition(": ") for line in lines)
    return {key: value.strip().strip("'\"") for key, colon, value in parts if colon}


def _read_run(folder: Path) -> ForeignRun:
    meta = _read_meta(folder)
    rows = []
    for file in sorted(path for path in (folder / "metrics").rglob("*") if path.is_file()):
        name = file.relative_to(folder / "metrics").as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
            parts = line.split()
            if not parts:
                continue
            try:
                step = float(parts[2]) if len(parts) > 2 else 0.0
                rows.append((step, name, float(parts[1])))
            except (ValueError, IndexError) as error:
                raise AnalysisError(
                    f"{file}: line {number} is no time, value and step: restore it from a copy"
                ) from error
    steps, metrics = gather(rows)
    params = {
        file.relative_to(folder / "params").as_posix(): read_value(file.read_text(encoding="utf-8").strip())
        for file in sorted((folder / "params").rglob("*"))
        if file.is_file()
    }
    began, ended = _milliseconds(meta.get("start_time")), _milliseconds(meta.get("end_time"))
    state = _STATES.get(meta.get("status", "3"), "completed")
    return ForeignRun(
        name=folder.name,
        params=params,
        steps=steps,
        metrics=metrics,
        state=state,
        reason="recorded as failed, without a reason" if state == "failed" else None,
        started_at=None if began is None else datetime.fromtimestamp(began / 1000, UTC).isoformat(),
        wall_s=None if began is None or ended is None else (ended - began) / 1000,
    )


def _milliseconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None
