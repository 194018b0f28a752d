"""The publication of a study: tables, report and Optuna's view of it, derived from its records."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from analysis.errors import AnalysisError, UnwritableError
from analysis.report.faults import Faults
from study.errors import EnvironmentFaultError, StudyError
from study.store.directory import StudyDirectory

T = TypeVar("T")


def publish(directory: StudyDirectory, faults: Faults | None = None) -> Path | None:
    """Write tables, `optuna.db` and report; all can be made again at any time.

    What of them cannot be made is said in its place, and in `analysis.report.faults.FAULTS_FILE`.

    Args:
        directory: The study's.
        faults: What could not be made before; what cannot be made here is added.

    Returns:
        The report's page, None where it cannot be made at all.

    Raises:
        EnvironmentFaultError: If they cannot be written.
        AnalysisError: If the records are damaged.
    """
    import analysis

    faults = Faults() if faults is None else faults
    study = analysis.load(directory.path)
    try:
        _attempt("optuna.db", lambda: export_search(directory), faults)
        _attempt("the tables as parquet", lambda: analysis.write_parquet(study, directory.path), faults)
        page = _attempt(
            "the report", lambda: analysis.write_report(study, directory.report, faults=faults), faults
        )
        if page is None:
            faults.write(directory.report)
        return page
    except (OSError, UnwritableError, EnvironmentFaultError) as error:
        fault = error.__cause__ if isinstance(error, EnvironmentFaultError) else error
        said = fault.strerror if isinstance(fault, OSError) else fault
        raise EnvironmentFaultError(
            f"cannot write the tables and the report of {directory.path}: {said}; every "
            "run that ended is recorded: make room, then run it again"
        ) from error


def _attempt(what: str, make: Callable[[], T], faults: Faults) -> T | None:
    """Return what `make` returns, or note what it raises: the records are whole, and worth more.

    A disk that takes nothing, and damage, are no such faults.
    """
    try:
        return make()
    except (OSError, AnalysisError, StudyError):
        raise
    except Exception as error:  # a fault of ours, or of a library's
        faults.add(what, error)
        return None


def export_search(directory: StudyDirectory) -> Path:
    """Bring `optuna.db` up to date with the records, which may be written meanwhile; return its path.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    from study.search.optuna_export import export_optuna
    from study.store.outcomes import read_outcomes

    spec = directory.read_spec()
    with read_outcomes(directory.records) as records:
        export_optuna(spec, records, directory.optuna)
    return directory.optuna


def get_ready() -> None:
    """Load what a report needs, which takes a second, where nobody waits for it."""
    import_module("analysis.report.write")
