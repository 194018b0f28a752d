"""A process that runs a study on its own machine and another on a cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.scenarios.isolation import run_isolated

pytestmark = pytest.mark.slow


def run_in_order(folder: Path, order: str) -> list[dict[str, Any]]:
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is missing")
    told: list[dict[str, Any]] = run_isolated("tests.study.scenarios.joining", folder, order, timeout_s=300)
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
