from __future__ import annotations

import math
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler

from analysis.records.schema import State
from study.cluster.replay import replay
from study.cluster.schedulers import CLOCK, METRIC, make_scheduler
from study.store.outcomes import Outcome
from study.trial import Assignment
from tests.study.pretend.small_study import make_spec

PARAMS = {"cell": "lstm", "bidirectional": True}


def make_assignment(trial: int) -> Assignment:
    return Assignment(trial=trial, replicate=1, attempt=1, seed=0, params=PARAMS)


def make_outcomes(*scores: float, state: State = "completed") -> list[Outcome]:
    return [
        Outcome(assignment=make_assignment(trial), state=state, scores=(score, score + 0.01, score + 0.02))
        for trial, score in enumerate(scores)
    ]


def verdict(outcomes: list[Outcome], score: float, scheduler: str) -> str:
    """What becomes of a new trial that has `score` after its first epoch."""
    design = {"kind": "search", "scheduler": scheduler, "grace_period_epochs": 1, "reduction_factor": 2}
    chosen = make_scheduler(make_spec(design=design, training={"max_epochs": 4}), lambda: 2)
    replay(chosen, outcomes)

    class NewTrial(SimpleNamespace):
        __hash__ = object.__hash__

    trial: Any = NewTrial(trial_id="new", config={"assignment": asdict(make_assignment(99))})
    chosen.on_trial_add(None, trial)
    decision: str = chosen.on_trial_result(None, trial, {CLOCK: 1, METRIC: score})
    return decision


@pytest.mark.parametrize("scheduler", ["asha", "median"])
def test_a_poor_trial_is_stopped_by_what_earlier_legs_reached(scheduler: str) -> None:
    outcomes = make_outcomes(0.6, 0.7, 0.8, 0.9)

    assert verdict(outcomes, 0.5, scheduler) == TrialScheduler.STOP
    assert verdict(outcomes, 0.95, scheduler) == TrialScheduler.CONTINUE
    assert verdict([], 0.5, scheduler) == TrialScheduler.CONTINUE


def test_trials_that_go_on_are_not_heard_twice() -> None:
    assert verdict(make_outcomes(0.6, 0.7, 0.8, 0.9, state="running"), 0.5, "asha") == TrialScheduler.CONTINUE


def test_an_epoch_that_diverged_says_nothing() -> None:
    outcomes = make_outcomes(math.nan, math.nan, math.nan, state="diverged")

    assert verdict(outcomes, 0.1, "asha") == TrialScheduler.CONTINUE
