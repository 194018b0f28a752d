"""`study submit`, to a real head with its dashboard."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import analysis
from tests.study.scenarios.isolation import run_isolated

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("aiohttp") is None, reason='Ray\'s dashboard: pip install "ray[default]"'
    ),
]


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What `submission_scenario` left, and what it said."""
    folder = tmp_path_factory.mktemp("submission")
    return folder, run_isolated("tests.study.scenarios.submission", folder, timeout_s=500)


def test_a_study_that_is_handed_over_is_run_to_its_end(scenario: tuple[Path, dict[str, Any]]) -> None:
    folder, told = scenario
    status, job, errors = told["handed"]

    assert (status, errors) == (0, "")
    assert job.startswith("raysubmit_")
    assert (told["state"], told["exit_code"]) == ("SUCCEEDED", 0), told["log"]
    assert told["metadata"] == {"study": "handed"}
    assert "2 trials on 1 CPU" in told["log"]
    trials = analysis.load(folder / "studies" / "handed").trials
    assert list(trials.state) == ["completed"] * 2


def test_a_stranger_is_refused_in_one_line(scenario: tuple[Path, dict[str, Any]]) -> None:
    _, told = scenario
    status, said, errors = told["stranger"]

    assert (status, said) == (3, "")
    assert errors.count("\n") == 1
    assert "check address and token" in errors
