"""A process of Ray's is killed while Ray starts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from study.cluster.ray_watch import RAYS_PATIENCE_VARIABLE
from tests.study.pretend.programs import START_S, descendants, finish, start

pytestmark = pytest.mark.slow


def find(process: subprocess.Popen[str], kind: str) -> int:
    """Wait until a study that starts Ray has such a process; return its number."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None
        for pid, name in descendants(process.pid).items():
            program, *arguments = name.split() or [""]
            # A worker that has not come to say that it is one, or has: Ray renames it.
            is_worker = program == "ray::IDLE" or any("/default_worker.py" in word for word in arguments[:2])
            if is_worker if kind == "worker" else Path(program).name == kind:
                return pid
        time.sleep(0.02)
    raise TimeoutError(f"no {kind} starts")


@pytest.mark.parametrize(("kind", "wait_s"), [("worker", 0.0), ("gcs_server", 2.0)])
def test_a_process_that_is_killed_while_ray_starts_is_started_again_or_said_in_one_line(
    tmp_path: Path, kind: str, wait_s: float
) -> None:
    # Ray ends a process whose head is gone after so long, a minute by default.
    process = start(tmp_path, environment={START_S: "60", RAYS_PATIENCE_VARIABLE: "20"})
    try:
        assert process.stdout is not None
        assert any(line.startswith("stage starting Ray") for line in process.stdout)
        victim = find(process, kind)
        time.sleep(wait_s)
        os.kill(victim, signal.SIGKILL)
        status, said = finish(process, timeout_s=150.0)
    finally:
        process.kill()
        process.communicate()

    assert "Traceback" not in said
    assert status in (0, 3), said
    if status == 0:
        assert said.count("completed") == 6
    else:
        (line,) = (line for line in said.splitlines() if line.startswith("study: "))
        # Ray was starting yet, or on a fast machine had just begun to serve the study.
        ways_on = ("run it again, and see `study doctor`", f"`study resume {tmp_path / 'cheap'}` goes on")
        assert line.endswith(ways_on)
