"""The publication of a study: tables and report, derived from its records."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from analysis.errors import UnwritableError
from study.errors import EnvironmentFaultError
from study.store.directory import StudyDirectory


def publish(directory: StudyDirectory) -> Path:
    """Write tables and report, and return the report's page; both can be made again at any time.

    Raises:
        EnvironmentFaultError: If they cannot be written.
    """
    import analysis

    study = analysis.load(directory.path)
    try:
        analysis.write_parquet(study, directory.path)
        return analysis.write_report(study, directory.report)
    except (OSError, UnwritableError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise EnvironmentFaultError(
            f"cannot write the tables and the report of {directory.path}: {said}; every "
            "run that ended is recorded: make room, then run it again"
        ) from error


def get_ready() -> None:
    """Load what a report needs, which takes a second, where nobody waits for it."""
    import_module("analysis.report.write")
