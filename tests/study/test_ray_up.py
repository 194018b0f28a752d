"""`ray up cluster.yaml`, over ssh to a head and a worker in networks of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.study.pretend_programs import ROOT

pytestmark = pytest.mark.slow

ISOLATED = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `up_scenario` said."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [n for n in ("sshd", "ssh", "rsync", "ip", "nsenter") if shutil.which(n, path=path) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    if subprocess.run([*ISOLATED, "true"], capture_output=True).returncode != 0:
        pytest.skip("namespaces are not allowed here: it takes root")
    folder = tmp_path_factory.mktemp("up")
    ran = subprocess.run(
        [*ISOLATED, sys.executable, "-m", "tests.study.up_scenario", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    content: dict[str, Any] = json.loads(ran.stdout)
    return content


def test_the_cluster_file_brings_up_a_head_and_its_worker_with_our_code(told: dict[str, Any]) -> None:
    status, said = told["up"]

    assert status == 0, said
    assert told["code"]


def test_a_study_runs_on_the_cluster_that_ray_up_started(told: dict[str, Any]) -> None:
    status, said = told["study"]

    assert status == 0, said
    assert said.split("\n")[0].endswith(" 2")  # nodes
    assert said.count("completed") == 12


def test_ray_down_leaves_no_ray_on_the_head(told: dict[str, Any]) -> None:
    status, said = told["down"]

    assert status == 0, said
    assert told["left"] == []
