"""A machine with next to no shared memory, as a container has that nobody configured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.study.pretend.programs import ROOT

pytestmark = pytest.mark.slow

SMALL = 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"'


def run_with_little_shared_memory(command: list[str]) -> subprocess.CompletedProcess[str]:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", SMALL, "sh", sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_a_real_study_runs_with_a_megabyte_of_shared_memory(tmp_path: Path) -> None:
    settings = ["--set", "keep_models=1", "--out", str(tmp_path), "--trials", "3", "--epochs", "3"]

    ran = run_with_little_shared_memory(["study", "run", "quick", "--limit-train", "300", *settings])

    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert (tmp_path / "quick" / "report" / "index.html").exists()


def test_the_doctor_says_that_shared_memory_is_short(tmp_path: Path) -> None:
    ran = run_with_little_shared_memory(["study", "doctor", "--out", str(tmp_path)])

    assert "shared memory: 1.0 MB free in /dev/shm, Ray wants 537 MB" in ran.stdout
    assert "wrong" not in ran.stdout
