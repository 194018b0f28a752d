from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import TrialScheduler

from study.cluster.schedulers import FirstFreeWorkerScheduler, make_scheduler
from study.designs.brackets import bracket_of, plan_brackets
from study.trial import EpochFigures, Report
from tests.study.pretend.small_study import make_spec

PENDING: Any = SimpleNamespace(get_live_trials=lambda: [SimpleNamespace(status="PENDING")])
"""A controller of Tune's that has another trial waiting."""


class FakeTrial:
    """What schedulers look at of one of Tune's trials."""

    def __init__(self, number: int, cell: str = "gru", replicate: int = 1) -> None:
        self.trial_id = f"{number}-{replicate}"
        self.status = "PENDING"
        self.config = {"assignment": {"trial": number, "params": {"cell": cell}, "phase": "search"}}

    def is_finished(self) -> bool:
        return self.status in ("TERMINATED", "ERROR")


def make(max_epochs: int = 9, **design: Any) -> TrialScheduler:
    return make_scheduler(
        make_spec(design={"trials": 9} | design, training={"max_epochs": max_epochs}), lambda: 2
    )


def report(scheduler: TrialScheduler, trial: FakeTrial, epoch: int, score: float) -> str:
    result = {"epoch": epoch, "score": score, "training_iteration": 1}
    decision: str = scheduler.on_trial_result(PENDING, trial, result)
    return decision


def start(scheduler: TrialScheduler, number: int, cell: str = "gru", replicate: int = 1) -> FakeTrial:
    trial = FakeTrial(number, cell, replicate)
    scheduler.on_trial_add(PENDING, trial)
    return trial


@pytest.mark.parametrize("design", [{"scheduler": "none"}, {"sampler": "random", "scheduler": "none"}])
def test_no_scheduler_ends_nothing(design: dict[str, Any]) -> None:
    assert type(make(**design)) is FirstFreeWorkerScheduler


def test_designs_that_compare_by_plan_run_to_their_end() -> None:
    assert type(make_scheduler(make_spec(design="factorial"), lambda: 2)) is FirstFreeWorkerScheduler


def test_asha_stops_the_worst_at_its_rung_and_counts_epochs_not_reports() -> None:
    scheduler = make(scheduler="asha", grace_period_epochs=3)
    trials = [start(scheduler, number) for number in range(4)]
    for trial, score in zip(trials, (0.9, 0.8, 0.7), strict=False):
        assert report(scheduler, trial, 2, 0.0) == TrialScheduler.CONTINUE
        report(scheduler, trial, 3, score)

    assert report(scheduler, trials[3], 2, 0.1) == TrialScheduler.CONTINUE
    assert report(scheduler, trials[3], 3, 0.1) == TrialScheduler.STOP


def test_a_level_in_question_is_never_stopped_for_being_worse_than_another() -> None:
    scheduler = make(scheduler="asha", grace_period_epochs=2, scientific=["cell"])
    for number in range(3):
        report(scheduler, start(scheduler, number, "gru"), 2, 0.9)

    assert report(scheduler, start(scheduler, 3, "rnn"), 2, 0.1) == TrialScheduler.CONTINUE
    assert report(scheduler, start(scheduler, 4, "gru"), 2, 0.1) == TrialScheduler.STOP


def test_the_median_rule_stops_who_is_below_the_median_and_never_pauses() -> None:
    scheduler = make(scheduler="median", grace_period_epochs=2)
    trials = [start(scheduler, number) for number in range(5)]

    for trial, score in zip(trials, (0.9, 0.8, 0.7, 0.6), strict=False):
        # Too few to compare with, and others waiting: Ray's rule would pause here.
        assert report(scheduler, trial, 1, score) == TrialScheduler.CONTINUE
        decision = report(scheduler, trial, 2, score)
        assert decision == (TrialScheduler.STOP if score == 0.6 else TrialScheduler.CONTINUE)
    assert report(scheduler, trials[4], 2, 0.1) == TrialScheduler.STOP


