"""What can go wrong with a study, and the exit status that says so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXIT_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "0": "done, or its time budget is spent",
        "1": "done, some runs failed, diverged or took too long; or part of the report could not be made",
        "2": "bad input; nothing was started",
        "3": "the machine, the cluster or the disk does not allow it, or a library is missing",
        "4": "another process holds the study; it is named",
        "5": "a file is damaged, or not what the study was run on",
        "6": "every run failed, diverged or took too long",
        "70": "a fault of the program itself, with its traceback",
        "130, 143": "stopped by SIGINT, SIGTERM; `study resume DIR` goes on",
    }
)
"""How the `study` command ends; 70 is EX_SOFTWARE of sysexits.h."""

ALL_FAILED = 6
INTERNAL_FAULT = 70


class StudyError(ValueError):
    """Bad input: the rule broken, the value given, the way out, in one line."""

    exit_status = 2


class DataError(StudyError):
    """The texts or labels cannot be used as they are."""


class EnvironmentFaultError(StudyError):
    """The machine, the cluster or the disk does not allow what was asked."""

    exit_status = 3


class LockedError(StudyError):
    """Another process holds the study's directory."""

    exit_status = 4


class IntegrityError(StudyError):
    """A file of the study is damaged, or not what the study was run on."""

    exit_status = 5
