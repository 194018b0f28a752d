from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from search_spaces import Choice, Fixed, Integer, Real, Space, SpaceError
from search_spaces.domains import Domain

ray = pytest.importorskip("ray")

from ray import tune  # noqa: E402
from ray.tune.search.variant_generator import generate_variants  # noqa: E402

from search_spaces.adapters import ray as adapter  # noqa: E402

FALSE_FAILURE_RATE = 1e-6
"""Of each uniformity test: the chance that a correct sampler would fail under another seed."""

CONSTRAINED = Space(
    {"layers": [1, 2, 3], "units": Integer(8, 128, log=True), "units_2": Integer(8, 128), "seed": 7},
    {"units_2": "layers >= 2"},
    ["units * layers <= 256", "units_2 <= units"],
)


def draw_configs(param_space: dict[str, Any], n: int, seed: int = 0) -> list[dict[str, Any]]:
    """What Tune's own variant generator makes of a `param_space`."""
    random_state = np.random.RandomState(seed)  # Tune's own kind
    return [
        spec["config"]
        for _ in range(n)
        for _, spec in generate_variants({"config": param_space}, random_state=random_state)
    ]


@given(space=..., seed=st.integers(0, 99))
@settings(max_examples=25)
def test_whatever_ray_draws_is_legal(space: Space, seed: int) -> None:
    for config in draw_configs(adapter.param_space(space, seed=seed), 5, seed):
        space.complete(config)
        if not space.conditions:
            space.validate(config)


@given(space=...)
def test_a_param_space_gives_the_parameters_back(space: Space) -> None:
    bare = Space(space.parameters)

    again = adapter.from_param_space(adapter.param_space(bare))

    assert repr(again) == repr(bare)
    assert again == bare


def test_a_step_that_makes_too_many_levels_for_ray_to_list_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"units: .* too many values to list"):
        adapter.param_space(Space({"units": Integer(0, 4 * 10**6, step=2)}))


def test_inactive_parameters_are_none_and_completing_drops_them() -> None:
    configs = draw_configs(adapter.param_space(CONSTRAINED, seed=0), 50)

    assert {config["units_2"] is None for config in configs if config["layers"] == 1} == {True}
    for config in configs:
        assert set(config) == set(CONSTRAINED.parameters)
        assert CONSTRAINED.complete(config) == {n: v for n, v in config.items() if v is not None}


def test_a_seed_settles_what_a_constrained_space_draws() -> None:
    first, again, other = (
        draw_configs(adapter.param_space(CONSTRAINED, seed=seed), 20) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other
    assert len({repr(config) for config in first}) > 10


@pytest.mark.parametrize(
    ("ray_domain", "domain"),
    [
        (tune.uniform(0, 1), Real(0, 1)),
        (tune.loguniform(1e-3, 1), Real(1e-3, 1, log=True)),
        (tune.randint(0, 10), Integer(0, 9)),
        (tune.lograndint(1, 10), Integer(1, 9, log=True)),
        (tune.choice(["a", 1]), Choice(["a", 1])),
        (tune.grid_search([1, 2]), Choice([1, 2])),
        (3, Fixed(3)),
        (None, Fixed(None)),
    ],
)
def test_rays_own_domains_are_read(ray_domain: object, domain: Domain) -> None:
    assert adapter.from_param_space({"x": ray_domain}).parameters["x"] == domain


@pytest.mark.parametrize(
    "ray_domain",
    [
        tune.randn(0, 1),
        tune.quniform(0, 1, 0.1),
        tune.qrandint(0, 10, 2),
        tune.sample_from(lambda: 1),
        {"a": 1},
        [1],
    ],
)
def test_what_has_no_counterpart_is_refused(ray_domain: object) -> None:
    with pytest.raises(SpaceError, match=r"x: .* has no counterpart here"):
        adapter.from_param_space({"x": ray_domain})


@pytest.mark.parametrize(
    "ray_domain", [tune.choice([]), tune.uniform(2, 1), tune.grid_search([]), tune.randint(3, 1)]
)
def test_bad_domains_that_ray_accepts_are_refused(ray_domain: object) -> None:
    with pytest.raises(SpaceError):
        adapter.from_param_space({"x": ray_domain})


def test_rays_optuna_search_understands_every_plain_domain() -> None:
    search = pytest.importorskip("ray.tune.search.optuna")
    pytest.importorskip("optuna")
    from search_spaces.adapters.optuna import distributions

    space = Space(
        {"a": ["x", 1], "b": Integer(1, 9, log=True), "c": Real(0.1, 1, log=True), "d": Integer(0, 5)}
    )

    converted = search.OptunaSearch.convert_search_space(adapter.param_space(space))

    assert converted == distributions(space)


def test_rays_optuna_search_takes_a_define_by_run_function() -> None:
    search = pytest.importorskip("ray.tune.search.optuna")
    optuna = pytest.importorskip("optuna")
    from search_spaces.adapters.optuna import define_by_run

    space = Space({"a": [1, 2], "b": Integer(1, 9), "c": 3}, {"b": "a == 2"})
    sampler = optuna.samplers.RandomSampler(seed=0)
    optuna_search = search.OptunaSearch(define_by_run(space), metric="x", mode="max", sampler=sampler)

    configs = [optuna_search.suggest(f"trial {i}") for i in range(20)]

    assert all(map(space.is_legal, configs))
    assert {len(config) for config in configs} == {2, 3}


@pytest.mark.slow
def test_a_tuner_trains_legal_settings(tmp_path: Path) -> None:
    space = CONSTRAINED

    def train(config: dict[str, Any]) -> dict[str, float]:
        return {"score": float(len(space.complete(config)))}

    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        tuner = tune.Tuner(
            train,
            param_space=adapter.param_space(space, seed=0),
            tune_config=tune.TuneConfig(num_samples=6),
            run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
        )
        results = tuner.fit()
    finally:
        ray.shutdown()

    assert not results.errors
    assert len({repr(result.config) for result in results}) > 1


KINDS: dict[str, Domain] = {
    "choice": Choice(["a", "b", None]),
    "ordered": Choice([1, 2], ordered=True),
    "integer": Integer(-2, 4),
    "stepped": Integer(0, 90, step=9),
    "log": Integer(1, 8, log=True),
    "stepped real": Real(0, 1, step=0.25),
}


def test_rays_draws_are_uniform_and_reach_both_ends() -> None:
    n = 1500

    draws = draw_configs(adapter.param_space(Space(KINDS)), n, seed=1)

    for name, domain in KINDS.items():
        levels = domain.levels()
        # Ray's log integers: k has the share of [k, k + 1), not of [k - 1/2, k + 1/2) as with us and Optuna
        edges = np.log(np.arange(1, 10)) if name == "log" else np.arange(len(levels) + 1)
        shares = np.diff(edges) / (edges[-1] - edges[0])
        counts = Counter(params[name] for params in draws)
        observed = [counts[level] for level in levels]
        assert min(observed[0], observed[-1]) > 0
        assert sum(observed) == n
        assert stats.chisquare(observed, n * shares).pvalue > FALSE_FAILURE_RATE