def test_hyperband_starts_brackets_ever_later_and_the_last_stops_nothing() -> None:
    assert plan_brackets(grace_period=1, max_epochs=27, reduction_factor=3) == [1, 3, 9, 27]
    assert plan_brackets(grace_period=2, max_epochs=6, reduction_factor=3) == [2, 6]
    assert plan_brackets(grace_period=6, max_epochs=6, reduction_factor=3) == [6]


def test_brackets_are_filled_in_hyperbands_proportions() -> None:
    # Li et al. (2018), table 1 (R = 81, eta = 3): 81, 34, 15, 8 and 5 settings begin in the five brackets.
    shares = Counter(bracket_of(trial, 5, 3) for trial in range(81 + 34 + 15 + 8 + 5))

    assert shares == {0: 81, 1: 34, 2: 15, 3: 8, 4: 5}
    assert len({bracket_of(trial, 2, 3) for trial in range(3)}) == 2


def test_hyperband_gives_some_settings_more_time_and_all_seeds_of_one_the_same() -> None:
    scheduler = make(scheduler="hyperband", grace_period_epochs=1, max_epochs=9)
    number_of = {bracket_of(number, 3, 3): number for number in reversed(range(20))}
    for number in (n for n in range(20, 60) if bracket_of(n, 3, 3) in (0, 1)):
        trial = start(scheduler, number)
        report(scheduler, trial, 1, 0.9)
        report(scheduler, trial, 3, 0.9)

    patient, impatient = number_of[1], number_of[0]
    assert report(scheduler, start(scheduler, impatient), 1, 0.1) == TrialScheduler.STOP
    for replicate in (1, 2):
        trial = start(scheduler, patient, replicate=replicate)
        assert report(scheduler, trial, 1, 0.1) == TrialScheduler.CONTINUE
        assert report(scheduler, trial, 3, 0.1) == TrialScheduler.STOP


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_a_trial_that_failed_before_its_first_epoch_does_no_harm(name: str) -> None:
    scheduler = make(scheduler=name)
    failed, healthy = start(scheduler, 0), start(scheduler, 1)
    result = Report(state="failed", reason="out of memory").to_result()

    scheduler.on_trial_complete(PENDING, failed, result)

    assert report(scheduler, healthy, 2, 0.5) == TrialScheduler.CONTINUE


def test_a_report_tells_the_schedulers_its_epoch() -> None:
    figures = EpochFigures(
        epoch=5,
        train_loss=0.1,
        train_accuracy=0.9,
        val_loss=0.2,
        val_accuracy=0.8,
        learning_rate=1e-3,
        epoch_s=1.0,
    )

    assert Report(state="running", score=0.8, figures=figures).to_result()["epoch"] == 5


def wait(scheduler: TrialScheduler, statuses: str) -> list[FakeTrial]:
    """Trials in order: `r` runs, `w` waits for a worker, `d` is done."""
    trials = [start(scheduler, number) for number in range(len(statuses))]
    for trial, letter in zip(trials, statuses, strict=True):
        trial.status = {"r": "RUNNING", "w": "PENDING", "d": "TERMINATED"}[letter]
    return trials


@pytest.mark.parametrize(
    ("n_slots", "statuses", "chosen"),
    [
        (2, "rdw", 2),  # the only one that waits
        (2, "dww", 2),  # a worker is starting for 1, and would be called off
        (2, "rdww", 2),  # none is starting: whoever waits longest
        (4, "dwwrw", 4),  # of four places one runs and one is free: workers start in the other two
        (8, "dww", 2),  # never more than there are
        (1, "dww", 1),  # nodes were lost: nobody's worker is coming
    ],
)
def test_a_free_worker_goes_to_the_first_run_that_has_none_on_its_way(
    n_slots: int, statuses: str, chosen: int
) -> None:
    scheduler = FirstFreeWorkerScheduler(lambda: n_slots)
    trials = wait(scheduler, statuses)

    assert scheduler.choose_trial_to_run(PENDING) is trials[chosen]
    assert scheduler.choose_trial_to_run(PENDING) is trials[chosen]  # to ask changes nothing


def test_a_free_worker_is_given_to_nobody_where_nobody_waits() -> None:
    scheduler = FirstFreeWorkerScheduler(lambda: 2)
    wait(scheduler, "rd")

    assert scheduler.choose_trial_to_run(PENDING) is None
