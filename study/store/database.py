"""SQLite's errors as ours, whether they come from the records or through Optuna."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from analysis.records.read_only import open_read_only
from study.errors import EnvironmentFaultError, IntegrityError, StudyError
from study.store.files import disk_faults

_OF_THE_SURROUNDINGS = ("FULL", "READONLY", "BUSY", "LOCKED", "IOERR", "CANTOPEN", "PERM", "NOMEM")
"""SQLite's names of what can be mended and tried again; all others say that the file itself is broken."""


@contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Raise what SQLite says of `path` as ours; Optuna and SQLAlchemy carry it as the cause of their own.

    Raises:
        EnvironmentFaultError: If the disk is full, the file is locked or may not be written.
        IntegrityError: If the file is damaged.
    """
    try:
        yield
    except StudyError:
        raise
    except UnicodeDecodeError as error:
        # SQLite's complaint quotes what it finds, and Python cannot read the quotation.
        raise _translate(sqlite3.DatabaseError(str(error)), path) from error
    except Exception as error:
        fault = _find_fault(error)
        if fault is None:
            raise
        raise _translate(fault, path) from error


def check_database(
    path: Path, thoroughness: Literal["quick_check", "integrity_check"] = "quick_check"
) -> None:
    """Let SQLite look whether a file is what it wrote, and change nothing; a bit in a value it cannot see.

    Raises:
        EnvironmentFaultError: If the file cannot be read.
        IntegrityError: If it is missing or damaged.
    """
    if not path.exists():
        raise IntegrityError(
            f"a study that has begun holds {path}: it is missing; "
            "see `study verify`, or restore it from a copy"
        )
    with disk_faults(path), database_faults(path), open_read_only(path) as db:
        answer = db.execute(f"PRAGMA {thoroughness}(1)").fetchone()[0]
    if answer != "ok":
        said = " ".join(answer.split())
        raise IntegrityError(
            f"the file is damaged: {path}: {said}; see `study verify`, or restore it from a copy"
        )


def _find_fault(error: BaseException) -> sqlite3.DatabaseError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.DatabaseError):
        cause = cause.__cause__
    return cause


def _translate(fault: sqlite3.DatabaseError, path: Path) -> StudyError:
    said = " ".join(str(fault).split())  # it may quote a table's definition
    name = str(getattr(fault, "sqlite_errorname", "")).removeprefix("SQLITE_")
    if name.startswith(_OF_THE_SURROUNDINGS):
        return EnvironmentFaultError(
            f"cannot write {path}: {said}; make room or free the file, then run it again"
        )
    return IntegrityError(
        f"the file is damaged: {path}: {said}; see `study verify`, or restore it from a copy"
    )
