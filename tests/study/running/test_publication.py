from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.errors import UnwritableError
from study.errors import EnvironmentFaultError
from study.running.publication import publish
from study.store.directory import StudyDirectory
from study.store.files import disk_faults

FULL = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("writer", "fault"),
    [
        ("write_parquet", OSError(errno.ENOSPC, FULL)),
        ("write_report", UnwritableError(f"the report cannot be written ({FULL})")),
    ],
)
def test_tables_or_a_report_for_which_there_is_no_room_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, fault: Exception
) -> None:
    def fill_up(*args: Any, **options: Any) -> None:
        raise fault

    monkeypatch.setattr("study.running.publication.export_search", lambda directory: None)
    monkeypatch.setattr(analysis, "load", lambda path: None)
    monkeypatch.setattr(analysis, "write_parquet", lambda *args: None)
    monkeypatch.setattr(analysis, writer, fill_up)

    with pytest.raises(EnvironmentFaultError, match=rf"report of .*{FULL}.*; every run"):
        publish(StudyDirectory(tmp_path))


def test_an_optuna_file_for_which_there_is_no_room_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(directory: StudyDirectory) -> None:
        with disk_faults(directory.optuna):
            raise OSError(errno.ENOSPC, FULL)

    monkeypatch.setattr(analysis, "load", lambda path: None)
    monkeypatch.setattr("study.running.publication.export_search", fill_up)

    with pytest.raises(EnvironmentFaultError, match=rf"^cannot write the tables.*: {FULL}; every run"):
        publish(StudyDirectory(tmp_path))
