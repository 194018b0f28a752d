from __future__ import annotations

import numpy as np
import pytest

from study.designs import BaseDesign, GridDesign, SearchDesign
from study.forecast.costs import RunCost
from study.forecast.rehearsal import Item, Outcome, StoppingRule, rehearse, share_passing

COST = RunCost(start_s=2.0, restart_s=0.5, epoch_s=1.0)


def play(
    n: int,
    design: BaseDesign,
    *,
    n_seeds: int = 1,
    n_slots: int = 2,
    max_epochs: int = 9,
    patience: int | None = None,
    same_program: bool = False,
    seed: int = 0,
) -> Outcome:
    rng = np.random.default_rng(seed)
    items = [Item(COST, 0 if same_program else number, merit=rng.normal()) for number in range(n)]
    rule = StoppingRule(design, max_epochs, patience)
    return rehearse(items, n_seeds=n_seeds, n_slots=n_slots, rule=rule, rng=rng)


def test_runs_to_their_end_fill_the_slots_in_rounds() -> None:
    outcome = play(5, GridDesign(), n_slots=2)

    assert outcome == Outcome(seconds=3 * (2.0 + 9.0), n_epochs=45, n_runs=5)


def test_a_program_is_traced_once_a_worker() -> None:
    outcome = play(4, GridDesign(), n_slots=1, same_program=True)

    assert outcome.seconds == pytest.approx(2.0 + 3 * 0.5 + 4 * 9.0)


def test_asha_trains_about_the_share_of_epochs_that_its_rungs_leave() -> None:
    design = SearchDesign(trials=300, grace_period_epochs=1, reduction_factor=3)

    shares = [play(300, design, seed=seed).n_epochs / (300 * 9) for seed in range(5)]

    # Rungs at 1 and 3 epochs: 1/9 if all went on, 1/3 to the next, 1/9 to the end; more, as the first pass.
    expected = (1 + 2 / 3 + 6 / 9) / 9
    assert expected < np.mean(shares) < 1.4 * expected


@pytest.mark.parametrize("n_earlier", [0, 1, 2, 3, 11])
@pytest.mark.parametrize("scheduler", ["asha", "median"])
def test_runs_that_do_alike_pass_a_rung_as_often_as_is_expected(scheduler: str, n_earlier: int) -> None:
    rule = StoppingRule(SearchDesign.model_validate({"scheduler": scheduler}), 9, None)
    rng = np.random.default_rng(0)

    stopped = [rule.is_hopeless(rng.uniform(), rng.uniform(size=n_earlier).tolist()) for _ in range(4000)]

    assert 1.0 - np.mean(stopped) == pytest.approx(share_passing(n_earlier, rule.kept), abs=0.025)


def test_median_stops_half_and_hyperband_fewer_than_asha() -> None:
    def share(scheduler: str) -> float:
        design = SearchDesign.model_validate(
            {"trials": 200, "scheduler": scheduler, "grace_period_epochs": 1}
        )
        return play(200, design).n_epochs / (200 * 9)

    assert share("median") == pytest.approx((1 + 0.5 * 8) / 9, abs=0.08)
    assert share("asha") < share("hyperband") < share("none") == 1.0


def test_the_other_seeds_of_a_setting_that_was_stopped_are_spared() -> None:
    design = SearchDesign(trials=60, grace_period_epochs=1, reduction_factor=3)

    assert play(60, design, n_seeds=5).n_runs < 0.6 * 60 * 5
    assert play(60, GridDesign(), n_seeds=5).n_runs == 60 * 5


def test_cohorts_are_judged_apart() -> None:
    design = SearchDesign(trials=12, grace_period_epochs=1, reduction_factor=3)
    rule = StoppingRule(design, 9, None)
    items = [Item(COST, program=0, cohort=number) for number in range(12)]

    outcome = rehearse(items, n_seeds=1, n_slots=2, rule=rule, rng=np.random.default_rng(0))

    assert outcome.n_epochs == 12 * 9  # each is the first of its cohort


def test_patience_shortens_runs() -> None:
    assert play(50, GridDesign(), patience=1).n_epochs < 0.9 * play(50, GridDesign()).n_epochs
