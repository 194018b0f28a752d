"""Which tool a source is of, and its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Unpack

from analysis.errors import AnalysisError
from analysis.imports.assembly import Naming, check_naming, make_study
from analysis.imports.runs import Source
from analysis.imports.tools.histories import holds_histories, read_histories
from analysis.imports.tools.keras_tuner import holds_keras_tuner, read_keras_tuner
from analysis.imports.tools.mlflow import holds_mlflow, read_mlflow
from analysis.imports.tools.optuna import find_file, holds_optuna, read_optuna
from analysis.imports.tools.ray_tune import holds_tune, read_tune
from analysis.imports.tools.tables import read_table
from analysis.imports.tools.tensorboard import holds_events, read_tensorboard
from analysis.records.loading import Study
from analysis.records.paths import AnyPath, as_path
from analysis.words.numbers import listing

KINDS = ("optuna", "ray", "keras-tuner", "mlflow", "tensorboard", "keras", "table")
_FOLDERS = ("ray", "keras-tuner", "tensorboard")
_INNER = ("ray", "keras-tuner", "mlflow")
"""Whose folders are known by what lies in them, and which people look for one level too high."""

_TABLES = (".csv", ".tsv", ".parquet")

_HOLDS: dict[str, Callable[[Path], bool]] = {
    "optuna": holds_optuna,
    "ray": holds_tune,
    "keras-tuner": holds_keras_tuner,
    "mlflow": holds_mlflow,
    "tensorboard": holds_events,
    "keras": lambda path: (path.is_dir() or path.suffix in (".json", ".log")) and holds_histories(path),
    "table": lambda path: path.is_file() and path.suffix in _TABLES,
}


def import_study(
    source: AnyPath,
    *,
    kind: str | None = None,
    study_name: str | None = None,
    shorter: str = "pruned",
    name: str | None = None,
    **naming: Unpack[Naming],
) -> Study:
    """Make a study of what another tool left behind.

    Args:
        source: A file, a folder, or the URL of an Optuna storage or of MLflow's SQLite database.
        kind: One of `KINDS`; found by what is there by default.
        study_name: The study of an Optuna storage, or MLflow's experiment, where it holds several.
        shorter: What runs of Ray Tune are that ended before the longest: `pruned` or `completed`.
        name: Of the study.
        naming: What `make_study` takes: `metrics`, `seed`, `objective`, `percent`, `n_validation`.

    Raises:
        AnalysisError: If it is of no tool that is known, or cannot be read.
    """
    check_naming(naming)
    if shorter not in ("pruned", "completed"):
        raise AnalysisError(f"--shorter {shorter!r}: runs that ended early are pruned or completed")
    metrics = naming.get("metrics", {})
    given = source if isinstance(source, str) and "://" in source else str(as_path(source))
    return make_study(_read(given, kind, study_name, shorter, metrics), name=name, **naming)


def _read(
    source: str, kind: str | None, study_name: str | None, shorter: str, metrics: Mapping[str, str]
) -> Source:
    path = Path(source)
    if kind is not None and kind not in KINDS:
        raise AnalysisError(f"--from {kind!r}: there are {', '.join(KINDS)}")
    if "://" in source and not path.exists():
        file = find_file(source)
        if file is not None and file.is_file() and holds_mlflow(file):
            return read_mlflow(file, study_name)
        if source.startswith(("http://", "https://")):
            raise AnalysisError(
                f"{source}: a server is not read: export mlflow.search_runs().to_csv('runs.csv'), or W&B's "
                "table, and import that"
            )
        return read_optuna(source, study_name)
    if not path.exists():
        raise AnalysisError(f"{source}: no such file or folder")
    if not (path.is_file() or path.is_dir()):
        raise AnalysisError(f"{source}: is neither a file nor a folder")
    if kind is None:
        _refuse_outer(path)
    if kind in _FOLDERS and not path.is_dir():
        raise AnalysisError(f"{source}: is a file, but --from {kind} reads a folder: give that")
    kind = kind or next((kind for kind, holds in _HOLDS.items() if holds(path)), None)
    if kind is None:
        raise AnalysisError(
            f"{source}: holds no runs of Optuna, Ray Tune, KerasTuner, MLflow, TensorBoard or Keras, and is "
            "no table: say what it is with --from"
        )
    readers: dict[str, Callable[[], Source]] = {
        "optuna": lambda: read_optuna(source, study_name),
        "ray": lambda: read_tune(path, shorter=shorter),
        "keras-tuner": lambda: read_keras_tuner(path),
        "mlflow": lambda: read_mlflow(path, study_name),
        "tensorboard": lambda: read_tensorboard(path),
        "keras": lambda: read_histories(path),
        "table": lambda: read_table(path, metrics.values()),
    }
    return readers[kind]()


def _refuse_outer(path: Path) -> None:
    """Refuse a folder around folders of one tool each: event files in them are but a part of these."""
    if not path.is_dir() or any(_HOLDS[kind](path) for kind in _INNER):
        return
    found = [
        (child, kind)
        for child in sorted(path.iterdir())
        if child.is_dir()
        for kind in _INNER
        if _HOLDS[kind](child)
    ]
    if found:
        inner = listing([str(child) for child, _ in found])
        raise AnalysisError(
            f"{path}: holds no runs itself, but {inner} {'do' if len(found) > 1 else 'does'}: give "
            f"{'one of these' if len(found) > 1 else 'that'}"
        )
