"""A folder `mlruns` as MLflow's file store writes it, or its SQLite database. MLflow is not needed."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun, Source, gather
from analysis.imports.values import read_value
from analysis.records.read_only import open_read_only
from analysis.records.schema import State
from analysis.words.numbers import count, listing
from search_spaces.formats.beginnings import SQLITE

META_FILE = "meta.yaml"
_STATES: dict[str, State] = {
    **dict.fromkeys(("3", "FINISHED"), "completed"),
    **dict.fromkeys(("4", "FAILED"), "failed"),
    **dict.fromkeys(("5", "KILLED"), "pruned"),
    **dict.fromkeys(("1", "RUNNING", "2", "SCHEDULED"), "running"),
}
"""Of RunStatus, numbers in files and names in databases. Who was killed had learned something until then."""

_REASONS = {"failed": "recorded as failed, without a reason", "pruned": "recorded as killed"}


def holds_mlflow(path: Path) -> bool:
    """Whether a folder holds runs, of one experiment or of several, or a file is a database of MLflow's."""
    if path.is_file():
        return _is_database(path)
    return path.is_dir() and next(_find_runs(path), None) is not None


def read_mlflow(path: Path, experiment: str | None = None) -> Source:
    """Read the runs of a file store, or of one experiment in it; those that were deleted are left out.

    Args:
        path: The store, the folder of an experiment, or a SQLite database.
        experiment: Of a database, where there are several.

    Raises:
        AnalysisError: If it is not what MLflow writes, or the experiment is not there.
    """
    if path.is_file():
        return _read_database(path, experiment)
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
    params = {
        file.relative_to(folder / "params").as_posix(): read_value(file.read_text(encoding="utf-8").strip())
        for file in sorted((folder / "params").rglob("*"))
        if file.is_file()
    }
    times = _milliseconds(meta.get("start_time")), _milliseconds(meta.get("end_time"))
    return _make_run(folder.name, params, rows, meta.get("status", "3"), times)


def _make_run(
    name: str,
    params: dict[str, Any],
    rows: Iterable[tuple[float, str, float]],
    status: str,
    times: tuple[int | None, int | None],
) -> ForeignRun:
    """A run as MLflow notes it: its rows are step, metric and value, its times milliseconds."""
    steps, metrics = gather(rows)
    state, (began, ended) = _STATES.get(status, "completed"), times
    return ForeignRun(
        name=name,
        params=params,
        steps=steps,
        metrics=metrics,
        state=state,
        reason=_REASONS.get(state),
        started_at=_as_time(began),
        wall_s=None if began is None or ended is None else (ended - began) / 1000,
    )


def _as_time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def _milliseconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _is_database(path: Path) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE name IN ('experiments', 'runs', 'metrics', 'params')"
    with path.open("rb") as stream:
        if stream.read(len(SQLITE)) != SQLITE:
            return False
    try:
        with open_read_only(path) as connection:
            return bool(connection.execute(query).fetchone()[0] == 4)
    except sqlite3.Error:
        return False


def _read_database(path: Path, experiment: str | None) -> Source:
    if not _is_database(path):
        raise AnalysisError(f"{path}: is no database of MLflow's: give a folder mlruns or a mlflow.db")
    with _refusing_damage(path), open_read_only(path) as connection:
        active = "FROM runs WHERE lifecycle_stage = 'active'"
        names = dict(
            connection.execute(
                f"SELECT experiment_id, name FROM experiments WHERE experiment_id IN "  # noqa: S608
                f"(SELECT experiment_id {active}) ORDER BY name"
            ).fetchall()
        )
        if experiment is None and len(names) > 1:
            raise AnalysisError(
                f"{path}: holds {len(names)} experiments: say which with --study, one of "
                f"{listing(list(names.values()), 12)}"
            )
        if experiment is not None and experiment not in names.values():
            there = listing(list(names.values()), 12) or "none"
            raise AnalysisError(f"{path}: has no experiment {experiment!r} with runs: there are {there}")
        chosen = next((i for i, name in names.items() if experiment in (None, name)), None)
        rows = connection.execute(
            f"SELECT run_uuid, status, start_time, end_time {active} AND experiment_id = ? "
            "ORDER BY start_time, run_uuid",
            (chosen,),
        ).fetchall()
        params, metrics, parents = _read_details(connection)
    runs = [
        _make_run(number, params[number], metrics[number], status, (began, ended))
        for number, status, began, ended in rows
    ]
    kept = [run for run in runs if run.name not in parents]
    notes: tuple[str, ...] = ()
    if len(kept) < len(runs):
        notes = (f"Left out as parents of other runs: {count(len(runs) - len(kept), 'run')}.",)
    return Source(tool="MLflow", name=names.get(chosen, path.stem), runs=kept, notes=notes)


def _read_details(
    connection: sqlite3.Connection,
) -> tuple[dict[str, dict[str, Any]], dict[str, list[tuple[float, str, float]]], set[str]]:
    """Parameters and measurements by run, and the runs that others lie below."""
    params: dict[str, dict[str, Any]] = defaultdict(dict)
    for number, key, value in connection.execute("SELECT run_uuid, key, value FROM params ORDER BY key"):
        params[number][str(key)] = read_value(value)
    metrics: dict[str, list[tuple[float, str, float]]] = defaultdict(list)
    query = "SELECT run_uuid, step, key, value, is_nan FROM metrics ORDER BY timestamp"
    for number, step, key, value, is_nan in connection.execute(query):
        metrics[number].append((float(step), str(key), float("nan") if is_nan else float(value)))
    parents = connection.execute("SELECT DISTINCT value FROM tags WHERE key = 'mlflow.parentRunId'")
    return params, metrics, {value for (value,) in parents}


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except AnalysisError:
        raise
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise AnalysisError(
            f"{path}: damaged, or of another release of MLflow ({' '.join(str(error).split())}): restore it "
            "from a copy, or export mlflow.search_runs().to_csv('runs.csv') and import that"
        ) from error
