from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from study.errors import EnvironmentFaultError
from study.machine import preflight
from study.machine.preflight import (
    REPORT_BYTES,
    SOCKET_BYTES,
    check_address_space,
    check_environment,
    find_faults,
)


def faults(token: Path | None = None, *, is_local: bool = True) -> list[str]:
    return [f"{topic}: {text}" for topic, text in find_faults(is_local=is_local, token=token)]


def test_a_usual_machine_has_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    assert faults(tmp_path / "ray" / "auth_token") == []


def test_a_temporary_folder_too_long_for_a_socket_is_said_with_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * SOCKET_BYTES)))
    (fault,) = faults()
    assert "is too long; set TMPDIR to a folder of at most" in fault
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["a file", "under a file", "its ray a file"])
def test_a_temporary_folder_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = Path(tempfile.gettempdir()) / str(os.getpid())
    paths = {"a file": folder / "f", "under a file": folder / "f" / "g", "its ray a file": folder}
    folder.mkdir()
    try:
        (folder / ("ray" if kind == "its ray a file" else "f")).write_text("")
        monkeypatch.setenv("TMPDIR", str(paths[kind]))
        with pytest.raises(EnvironmentFaultError, match=r"temporary folder: Ray writes to .*; set TMPDIR"):
            check_environment(is_local=True, token=None)
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def test_a_full_temporary_folder_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fill_up)
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    (fault,) = faults()
    assert "64 MB at least: No space left on device" in fault


def test_who_joins_a_cluster_needs_no_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * SOCKET_BYTES)))
    assert faults(is_local=False) == []


def test_a_token_that_is_a_folder_is_one_line(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, is_local=False)
    assert f"{tmp_path} is none; set RAY_AUTH_TOKEN_PATH" in fault


@pytest.mark.parametrize("token", ["/proc/.ray/auth_token", "/dev/null/.ray/auth_token"])
def test_a_token_that_cannot_be_made_is_one_line(token: str) -> None:
    (fault,) = faults(Path(token), is_local=False)
    assert f"it lies in {token}: " in fault


def limit(monkeypatch: pytest.MonkeyPatch, limited: int, given: int, allowed: int) -> list[tuple[int, int]]:
    """Limit one resource of this process alone; what is asked for instead."""
    asked: list[tuple[int, int]] = []
    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (given, allowed) if kind == limited else endless)
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append(limits))
    return asked


def test_few_open_files_are_one_line_where_they_may_not_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, resource.RLIMIT_NOFILE, 64, 64)

    with pytest.raises(
        EnvironmentFaultError, match=r"open files: .* 88 each with 2 workers: 64 are allowed;"
    ):
        check_environment(is_local=True, token=None, n_workers=2)
    limit(monkeypatch, resource.RLIMIT_NOFILE, 88, 88)

    check_environment(is_local=True, token=None, n_workers=2)


@pytest.mark.parametrize(("allowed", "raised"), [(4096, 4096), (resource.RLIM_INFINITY, 65_536), (64, None)])
def test_open_files_that_may_be_raised_are_raised(
    monkeypatch: pytest.MonkeyPatch, allowed: int, raised: int | None
) -> None:
    asked = limit(monkeypatch, resource.RLIMIT_NOFILE, 64, allowed)

    check_environment(is_local=False, token=None)

    assert asked == ([] if raised is None else [(raised, allowed)])


def test_little_address_space_is_one_line_where_it_may_not_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = limit(monkeypatch, resource.RLIMIT_AS, 2**30, 3 * 2**29)

    with pytest.raises(
        EnvironmentFaultError,
        match=r"address space: .* of a study take up to 6 GB each: 1\.0 GB are allowed;",
    ):
        check_environment(is_local=False, token=None)

    assert asked == [(3 * 2**29, 3 * 2**29)]


def test_address_space_that_suffices_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = limit(monkeypatch, resource.RLIMIT_AS, REPORT_BYTES, resource.RLIM_INFINITY)

    check_address_space(REPORT_BYTES, "a report")

    assert asked == []


def test_a_python_without_docstrings_is_one_line() -> None:
    code = (
        "from study.machine.preflight import find_faults\n"
        "print(list(find_faults(is_local=False, token=None)))"
    )
    said = subprocess.run(
        [sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert said.startswith("[('Python', 'Ray is not loaded without docstrings (-OO): set PYTHONOPTIMIZE to 1")


def test_few_threads_of_a_control_group_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "thread_room", lambda: 140)
    assert faults() == []

    (fault,) = find_faults(is_local=True, token=None, n_workers=3)

    assert fault[1] == (
        "a study with 3 workers has 160 threads and more: its control group has room for 140; raise it, of a "
        "container --pids-limit"
    )
