from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from study.forecast.backlog import size_of
from study.forecast.costs import CostModel, Timing, Workload, guess_text_s
from study.forecast.imagined import Imagination
from study.forecast.leanings import draw_learned
from study.search.first_settings import ask_first_settings
from study.spec.schema import StudySpec
from tests.study.pretend.small_study import SMALL_SPACE, make_spec

SPACE = SMALL_SPACE | {"sequence_length": {"low": 1, "high": 512, "log": True}}


def make_model(spec: StudySpec) -> CostModel:
    """A model by which settings cost what is guessed."""
    rng = np.random.default_rng(0)
    timings = []
    for params in (spec.space.sample(rng) for _ in range(40)):
        step_s = guess_text_s(params, has_own_model=False) * int(params["batch_size"])
        timings.append(
            Timing(
                params=dict(params),
                start_s=1.0,
                restart_s=0.1,
                step_s=step_s,
                block_s=1e-9,
                whole_s=2.0,
                wall_s=2.0,
                n_weights=100,
                memory_bytes=10**8,
            )
        )
    return CostModel(timings, Workload(n_train=1000, n_blocks=1, block=100))


def test_a_plan_is_imagined_as_it_is() -> None:
    spec = make_spec()
    plan = ask_first_settings(spec, 2)
    model = make_model(make_spec(space=SPACE))

    items = Imagination(spec, model, plan).draw(2.0, np.random.default_rng(0))

    assert [item.cost.epoch_s for item in items] == [2.0 * model.predict(p).epoch_s for p in plan]


def test_a_search_is_imagined_to_begin_as_foreseen_and_to_lean_towards_size() -> None:
    spec = make_spec(design={"kind": "search", "trials": 30}, space=SPACE)
    certain, model = ask_first_settings(spec, 2), make_model(spec)
    imagination = Imagination(spec, model, certain)

    rng = np.random.default_rng(0)
    drawn = np.array([[item.cost.epoch_s for item in imagination.draw(1.0, rng)] for _ in range(200)])

    assert drawn.shape == (200, 30)
    assert drawn[0, : len(certain)] == pytest.approx([model.predict(p).epoch_s for p in certain])
    by_chance = np.mean([model.predict(spec.space.sample(rng)).epoch_s for _ in range(500)])
    assert 1.2 < drawn[:, len(certain) :].mean() / by_chance < 4.0


def test_the_sizes_a_sampler_asks_for_are_of_the_space_and_grow_as_it_learns() -> None:
    sizes = [1.0, 2.0, 4.0, 8.0, 16.0]

    early = draw_learned([sizes], 400, range(6, 56), np.random.default_rng(0))
    late = draw_learned([sizes], 400, range(200, 250), np.random.default_rng(0))

    assert set(np.unique(early)) <= set(sizes)
    assert np.mean(sizes) < early.mean() < late.mean() < 16.0
    # Each time has a lean of its own: an average over settings does not settle what a study costs.
    assert early.mean(axis=1).std() > 1.5 * early.std() / np.sqrt(50)


def test_strata_take_turns_in_what_samplers_ask_for() -> None:
    drawn = draw_learned([[1.0, 2.0], [10.0, 20.0]], 50, range(3, 7), np.random.default_rng(0))

    assert set(np.unique(drawn[:, [0, 2]])) == {10.0, 20.0}
    assert set(np.unique(drawn[:, [1, 3]])) == {1.0, 2.0}


@pytest.mark.parametrize("changes", [{"model": "models:build"}, {"resources": {"gpus_per_trial": 1}}])
def test_where_nothing_is_known_of_costs_all_settings_are_of_one_size(changes: dict[str, Any]) -> None:
    settings = [make_spec(space=SPACE).space.sample(np.random.default_rng(n)) for n in range(3)]

    assert len({size_of(make_spec(), params) for params in settings}) == 3
    assert {size_of(make_spec(**changes), params) for params in settings} == {1.0}
