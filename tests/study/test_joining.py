"""A process that runs a study on its own machine and another on a cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.study.cluster_losses import ISOLATED
from tests.study.pretend_programs import ROOT

pytestmark = pytest.mark.slow


def run_in_order(folder: Path, order: str) -> list[dict[str, Any]]:
    if shutil.which("ip") is None or subprocess.run([*ISOLATED, "true"], capture_output=True).returncode:
        pytest.skip("a network namespace is not allowed here, or iproute2 is missing")
    ran = subprocess.run(
        [*ISOLATED, sys.executable, "-m", "tests.study.joining_scenario", str(folder), order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    told: list[dict[str, Any]] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize("order", ["lc", "cl"])
def test_a_study_here_and_one_on_a_cluster_run_in_one_process_in_either_order(
    order: str, tmp_path: Path
) -> None:
    told = run_in_order(tmp_path, order)

    assert [(study["place"], study["bad"]) for study in told] == [(place, 0) for place in order]
    (here,) = (study for study in told if study["place"] == "l")
    assert here["listened_on"]
    assert set(here["listened_on"]) <= {"127.0.0.1", "::ffff:127.0.0.1"}
