"""What can go wrong with a study, and the exit status that says so."""

from __future__ import annotations


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
