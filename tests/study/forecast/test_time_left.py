from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analysis.records.schema import Phase
from study.forecast.costs import guess_text_s
from study.forecast.time_left import START_S, Backlog, TimeLeft
from study.spec.schema import StudySpec
from study.trial import Assignment, EpochFigures, Report
from tests.study.pretend.small_study import SMALL_SPACE, make_spec

SMALL = SMALL_SPACE | {"cell": "rnn", "bidirectional": False, "optimizer": "adam", "batch_size": 64}
LARGE = SMALL | {"sequence_length": 200}
RATIO = guess_text_s(LARGE, has_own_model=False) / guess_text_s(SMALL, has_own_model=False)

Setting = Mapping[str, Any]

EPOCH_S = 10.0
"""What an epoch of the small setting takes; of the large `RATIO` times as much."""

OPEN = {"kind": "search", "trials": 6, "scheduler": "none"}
ASHA = {"kind": "search", "trials": 6, "grace_period_epochs": 1}


def make_report(epoch: int | None, wall_s: float | None) -> Report:
    figures = None
    if epoch is not None:
        figures = EpochFigures(
            epoch=epoch,
            train_loss=0.5,
            train_accuracy=0.8,
            val_loss=0.6,
            val_accuracy=0.7,
            learning_rate=1e-3,
            epoch_s=1.0,
        )
    return Report(state="running", figures=figures, score=0.7, best_epoch=1, wall_s=wall_s)


def make_assignment(
    trial: int, replicate: int, setting: Setting | None = None, phase: Phase = "search"
) -> Assignment:
    return Assignment(
        trial=trial, replicate=replicate, attempt=1, seed=0, params=dict(setting or SMALL), phase=phase
    )


class Leg:
    """A leg of runs of three epochs, on a clock of its own."""

    def __init__(
        self,
        waiting: list[Setting],
        spec: StudySpec | None = None,
        n_slots: int = 1,
        **backlog: Any,
    ) -> None:
        known = {"n_trials": 6, "n_seeds": 1, "n_ended": 0, "may_stop": True} | backlog
        self.left = TimeLeft(Backlog(spec=spec or make_spec(), waiting=waiting, n_slots=n_slots, **known))
        self.now_s = 0.0

    def begin(self, key: tuple[int, int], setting: Setting, now_s: float) -> None:
        self.left.begin(make_assignment(*key, setting), now_s)

    def record(self, key: tuple[int, int], state: str, report: Report, now_s: float) -> None:
        self.left.record(make_assignment(*key), report, state, now_s)

    def train(
        self,
        key: tuple[int, int],
        setting: Setting,
        n: int = 3,
        end: str = "completed",
        slower: float = 1.0,
        start_s: float = START_S,
    ) -> None:
        """Train a run of `n` epochs to its end while nothing else runs."""
        self.begin(key, setting, self.now_s)
        epoch_s = EPOCH_S * (RATIO if setting is LARGE else 1.0)
        began = self.now_s
        for epoch in range(1, n + 1):
            self.now_s = began + slower * (start_s + epoch * epoch_s)
            report = make_report(epoch, self.now_s - began)
            self.record(key, end if epoch == n else "running", report, self.now_s)

    def middle_s(self) -> float:
        estimate = self.left.left(self.now_s)
        assert estimate is not None
        assert estimate.low <= estimate.middle <= estimate.high
        return estimate.middle


def run_s(setting: Setting) -> float:
    return START_S + 3 * EPOCH_S * (RATIO if setting is LARGE else 1.0)


def test_known_runs_take_their_own_size_at_the_pace_of_those_before() -> None:
    leg = Leg([SMALL, LARGE, SMALL, LARGE], n_trials=4)

    leg.train((0, 1), SMALL)

    assert RATIO > 3
    assert leg.middle_s() == pytest.approx(2 * run_s(LARGE) + run_s(SMALL))
    assert (leg.left.n_ended, leg.left.n_runs) == (1, 4)


def test_a_first_epoch_tells_nothing_yet() -> None:
    leg = Leg([SMALL] * 6)

    leg.begin((0, 1), SMALL, 0.0)
    leg.record((0, 1), "running", make_report(1, 14.0), 14.0)

    assert leg.left.left(14.0) is None


def test_of_runs_of_one_epoch_the_first_tells_all() -> None:
    leg = Leg([SMALL] * 6, make_spec(training={"max_epochs": 1}))

    leg.train((0, 1), SMALL, n=1)

    assert leg.middle_s() == pytest.approx(5 * (START_S + EPOCH_S))


def test_a_running_run_has_its_own_pace_and_time_passes() -> None:
    leg = Leg([SMALL] * 2, n_trials=2)
    leg.train((0, 1), SMALL)

    leg.begin((1, 1), SMALL, 34.0)
    leg.record((1, 1), "running", make_report(1, 9.0), 43.0)
    leg.record((1, 1), "running", make_report(2, 29.0), 63.0)

    estimate = leg.left.left(63.0 + 5.0)
    assert estimate is not None
    assert estimate.middle == pytest.approx(20.0 - 5.0)


