"""The publication of a study: tables, report and Optuna's view of it, derived from its records."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from analysis.errors import UnwritableError
from study.errors import EnvironmentFaultError
from study.store.directory import StudyDirectory


def publish(directory: StudyDirectory) -> Path:
    """Write tables, `optuna.db` and report, and return the report's page; all can be made again at any time.

    Raises:
        EnvironmentFaultError: If they cannot be written.
    """
    import analysis

    study = analysis.load(directory.path)
    try:
        export_search(directory)
        analysis.write_parquet(study, directory.path)
        return analysis.write_report(study, directory.report)
    except (OSError, UnwritableError, EnvironmentFaultError) as error:
        fault = error.__cause__ if isinstance(error, EnvironmentFaultError) else error
        said = fault.strerror if isinstance(fault, OSError) else fault
        raise EnvironmentFaultError(
            f"cannot write the tables and the report of {directory.path}: {said}; every "
            "run that ended is recorded: make room, then run it again"
        ) from error


def export_search(directory: StudyDirectory) -> Path:
    """Bring `optuna.db` up to date with the records, which may be written meanwhile; return its path.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    from study.running.verbs import read_spec
    from study.search.optuna_export import export_optuna
    from study.store.outcomes import read_outcomes

    spec = read_spec(directory)
    with read_outcomes(directory.records) as records:
        export_optuna(spec, records, directory.optuna)
    return directory.optuna


def get_ready() -> None:
    """Load what a report needs, which takes a second, where nobody waits for it."""
    import_module("analysis.report.write")
