from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.report.assistant import Assistant
from study.running.leg import Leg
from study.running.verbs import run_study
from study.store.directory import StudyDirectory
from tests.study.pretend.brief import write_briefly
from tests.study.pretend.legs import pretending
from tests.study.pretend.small_study import make_spec


def make_leg(folder: Path, address: str | None = None, **changes: Any) -> Leg:
    def make_source(*_: object) -> Any:
        raise AssertionError("nothing is trained here")

    return Leg(StudyDirectory(folder), make_spec(**changes), "run", make_source, address=address)


def test_the_loops_are_compiled_ahead_for_runs_of_ours_on_this_machine(tmp_path: Path) -> None:
    assert make_leg(tmp_path)._trains_compiled_cells()


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "auto"},
        {"training": {"cells": "keras"}},
        {"resources": {"gpus_per_trial": 0.5}},
        {"model": "mine:build"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_loops_are_not_compiled_ahead_where_others_or_nobody_runs_them(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert not make_leg(tmp_path, **changes)._trains_compiled_cells()


def test_what_draws_is_begun_when_nothing_is_left_to_hand_out(tmp_path: Path) -> None:
    happened = []

    def write(*asked: Any, **options: Any) -> Path:
        happened.append("report")
        return write_briefly(*asked, **options)

    with pretending(), pytest.MonkeyPatch.context() as patch:  # undone before what it is laid upon
        tuning: Any = sys.modules["study.running.tuning"]
        train = tuning.tune_trials

        def tune_trials(spec: Any, driver: Any, *others: Any) -> None:
            on_drained = others[3]
            on_drained()
            on_drained()
            train(spec, driver, *others)
            happened.append("trained")

        tuning.tune_trials = tune_trials
        patch.setattr(Assistant, "begin", lambda self: happened.append("begun"))
        patch.setattr("analysis.write_report", write)
        run_study(make_spec(), tmp_path)

    assert happened == ["begun", "begun", "trained", "report"]
