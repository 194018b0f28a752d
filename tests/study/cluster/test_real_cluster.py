"""A study on a cluster of separate processes whose nodes share no disk, join late and are lost."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis.records.nodes import find_odd_nodes
from tests.study.faults.kills import read_final_table
from tests.study.scenarios.cluster import N_EPOCHS
from tests.study.scenarios.cluster_losses import expect_uninterrupted, lose
from tests.study.scenarios.isolation import run_isolated

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What `cluster_scenario` left, and what it said."""
    folder = tmp_path_factory.mktemp("cluster")
    return folder, run_isolated("tests.study.scenarios.cluster", folder, timeout_s=500)


def test_the_study_waits_for_a_node_and_ends_well_although_one_is_lost(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    _, told = scenario

    assert "plan 6 2 0 1\n" in told["said"]  # no CPUs on the only node
    assert told["status"] == 0, told["errors"]
    assert "failed" in told["said"]  # the node took a trial with it
    assert "Traceback" not in told["errors"]


def test_the_study_says_that_no_node_is_left_and_goes_on_when_one_comes(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    _, told = scenario

    assert told["said"].count("warning no node is left on which a trial fits") == 1
    assert told["said"].index("no node is left") < told["said"].rindex("completed")


def test_a_node_with_another_version_is_named_once_and_its_runs_are_told_apart(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    folder, told = scenario

    study = analysis.load(folder / "out" / "cheap")
    theirs = [trial for odd in find_odd_nodes(study.manifest, study.trials) for trial in odd.trials]

    assert told["said"].count("warning node odd trains with numba 0.1 instead of ") == 1
    assert study.manifest["legs"][0]["nodes"] == {"plain": {}, "odd": {"numba": [version("numba"), "0.1"]}}
    assert sorted(theirs) == sorted(study.trials.loc[study.trials["node"] == "odd", "trial"])


def test_every_epoch_is_that_of_a_trial_that_nobody_interrupted(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = scenario

    expect_uninterrupted(read_final_table(folder / "out" / "cheap"), n_replicates=6 * 2, n_epochs=N_EPOCHS)


def test_models_come_back_although_no_worker_sees_the_folder(scenario: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = scenario

    assert len(list((folder / "out" / "cheap").glob("models/*/model.keras"))) == 2


def test_a_driver_with_another_token_is_refused(scenario: tuple[Path, dict[str, Any]]) -> None:
    _, told = scenario
    status, said = told["refusal"]

    assert status == 3
    assert "check address and token" in said
    assert "plan" not in said


def test_the_doctor_looks_at_every_node_and_sees_that_they_share_no_disk(
    scenario: tuple[Path, dict[str, Any]],
) -> None:
    _, told = scenario
    status, said = told["doctor"]

    assert status == 0, said
    assert said.count(": the same versions") == 2  # the head, and the worker that is left
    assert said.count("does not see the folder of studies") == 1
    assert "ports: gcs_server" in said


def test_a_study_that_loses_workers_and_nodes_again_and_again_is_that_of_one_that_does_not(
    tmp_path: Path,
) -> None:
    tally = lose(tmp_path, n_workers=5, n_nodes=2, seed=0, timeout_s=500)

    assert (tally.worker_kills, tally.node_removals) == (5, 2)
    assert tally.attempts > 60  # somebody noticed
