from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search_spaces import recurrent_space
from study.forecast.costs import CostModel, Prices, Timing, Workload, choose_settings, pass_terms, step_terms

PLANTED = {
    "call": 1e-3,
    "turns": 5e-6,
    "lookup": 5e-9,
    "products": 7e-11,
    "gates of rnn": 7e-10,
    "gates of gru": 2e-9,
    "gates of lstm": 1e-9,
    "update by adam": 2e-9,
}
WORKLOAD = Workload(n_train=1000, n_blocks=2, block=512)


def draw(n: int, seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [dict(recurrent_space(units=[8, 16, 32, 64]).sample(rng)) for _ in range(n)]


def make_timing(params: dict[str, Any], noise: float = 1.0, stretch: float = 1.0) -> Timing:
    """What the planted prices make of a setting."""
    prices = Prices(PLANTED)
    return Timing(
        params=params,
        start_s=0.5 + 0.2 * params["layers"],
        restart_s=0.1,
        step_s=noise * prices.total_s(step_terms(params, has_own_model=False)),
        block_s=noise * prices.total_s(pass_terms(params, 512, has_own_model=False)),
        whole_s=1.0,
        wall_s=stretch,
        n_weights=1000,
        memory_bytes=10**9,
    )


def test_prices_are_found_again_in_what_they_made() -> None:
    work = [step_terms(params, has_own_model=False) for params in draw(40)]
    seconds = [Prices(PLANTED).total_s(terms) for terms in work]

    found = Prices.fit(work, seconds)

    assert found.of == pytest.approx(PLANTED, rel=1e-4)


def test_no_price_is_below_zero_where_a_plain_fit_would_have_one() -> None:
    work = [{"a": 1.0, "b": float(b)} for b in range(4)]

    found = Prices.fit(work, [4.0, 3.0, 2.0, 1.0])

    assert found.of["b"] == 0.0


def test_a_dozen_chosen_settings_predict_the_others() -> None:
    candidates = draw(200)
    chosen = choose_settings(candidates, 14, has_own_model=False)
    rng = np.random.default_rng(1)
    timings = [make_timing(candidates[i], noise=float(np.exp(rng.normal(0.0, 0.05)))) for i in chosen]

    model = CostModel(timings, WORKLOAD)

    exact = CostModel([make_timing(params) for params in draw(60, seed=2)], WORKLOAD)
    ratios = [model.predict(p).epoch_s / exact.predict(p).epoch_s for p in draw(50, seed=3)]
    assert np.quantile(ratios, [0.1, 0.9]) == pytest.approx([1.0, 1.0], abs=0.2)


def test_every_kind_of_cell_is_chosen_and_the_largest_setting_first() -> None:
    candidates = draw(200)

    chosen = choose_settings(candidates, 10, has_own_model=False)

    assert len(set(chosen)) == 10
    assert {candidates[i]["cell"] for i in chosen} == {"rnn", "gru", "lstm"}
    assert candidates[chosen[0]]["sequence_length"] == 400


def test_fewer_candidates_than_asked_for_are_all_chosen() -> None:
    assert sorted(choose_settings(draw(3), 24, has_own_model=False)) == [0, 1, 2]


def test_a_busy_machine_lengthens_all_alike() -> None:
    settings = draw(12)
    alone = CostModel([make_timing(p) for p in settings], WORKLOAD)
    beside = CostModel([make_timing(p, stretch=2.0) for p in settings], WORKLOAD)

    assert beside.predict(settings[0]).epoch_s == pytest.approx(2.0 * alone.predict(settings[0]).epoch_s)
    assert beside.errors(3) == pytest.approx(alone.errors(3))


def test_errors_tell_how_well_the_others_predict_each() -> None:
    settings = draw(30)
    rng = np.random.default_rng(0)

    exact = CostModel([make_timing(p) for p in settings], WORKLOAD).errors(4)
    noisy = CostModel(
        [make_timing(p, noise=float(np.exp(rng.normal(0.0, 0.3)))) for p in settings], WORKLOAD
    ).errors(4)

    assert np.abs(exact).max() < 0.05
    assert 0.15 < np.std(noisy) < 0.6
    assert CostModel([make_timing(settings[0])], WORKLOAD).errors(4) == []


def test_a_model_of_the_users_own_is_priced_by_its_times_alone() -> None:
    settings = [{**params, "heads": 2} for params in draw(6)]
    workload = Workload(n_train=1000, n_blocks=2, block=512, has_own_model=True)

    model = CostModel([make_timing(params) for params in settings], workload)

    assert model.predict(settings[0]).epoch_s > 0.0
