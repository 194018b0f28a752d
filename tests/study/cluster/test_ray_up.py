"""`ray up cluster.yaml`, over ssh to a head and a worker in networks of the test's own."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from tests.study.scenarios.isolation import run_isolated

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `up_scenario` said."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [n for n in ("sshd", "ssh", "rsync", "ip", "nsenter") if shutil.which(n, path=path) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("up")
    content: dict[str, Any] = run_isolated("tests.study.scenarios.up", folder, timeout_s=500)
    return content


def test_the_cluster_file_brings_up_a_head_and_its_worker_with_our_code(told: dict[str, Any]) -> None:
    status, said = told["up"]

    assert status == 0, said
    assert told["code"]


def test_a_study_runs_on_the_cluster_that_ray_up_started(told: dict[str, Any]) -> None:
    status, said = told["study"]

    assert status == 0, said
    plan = next(line for line in said.splitlines() if line.startswith("plan"))
    assert plan.endswith(" 2")  # nodes
    assert said.count("completed") == 12


def test_ray_down_leaves_no_ray_on_the_head(told: dict[str, Any]) -> None:
    status, said = told["down"]

    assert status == 0, said
    assert told["left"] == []
