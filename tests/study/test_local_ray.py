from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ray._private.node import Node

from study.local_ray import services_left_out

SERVICES = ("start_api_server", "start_monitor", "start_log_monitor")

PROCESSES = """
import os
from pathlib import Path
from study.cluster import ray_session
with ray_session():
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        print(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\\0", b" ").decode())
"""


def test_services_are_left_out_for_as_long_as_it_lasts() -> None:
    originals = [getattr(Node, name) for name in SERVICES]

    with services_left_out():
        assert not {getattr(Node, name) for name in SERVICES} & set(originals)

    assert [getattr(Node, name) for name in SERVICES] == originals


def test_a_service_that_another_ray_does_not_know_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Node, "start_monitor")

    with services_left_out():
        assert not hasattr(Node, "start_monitor")

    assert not hasattr(Node, "start_monitor")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are read from /proc")
def test_a_local_ray_starts_no_process_that_nobody_asks() -> None:
    told = subprocess.run([sys.executable, "-c", PROCESSES], capture_output=True, text=True, check=True)

    assert "raylet" in told.stdout
    assert "dashboard.py" not in told.stdout
    assert "monitor.py" not in told.stdout
