from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
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
    configs = draw_configs(adapter.param_space(space, seed=seed), 5, seed)

    assert all(space.is_legal(space.complete(config)) for config in configs)
    assert space.conditions or all(map(space.is_legal, configs))


@given(data=st.data())
@settings(max_examples=25)
def test_a_param_space_gives_the_parameters_back(
    data: st.DataObject, plain_spaces: st.SearchStrategy[Space]
) -> None:
    bare = Space(data.draw(plain_spaces).parameters)

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
        (tune.quniform(0, 1, 0.1), Real(0, 1, step=0.1)),
        (tune.qrandint(0, 10, 2), Integer(0, 10, step=2)),
        (tune.qrandint(0, 10, 1), Integer(0, 9)),
        (tune.randn(1, 0.5), Real(-3, 5, mean=1, std=0.5)),
        (tune.qrandn(0, 1, 0.5), Real(-8, 8, step=0.5, mean=0, std=1)),
    ],
)
def test_rays_own_domains_are_read(ray_domain: object, domain: Domain) -> None:
    assert adapter.from_param_space({"x": ray_domain}).parameters["x"] == domain


@pytest.mark.parametrize(
    "ray_domain",
    [
        tune.sample_from(lambda: 1),
        [1],
        object(),
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


@pytest.fixture
def own_ray() -> Iterator[None]:
    """A Ray of one CPU, as a user starts it, with warnings of many kinds."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("own_ray")
@pytest.mark.filterwarnings("ignore")
def test_a_tuner_trains_legal_settings(tmp_path: Path) -> None:
    space = CONSTRAINED

    def train(config: dict[str, Any]) -> dict[str, float]:
        return {"score": float(len(space.complete(config)))}

    tuner = tune.Tuner(
        train,
        param_space=adapter.param_space(space, seed=0),
        tune_config=tune.TuneConfig(num_samples=6),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()

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


OF_RAY_2_60 = pytest.mark.skipif(
    tuple(map(int, version("ray").split(".")[:2])) < (2, 60),
    reason="an older Ray gives the ends of whole steps other shares, and takes steps of 1 for none",
)


@pytest.mark.parametrize(
    "quantized",
    [
        tune.qloguniform(0.1, 1, 0.1),
        pytest.param(tune.qlograndint(8, 64, 8), marks=OF_RAY_2_60),
        tune.quniform(0, 1, 0.25),
        pytest.param(tune.qrandn(0, 1, 1), marks=OF_RAY_2_60),
    ],
)
def test_quantized_values_come_as_often_as_ray_draws_them(quantized: Any) -> None:
    domain = adapter.from_param_space({"x": quantized})["x"]
    drawn = [config["x"] for config in draw_configs({"x": quantized}, 4000)]

    values = [Space({"x": domain}).complete({"x": value})["x"] for value in drawn]

    levels = domain.levels()
    shares = np.diff([domain.edge(k) for k in range(len(levels) + 1)])
    if "uniform" in repr(type(quantized.get_sampler().get_sampler())).lower() and domain == Real(
        0, 1, step=0.25
    ):
        shares = np.array([1, 2, 2, 2, 1]) / 8  # Ray rounds: the ends have half the chance
    counts = Counter(values)
    seen = [(counts[level], share) for level, share in zip(levels, shares, strict=True) if share > 1e-3]
    observed, expected = np.array([s[0] for s in seen]), np.array([s[1] for s in seen])
    assert stats.chisquare(observed, expected / expected.sum() * observed.sum()).pvalue > FALSE_FAILURE_RATE


def test_nested_spaces_go_in_and_out() -> None:
    space = Space({"model.units": Integer(8, 64), "model.cell": ["rnn", "gru"], "lr": Real(0.1, 1)})

    nested = adapter.param_space(space, nested=True)

    assert set(nested) == {"model", "lr"}
    assert adapter.from_param_space(nested) == space
    for config in draw_configs(nested, 5):
        space.complete(config)


def test_weights_and_normal_ranges_are_kept_in_random_search() -> None:
    space = Space({"a": Choice(["x", "y"], weights=[1, 9]), "b": Real(0, 1, mean=0, std=0.1)})

    configs = draw_configs(adapter.param_space(space, seed=0), 1000)

    counts = Counter(config["a"] for config in configs)
    assert stats.binomtest(counts["x"], 1000, 0.1).pvalue > FALSE_FAILURE_RATE
    with pytest.raises(SpaceError, match=r"Ray .* no place for weights"):
        adapter.to_ray(space["a"])


RARE = Space(
    {**CONSTRAINED.parameters, "b": Integer(1, 1000)}, CONSTRAINED.conditions, ["b == 7", "units < 99"]
)


def new_search(**options: Any) -> Any:
    pytest.importorskip("optuna").logging.set_verbosity(40)
    return adapter.OptunaSpaceSearch(RARE, "score", "max", seed=0, **options)


def test_a_search_suggests_legal_settings_and_is_told_of_results() -> None:
    search = new_search()

    for i in range(6):
        params = search.suggest(f"t{i}")
        RARE.validate(params)
        search.on_trial_result(f"t{i}", {"score": 0.0})
        search.on_trial_complete(f"t{i}", {"score": float(params["units"])} if i else None, error=i == 0)
    search.on_trial_complete("t1", {"score": 1.0})  # again, which Tune may do

    states = Counter(trial.state.name for trial in search.study.trials)
    assert (states["COMPLETE"], states["FAIL"]) == (5, 1)
    assert search.study.best_value == max(t.params["units"] for t in search.study.trials if t.values)


def test_a_search_survives_pickling_saving_and_restoring(tmp_path: Path) -> None:
    search, other = new_search(), new_search()
    search.suggest("a")

    search.save(str(tmp_path / "state"))
    other.restore(str(tmp_path / "state"))
    copied = pickle.loads(pickle.dumps(search))  # noqa: S301

    expected = search.suggest("b")
    assert other.suggest("b") == copied.suggest("b") == expected
    other.on_trial_complete("a", {"score": 1.0})
    assert other.study.best_value == 1.0


def test_the_defaults_are_the_first_trial_of_a_search() -> None:
    space = Space({"m.a": Integer(1, 99)}, defaults={"m.a": 5})
    pytest.importorskip("optuna")

    search = adapter.OptunaSpaceSearch(space, nested=True)
    search.set_search_properties("score", "min", {})

    assert search.suggest("a") == {"m": {"a": 5}}


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: adapter.OptunaSpaceSearch(RARE).suggest("a"), "needs a metric and a mode"),
        (lambda: adapter.OptunaSpaceSearch(RARE, "score", "best"), "mode is min or max, not 'best'"),
        (
            lambda: adapter.OptunaSpaceSearch(RARE).set_search_properties("s", "min", {"a": 1}),
            r"leave out param_space, which has \['a'\]",
        ),
        (
            lambda: adapter.OptunaSpaceSearch(Space({"a": Real(0, 1, mean=0, std=1)})),
            "a: Optuna .* no place for mean",
        ),
    ],
)
def test_a_search_that_cannot_work_is_refused(use: Any, message: str) -> None:
    pytest.importorskip("optuna")

    with pytest.raises(SpaceError, match=message):
        use()


@pytest.mark.slow
@pytest.mark.usefixtures("own_ray")
@pytest.mark.filterwarnings("ignore")
def test_a_real_fit_keeps_the_constraints_and_is_restored(tmp_path: Path) -> None:
    tuner = tune.Tuner(
        score_config,
        # In one process: to start another would be most of the time.
        tune_config=tune.TuneConfig(
            search_alg=new_search(), num_samples=4, max_concurrent_trials=1, reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), name="fit", verbose=0),
    )

    results = tuner.fit()

    configs = [result.config for result in results]
    assert len(configs) == 4 and not results.errors
    assert all(map(RARE.is_legal, configs))
    assert tune.Tuner.restore(str(tmp_path / "fit"), score_config).get_results().num_terminated == 4


def score_config(config: dict[str, Any]) -> None:
    tune.report({"score": float(config["units"])})