def test_settings_that_nobody_knows_take_the_mean_of_the_last_and_leave_a_range() -> None:
    leg = Leg([], make_spec(design=OPEN))

    leg.train((0, 1), SMALL)
    leg.train((1, 1), LARGE)

    estimate = leg.left.left(leg.now_s)
    assert estimate is not None
    assert estimate.middle == pytest.approx(4 * (run_s(SMALL) + run_s(LARGE)) / 2)
    assert estimate.high > 2.5 * estimate.low


def test_a_plan_leaves_no_wide_range() -> None:
    leg = Leg([SMALL] * 6)

    leg.train((0, 1), SMALL)

    estimate = leg.left.left(leg.now_s)
    assert estimate is not None
    assert estimate.high < 2.5 * estimate.low


@pytest.mark.parametrize("is_on_its_way", [False, True])
def test_seeds_of_a_setting_that_was_stopped_do_not_wait_any_more(is_on_its_way: bool) -> None:
    # Nothing else may be stopped, so that what is left is known to the second.
    leg = Leg([SMALL] * 3 + [LARGE] * 3, n_trials=2, n_seeds=3, may_stop=False)

    leg.train((0, 1), SMALL, n=2, end="pruned")
    if is_on_its_way:
        leg.train((0, 2), SMALL, n=1, end="pruned")

    assert leg.middle_s() == pytest.approx(3 * run_s(LARGE))


def test_runs_are_expected_to_live_as_long_as_the_scheduler_lets_them() -> None:
    stopped, whole = (Leg([], make_spec(design=ASHA), may_stop=may_stop) for may_stop in (True, False))
    for leg in (stopped, whole):
        leg.train((0, 1), SMALL)

    assert stopped.middle_s() < 0.8 * whole.middle_s()
    assert whole.middle_s() == pytest.approx(5 * run_s(SMALL))


def test_a_run_that_was_lost_and_is_tried_again_counts_once() -> None:
    leg = Leg([SMALL] * 2, n_trials=2)
    leg.begin((0, 1), SMALL, 0.0)
    leg.record((0, 1), "failed", make_report(None, None), 0.0)

    leg.train((0, 1), SMALL)

    assert leg.left.n_ended == 1
    assert leg.middle_s() == pytest.approx(run_s(SMALL))


def test_nothing_is_left_after_the_last_run() -> None:
    leg = Leg([SMALL], n_trials=1)

    leg.train((0, 1), SMALL)

    assert leg.middle_s() == 0.0


def test_on_a_gpu_all_settings_are_taken_as_alike() -> None:
    leg = Leg([SMALL, LARGE], make_spec(resources={"gpus_per_trial": 0.5}), n_trials=2)

    leg.train((0, 1), SMALL)

    assert leg.middle_s() == pytest.approx(run_s(SMALL))


def test_two_slots_share_what_waits() -> None:
    leg = Leg([SMALL] * 5, n_trials=5, n_slots=2)

    leg.train((0, 1), SMALL)

    assert leg.middle_s() == pytest.approx(2 * run_s(SMALL))


def test_a_machine_that_became_slower_is_believed() -> None:
    leg = Leg([], make_spec(design=OPEN | {"trials": 40}), n_trials=40)

    for trial in range(36):
        leg.train((trial, 1), SMALL, slower=1.0 if trial < 20 else 2.0)

    assert leg.middle_s() == pytest.approx(4 * 2 * run_s(SMALL))


def test_settings_that_wait_tell_as_much_of_those_that_nobody_knows() -> None:
    leg = Leg([SMALL, LARGE], make_spec(design=OPEN), n_trials=3)

    leg.train((0, 1), SMALL)

    assert leg.middle_s() == pytest.approx(run_s(LARGE) + (run_s(SMALL) + run_s(LARGE)) / 2)


def test_only_the_first_run_of_a_worker_waits_for_its_process() -> None:
    leg = Leg([SMALL] * 4, n_trials=4)

    leg.begin((0, 1), SMALL, 0.0)
    for epoch, state in ((1, "running"), (2, "running"), (3, "completed")):
        leg.now_s = 100.0 + epoch * EPOCH_S
        leg.record((0, 1), state, make_report(epoch, leg.now_s), leg.now_s)

    assert leg.middle_s() == pytest.approx(3 * run_s(SMALL))


def test_later_runs_tell_what_a_start_takes() -> None:
    leg = Leg([SMALL] * 4, n_trials=4)

    leg.train((0, 1), SMALL)
    leg.train((1, 1), SMALL, start_s=6.0)

    assert leg.middle_s() == pytest.approx(2 * (6.0 + 3 * EPOCH_S))


def test_an_audit_comes_on_top_of_what_was_planned() -> None:
    leg = Leg([SMALL] * 2, n_trials=2)
    leg.train((0, 1), SMALL)
    before_s = leg.middle_s()

    audited = make_assignment(0, 1, LARGE, "audit")
    leg.left.begin(audited, leg.now_s)
    leg.left.record(audited, make_report(3, 500.0), "completed", leg.now_s)

    assert (leg.left.n_ended, leg.middle_s()) == (1, before_s)
