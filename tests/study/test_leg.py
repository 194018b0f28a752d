from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import analysis
from study.directory import StudyDirectory
from study.errors import EnvironmentFaultError
from study.leg import publish


def test_a_report_for_which_there_is_no_room_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(analysis, "load", lambda path: None)
    monkeypatch.setattr(analysis, "write_parquet", fill_up)

    with pytest.raises(EnvironmentFaultError, match=r"report of .*: No space left on device; every run"):
        publish(StudyDirectory(tmp_path))
