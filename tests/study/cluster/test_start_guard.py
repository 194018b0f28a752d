from __future__ import annotations

import subprocess
import sys

import pytest

from study.cluster.start_guard import guard_start

DEAF = "import ctypes; ctypes.PyDLL(None).sleep(30)"
"""Holds the interpreter's lock, as Ray does where it waits: no thread and no handler of Python's runs."""


def run(code: str) -> tuple[int, str]:
    """Run a program under a guard of 0.3 s, or 0.1 s when something that must live is gone."""
    code = f"import subprocess\nfrom study.cluster.start_guard import guard_start\n{code}"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return finished.returncode, finished.stderr


def test_a_start_that_lasts_too_long_ends_the_process_with_a_line_though_none_of_its_threads_runs() -> None:
    status, said = run(f"with guard_start(0.3, 0.1, 'Ray must answer'):\n    {DEAF}\n")

    assert status == 3
    assert said == "study: Ray must answer; run it again, and see `study doctor`\n"


def test_a_process_of_rays_that_is_gone_shortens_the_wait_and_is_named() -> None:
    start = "guard.start(subprocess.Popen, ['/bin/true'])"
    status, said = run(f"with guard_start(60.0, 0.1, 'Ray must answer') as guard:\n    {start}\n    {DEAF}\n")

    assert status == 3
    assert said == (
        "study: what Ray has started must live: true ended while Ray started; run it again, and see `study "
        "doctor`\n"
    )


@pytest.mark.parametrize("lives", [True, False])
def test_a_guard_goes_when_the_start_is_over(lives: bool) -> None:
    with guard_start(60.0, 60.0, "Ray must answer") as guard:
        child = guard.start(subprocess.Popen, ["/bin/cat"], stdin=subprocess.PIPE)
        if not lives:
            child.kill()
    child.communicate()

    assert guard._process.returncode is not None
