"""`study submit`, to a real head with its dashboard."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import analysis
from study.running.verification import verify
from study.store.directory import StudyDirectory
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
    _, told = scenario
    status, job, errors = told["handed"]

    assert status == 0, errors
    assert job.startswith("raysubmit_")
    assert f"study follow {job}" in errors
    ended, lines, faults = told["followed"]
    assert (told["state"], ended) == ("SUCCEEDED", 0), (lines, faults)
    assert told["metadata"] == {"study": "handed", "out": "~/studies"}
    assert "2 trials on 1 CPU" in lines


def test_the_study_lies_in_the_home_of_the_head_which_says_where(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    folder, told = scenario

    handed = analysis.load(folder / "studies" / "handed")

    assert f"the study lies in {folder}/studies/handed on " in told["followed"][1]
    assert list(handed.trials.state) == ["completed"] * 2


def test_the_study_is_fetched_as_it_lies_there_once(scenario: tuple[Path, dict[str, Any]]) -> None:
    folder, told = scenario
    there = {p.relative_to(folder / "studies") for p in (folder / "studies").rglob("*") if p.name != "lock"}

    status, where, errors = told["fetched"]

    assert (status, where) == (0, "home/handed"), errors
    assert there == {p.relative_to(folder / "home") for p in (folder / "home").rglob("*")}
    assert verify(StudyDirectory(folder / "home" / "handed")).damages == ()
    again = told["fetched again"]
    assert (again[0], again[2].count("\n")) == (2, 1)
    assert "home/handed exists" in again[2]


def test_a_model_and_options_travel_with_the_study(scenario: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = scenario

    spec = StudyDirectory(folder / "studies" / "handed").read_spec()

    assert (spec.model, spec.training.cells) == ("mine:build", "keras")


def test_a_job_that_nobody_submitted_is_one_line(scenario: tuple[Path, dict[str, Any]]) -> None:
    status, said, errors = scenario[1]["lost"]

    assert (status, said, errors.count("\n")) == (3, "", 1)
    assert "raysubmit_nobodys" in errors


def test_a_stranger_is_refused_in_one_line(scenario: tuple[Path, dict[str, Any]]) -> None:
    _, told = scenario
    status, said, errors = told["stranger"]

    assert (status, said) == (3, "")
    assert errors.count("\n") == 1
    assert "check address and token" in errors
