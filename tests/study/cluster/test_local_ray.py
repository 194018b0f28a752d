from __future__ import annotations

import subprocess
import sys

import pytest
from ray._private import services
from ray._private.node import Node

from study.cluster.local_ray import quick_start

SERVICES = ("start_api_server", "start_monitor", "start_log_monitor")

PROCESSES = """
import psutil
from study.cluster.session import ray_session
with ray_session():
    for child in psutil.Process().children():
        print(*child.cmdline())
"""


def test_services_are_left_out_for_as_long_as_it_lasts() -> None:
    originals = [getattr(Node, name) for name in SERVICES]

    with quick_start():
        assert not {getattr(Node, name) for name in SERVICES} & set(originals)

    assert [getattr(Node, name) for name in SERVICES] == originals


def test_a_service_that_another_ray_does_not_know_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Node, "start_monitor")

    with quick_start():
        assert not hasattr(Node, "start_monitor")

    assert not hasattr(Node, "start_monitor")


class GrowingState:
    """Stands for what a head knows of its nodes: one more each time it is asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def _initialize_global_state(self, options: object) -> None:
        """Nothing: there is no head."""

    def node_table(self) -> list[dict[str, str]]:
        self.n_asked += 1
        return [{"NodeID": f"node {number}"} for number in range(self.n_asked)]


def test_a_node_is_looked_up_as_soon_as_the_head_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    state = GrowingState()
    monkeypatch.setattr("study.cluster.local_ray.GlobalState", lambda: state)
    monkeypatch.setattr("study.cluster.local_ray._get_node", lambda address, node: (node, state.n_asked))
    monkeypatch.setattr(services, "_get_gcs_client_options", lambda address: None)

    with quick_start():
        assert services.get_node("head:1", "node 2") == ("node 2", 3)


@pytest.mark.slow
def test_a_local_ray_starts_no_process_that_nobody_asks() -> None:
    told = subprocess.run([sys.executable, "-c", PROCESSES], capture_output=True, text=True, check=True)

    assert "raylet" in told.stdout
    assert "dashboard.py" not in told.stdout
    assert "monitor.py" not in told.stdout
