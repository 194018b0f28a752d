from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from study.machine.processes import (
    KERNEL_COUNTERS,
    ListeningSocket,
    count_kernel_kills,
    end_local_ray,
    find_ray_sockets,
    find_sockets,
)


def test_the_kernels_kills_are_read_from_its_counters(tmp_path: Path) -> None:
    counters = tmp_path / "vmstat"
    counters.write_text("nr_free_pages 12\noom_kill 3\noom_kill_other 7\n")

    assert count_kernel_kills(counters) == 3


def test_a_kernel_that_does_not_count_has_killed_nobody(tmp_path: Path) -> None:
    assert count_kernel_kills(tmp_path / "none") == 0
    assert count_kernel_kills(KERNEL_COUNTERS) >= 0


def test_listening_sockets_are_found_with_their_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = find_sockets({os.getpid(): "me"})

    assert ListeningSocket("127.0.0.1", port, os.getpid(), "me") in found


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::", False), ("192.0.2.1", False)],
)
def test_loopback_is_told_from_the_rest(address: str, is_loopback: bool) -> None:
    assert ListeningSocket(address, 1, 1, "raylet").is_loopback is is_loopback


def test_a_process_that_has_ended_listens_nowhere() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert find_sockets({process.pid: "gone"}) == []


@contextmanager
def sleeping(*words: str, program: str = "import time; time.sleep(60)") -> Iterator[psutil.Process]:
    """A process with these words in its command line, until the end at the latest."""
    with subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


HAS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_local_ray_is_ended_with_all_below_it_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", object())
    session = "/tmp/ray/session_2026-01-01_00-00-00_123456_{}/logs"  # noqa: S108 - a word, not a file
    with (
        sleeping(session.format(os.getpid()), program=HAS_A_CHILD) as raylet,
        sleeping(session.format(f"{os.getpid()}7")) as another,
    ):
        while not (workers := raylet.children()):
            psutil.wait_procs([raylet], timeout=0.01)

        end_local_ray()

        for ended in (raylet, *workers):
            while is_alive(ended):  # until the kernel comes to it
                time.sleep(0.001)
        assert is_alive(another)


def test_whoever_has_not_loaded_ray_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    with sleeping(f"/session_1_{os.getpid()}/") as process:
        end_local_ray()

        assert is_alive(process)


def test_rays_processes_are_known_by_where_their_program_lies() -> None:
    listening = (
        "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
        "print(s.getsockname()[1], flush=True); time.sleep(60)"
    )
    with sleeping("/somewhere/ray/core/raylet", program=listening) as process:
        (port,) = [s.port for s in wait_for_sockets(process.pid)]

        found = find_ray_sockets()

    assert ListeningSocket("127.0.0.1", port, process.pid, "raylet") in found


def wait_for_sockets(pid: int) -> list[ListeningSocket]:
    process = psutil.Process(pid)
    while process.is_running():
        if sockets := find_sockets({pid: "any"}):
            return sockets
    return []
