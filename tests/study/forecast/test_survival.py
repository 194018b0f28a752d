from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ray.tune.schedulers import TrialScheduler

from study.cluster.schedulers import Cohorts, make_scheduler
from study.designs import SearchDesign
from study.forecast.survival import LEARNED_SPREAD, Survival, finish
from study.spec.schema import StudySpec
from tests.study.cluster.test_schedulers import FakeTrial
from tests.study.pretend.small_study import make_spec


def make_search(max_epochs: int = 9, seeds: int = 1, patience: int | None = None, **design: Any) -> StudySpec:
    training = {"max_epochs": max_epochs, "patience": patience}
    return make_spec(design={"kind": "search", "trials": 30} | design, training=training, seeds=seeds)


def survival_of(**changes: Any) -> Survival:
    spec = make_search(**changes)
    return Survival(spec, spec.seeds)


def test_without_a_scheduler_every_run_trains_all_epochs() -> None:
    assert Survival(make_spec(), 1).epochs(5) == (3.0, 0.0)
    assert survival_of(scheduler="none").epochs(5) == (9.0, 0.0)
    assert survival_of(scheduler="none").epochs(5, n_had=7) == (2.0, 0.0)


def test_the_first_run_passes_every_rung_and_the_fifth_two_of_five() -> None:
    survival = survival_of(grace_period_epochs=3)  # 3 is the only rung before the end

    assert survival.epochs(0) == (9.0, 0.0)
    # Of five alike the rule lets (1 + 3/3) in 5 pass: 3 epochs, and 6 more for two fifths of the runs.
    mean, spread = survival.epochs(4)
    assert mean == pytest.approx(3 + 6 * 0.4)
    assert spread == pytest.approx(6 * np.sqrt(0.4 * 0.6))
    assert survival.epochs(4, n_had=3)[0] == pytest.approx(6 * 0.4)
    assert survival.epochs(4, n_had=4) == (5.0, 0.0)


def test_runs_are_judged_among_those_of_their_own_level() -> None:
    within = survival_of(grace_period_epochs=3, scientific=["cell"])

    assert within.epochs(12)[0] == pytest.approx(survival_of(grace_period_epochs=3).epochs(4)[0])


def start(scheduler: Cohorts, number: int) -> Any:
    trial = FakeTrial(number)
    scheduler.on_trial_add(None, trial)
    return trial


def make_cohorts(spec: StudySpec) -> Cohorts:
    scheduler = make_scheduler(spec, lambda: 2)
    assert isinstance(scheduler, Cohorts)
    return scheduler


@pytest.mark.parametrize("n_rivals", [0, 1, 2, 6])
def test_runs_that_do_alike_pass_a_rung_of_rays_as_often_as_is_expected(n_rivals: int) -> None:
    rng = np.random.default_rng(0)
    spec = make_search(grace_period_epochs=3)

    def passes() -> bool:
        scheduler = make_cohorts(spec)
        decisions = [
            scheduler.on_trial_result(None, start(scheduler, number), {"epoch": 3, "score": rng.random()})
            for number in range(n_rivals + 1)
        ]
        return decisions[-1] == TrialScheduler.CONTINUE

    share = np.mean([passes() for _ in range(300)])

    expected, _ = survival_of(grace_period_epochs=3).epochs(n_rivals, n_had=3)
    # Five standard deviations of a share of 300: one seed in two million fails.
    assert share == pytest.approx(expected / 6, abs=5 * np.sqrt(0.25 / 300))


@pytest.mark.parametrize("scheduler", ["asha", "hyperband"])
def test_rungs_lie_where_ray_judges(scheduler: str) -> None:
    design = {"scheduler": scheduler, "grace_period_epochs": 2}
    ours, rays = SearchDesign.model_validate(design), make_cohorts(make_search(20, **design))

    for number in range(12):
        milestones = [epoch for epoch, _ in rays._of(start(rays, number))._brackets[0]._rungs]
        assert ours.rungs(20, number) == sorted(epoch for epoch in milestones if epoch < 20)


def test_patience_ends_runs_whose_best_epoch_may_be_any() -> None:
    # The best of three epochs is the first, second or third alike: with a patience of one, the first ends a
    # run after its second epoch.
    mean, _ = survival_of(max_epochs=3, patience=1, scheduler="none").epochs(0)

    assert mean == pytest.approx(2 + 2 / 3)


def test_seeds_that_wait_are_left_once_their_setting_is_stopped() -> None:
    survival = survival_of(grace_period_epochs=3, seeds=5)

    assert survival.n_seeds(0, n_slots=2) == 5.0
    assert 2.0 < survival.n_seeds(20, n_slots=2) < 2.0 + 3 * 0.4
    assert survival.n_seeds(20, n_slots=8) == 5.0


def finish_s(busy_s: list[float], runs_s: list[float]) -> float:
    return finish(busy_s, runs_s, variance=0.0, unknown_s=0.0, error=0.0).middle


def test_each_run_takes_the_slot_that_is_free_first() -> None:
    assert finish_s([0.0, 0.0], [4.0, 3.0, 2.0, 2.0]) == 6.0
    assert finish_s([5.0, 0.0], [6.0, 3.0]) == 8.0
    assert finish_s([7.0, 1.0], []) == 7.0


def test_many_runs_fill_all_slots_alike() -> None:
    assert finish_s([0.0] * 4, [1.0] * 10_000) == 2_500.0


def test_what_is_not_known_leaves_a_range() -> None:
    exact = finish([0.0], [10.0], variance=0.0, unknown_s=0.0, error=0.0)
    chosen = finish([0.0], [10.0], variance=0.0, unknown_s=10.0, error=0.0)
    varied = finish([0.0], [10.0], variance=25.0, unknown_s=0.0, error=0.0)

    assert exact.low == exact.high == 10.0
    assert chosen.high / 10.0 == pytest.approx(np.exp(1.645 * LEARNED_SPREAD))
    assert varied.high / 10.0 == pytest.approx(np.exp(1.645 * 0.5))


def test_what_is_all_but_over_has_an_estimate_however_much_its_runs_may_vary() -> None:
    estimate = finish([0.0, 1e-12], [], variance=25.0, unknown_s=0.0, error=0.2)

    assert 0.0 <= estimate.low <= estimate.middle <= estimate.high < 1.0
