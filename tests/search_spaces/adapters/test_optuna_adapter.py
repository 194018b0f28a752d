from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from search_spaces import Choice, Fixed, Integer, Real, Space, SpaceError, recurrent_space
from search_spaces.domains import Domain

optuna = pytest.importorskip("optuna")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402

from search_spaces.adapters import optuna as adapter  # noqa: E402

FALSE_FAILURE_RATE = 1e-6
"""Of each uniformity test: the chance that a correct sampler would fail under another seed."""

CONSTRAINED = Space(
    {"layers": [1, 2, 3], "units": Integer(8, 128, log=True), "units_2": Integer(8, 128), "seed": 7},
    {"units_2": "layers >= 2"},
    ["units * layers <= 256", "units_2 <= units"],
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def new_study(seed: int = 0, sampler: str = "RandomSampler") -> optuna.Study:
    return optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))


@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_whatever_optuna_suggests_is_legal(
    data: st.DataObject, seed: int, plain_spaces: st.SearchStrategy[Space]
) -> None:
    space = data.draw(plain_spaces)

    trial, params = adapter.ask(new_study(seed), space)

    space.validate(params)
    assert space.complete(trial.params) == params


NEEDED = {"CmaEsSampler": "cmaes", "GPSampler": "torch"}
SAMPLERS = (
    "RandomSampler",
    "TPESampler",
    "QMCSampler",
    "NSGAIISampler",
    "NSGAIIISampler",
    "CmaEsSampler",
    "GPSampler",
    "BruteForceSampler",
)
RARE = Space(
    {"a": Integer(1, 1000), "b": Real(0, 1, step=0.1), "kind": ["x", "y"], "c": Integer(1, 9)},
    {"c": "kind == 'x'"},
    ["a <= 3", "b == 0.3"],
)
"""One setting in 3,667 is legal, and Optuna writes 0.30000000000000004 for .3."""


@pytest.mark.parametrize("space", [CONSTRAINED, RARE], ids=["constrained", "rare"])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # QMC, GP, BruteForce
def test_samplers_of_every_kind_suggest_legal_settings(sampler: str, space: Space) -> None:
    pytest.importorskip(NEEDED.get(sampler, "optuna"))
    study = new_study(sampler=sampler)

    for _ in range(12):
        trial, params = adapter.ask(study, space)
        space.validate(params)
        study.tell(trial, float(params.get("units", params.get("a"))))

    states = Counter(trial.state.name for trial in study.trials)
    assert states["COMPLETE"] == 12
    assert states["PRUNED"] <= 12 * 10


def test_tpe_learns_from_what_breaks_a_constraint() -> None:
    space = Space({f"x{i}": Real(0, 1) for i in range(3)}, {}, ["x0 + x1 + x2 <= 1"])  # 1 in 6 is legal
    shares = {}

    for sampler in ("RandomSampler", "TPESampler"):
        study = new_study(sampler=sampler)
        for _ in range(60):
            trial, params = adapter.ask(study, space)
            study.tell(trial, params["x0"])
        shares[sampler] = sum(t.state.name == "PRUNED" for t in study.trials) / len(study.trials)

    assert shares["RandomSampler"] > 0.75
    assert shares["TPESampler"] < 0.5


def test_a_legal_setting_is_drawn_alike_in_a_study_of_the_same_seed() -> None:
    first, again = ([adapter.ask(study, RARE)[1] for _ in range(5)] for study in (new_study(1), new_study(1)))

    assert first == again
    assert len({repr(params) for params in first}) > 1


@given(data=st.data())
@settings(max_examples=25)
def test_distributions_give_the_searched_parameters_back(
    data: st.DataObject, plain_spaces: st.SearchStrategy[Space]
) -> None:
    space = data.draw(plain_spaces)
    ordered = [n for n, d in space.parameters.items() if isinstance(d, Choice) and d.ordered]
    fixed = {n: d.value for n, d in space.parameters.items() if isinstance(d, Fixed)}

    again = adapter.from_distributions(adapter.distributions(space), fixed, ordered)

    assert dict(again.parameters) == dict(space.parameters)
    assert repr({n: again.parameters[n] for n in space.parameters}) == repr(dict(space.parameters))


@given(data=st.data())
@settings(max_examples=25)
def test_distributions_survive_optunas_own_storage_format(
    data: st.DataObject, plain_spaces: st.SearchStrategy[Space]
) -> None:
    distributions = adapter.distributions(data.draw(plain_spaces))

    again = {
        name: optuna.distributions.json_to_distribution(
            optuna.distributions.distribution_to_json(distribution)
        )
        for name, distribution in distributions.items()
    }

    assert adapter.from_distributions(again) == adapter.from_distributions(distributions)


@pytest.mark.parametrize(
    ("domain", "distribution"),
    [
        (Choice([1, "a", None]), CategoricalDistribution([1, "a", None])),
        (Integer(1, 9), IntDistribution(1, 9)),
        (Integer(1, 9, log=True), IntDistribution(1, 9, log=True)),
        (Integer(1, 9, step=2), IntDistribution(1, 9, step=2)),
        (Real(0, 1), FloatDistribution(0, 1)),
        (Real(0.1, 1, log=True), FloatDistribution(0.1, 1, log=True)),
        (Real(0, 1, step=0.1), FloatDistribution(0, 1, step=0.1)),
    ],
)
def test_each_kind_has_its_distribution(domain: Domain, distribution: object) -> None:
    assert adapter.distributions(Space({"x": domain})) == {"x": distribution}


def test_an_unknown_distribution_is_refused() -> None:
    class Strange(optuna.distributions.BaseDistribution):  # type: ignore[misc]
        def to_internal_repr(self, value: object) -> float:
            return 0.0

        def single(self) -> bool:
            return False

        def _contains(self, value: float) -> bool:
            return True

    with pytest.raises(SpaceError, match="float, int and categorical"):
        adapter.from_distributions({"x": Strange()})


def test_a_setting_that_was_enqueued_comes_back() -> None:
    study, space = new_study(), recurrent_space()
    wanted = space.sample(np.random.default_rng(3))
    study.enqueue_trial(wanted)

    _, params = adapter.ask(study, space)

    assert params == wanted


def test_a_suggestion_that_breaks_a_constraint_is_told_as_pruned_and_asked_again() -> None:
    study = new_study()
    study.enqueue_trial({"layers": 3, "units": 128, "units_2": 8})

    trial, params = adapter.ask(study, CONSTRAINED)

    refused = study.trials[0]
    assert trial.number > 0
    assert CONSTRAINED.is_legal(params)
    assert refused.state == optuna.trial.TrialState.PRUNED
    assert "'units * layers <= 256'" in refused.user_attrs["infeasible"]


def test_asking_a_space_of_few_legal_settings_goes_on_with_a_legal_draw() -> None:
    study = new_study()
    space = Space({"a": Integer(1, 10**6)}, {}, ["a == 1"])

    _, params = adapter.ask(study, space, max_tries=3)

    assert params == {"a": 1}
    assert [trial.state.name for trial in study.trials] == ["PRUNED"] * 3 + ["RUNNING"]


def test_asking_an_empty_space_ends() -> None:
    with pytest.raises(SpaceError, match="the space is empty"):
        adapter.ask(new_study(), Space({"a": Integer(1, 10**6)}, {}, ["a < 1"]))


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        (Choice(["a", "b"], weights=[1, 2]), r"x: Optuna .* no place for weights=\[1.0, 2.0\]"),
        (Real(0, 1, mean=0.5, std=0.1), "x: Optuna .* no place for mean=0.5, std=0.1"),
        (Integer(0, 9, mean=5, std=1), "x: Optuna .* no place for mean=5.0, std=1.0"),
    ],
)
def test_weights_and_normal_ranges_are_refused_by_name(domain: Domain, said: str) -> None:
    space = Space({"x": domain})

    for search in (
        lambda: adapter.distributions(space),
        lambda: adapter.ask(new_study(), space),
    ):
        with pytest.raises(SpaceError, match=said):
            search()

    adapter.ask(new_study(), space.uniform())


def test_a_step_reaches_conditions_as_its_level() -> None:
    space = Space({"b": Real(0, 1, step=0.1), "c": [1, 2]}, {"c": "b == 0.3"}, ["b <= 0.3"])
    study = new_study()
    study.enqueue_trial({"b": 0.1 * 3, "c": 2})

    trial, params = adapter.ask(study, space)

    assert params == {"b": 0.3, "c": 2}
    assert space.complete(trial.params) == params


def test_the_defaults_are_the_first_trial() -> None:
    study = new_study()
    space = Space({"a": Integer(1, 99), "b": [1, 2]}, defaults={"a": 7})

    adapter.enqueue_defaults(study, space)

    assert adapter.ask(study, space)[1]["a"] == 7


def test_a_study_shows_its_space() -> None:
    space = Space(
        {
            "layers": [1, 2, 3],
            "units": Integer(8, 64),
            "units_2": Integer(8, 64),
            "lr": Real(0.1, 1, log=True),
        },
        {"units_2": "layers >= 2"},
    )
    study = new_study()
    study.optimize(adapter.objective(space, lambda params: 0.0), n_trials=20)

    with pytest.warns(UserWarning, match=r"inferred from 20 trials: units_2 only where layers in \["):
        again = adapter.from_study(study)

    assert {n: again[n] for n in space} == dict(space.parameters)
    for trial in study.trials:
        again.validate(trial.params)
    assert not again.is_legal({"layers": 1, "units": 8, "units_2": 8, "lr": 0.5})


def test_a_study_that_does_not_show_its_space_is_refused() -> None:
    study = new_study()
    with pytest.raises(SpaceError, match="has none with parameters"):
        adapter.from_study(study)

    study.ask({"a": IntDistribution(1, 3), "b": FloatDistribution(0, 1)})
    study.ask({"a": IntDistribution(1, 3)})
    study.enqueue_trial({"a": 1})
    study.enqueue_trial({"a": 1, "b": 0.5})
    study.ask({"a": IntDistribution(1, 3)})
    study.ask({"a": IntDistribution(1, 3), "b": FloatDistribution(0, 1)})
    with pytest.raises(SpaceError, match="b is in 2 of 4 settings"):
        adapter.from_study(study)

    study.ask({"a": IntDistribution(1, 4)})
    with pytest.raises(SpaceError, match="a has two distributions"):
        adapter.from_study(study)


def test_optimize_counts_what_breaks_a_constraint_as_pruned() -> None:
    study = new_study()

    study.optimize(adapter.objective(CONSTRAINED, lambda params: float(len(params))), n_trials=40)

    states = Counter(trial.state.name for trial in study.trials)
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert sum(states.values()) == 40


def test_the_infeasible_trial_error_is_a_space_error_that_pickles() -> None:
    error = adapter.InfeasibleTrialError("why")

    assert isinstance(error, SpaceError)
    assert isinstance(error, optuna.TrialPruned)
    assert str(pickle.loads(pickle.dumps(error))) == "why"  # noqa: S301


def test_a_define_by_run_function_suggests_the_whole_setting() -> None:
    space = Space({"a": [1, 2], "b": 3})

    function = pickle.loads(pickle.dumps(adapter.define_by_run(space)))  # noqa: S301

    params = function(new_study().ask())

    assert params["b"] == 3
    space.validate(params)


def test_a_fixed_trial_is_read_as_it_is() -> None:
    params = adapter.suggest(optuna.trial.FixedTrial({"layers": 1, "units": 8}), CONSTRAINED)

    assert params == {"layers": 1, "units": 8, "seed": 7}


KINDS: dict[str, Domain] = {
    "choice": Choice(["a", "b", None]),
    "flag": Choice([False, True]),
    "integer": Integer(-2, 4),
    "stepped": Integer(0, 90, step=9),
    "log": Integer(1, 8, log=True),
    "stepped real": Real(0, 1, step=0.25),
}


def test_optunas_draws_are_uniform_and_reach_both_ends() -> None:
    space, study = Space(KINDS), new_study(seed=1)
    n = 1500

    draws = [adapter.suggest(study.ask(), space) for _ in range(n)]

    for name, domain in KINDS.items():
        levels = domain.levels()
        edges = np.log(np.arange(0.5, 9)) if name == "log" else np.arange(len(levels) + 1)
        shares = np.diff(edges) / (edges[-1] - edges[0])
        counts = Counter(params[name] for params in draws)
        observed = [counts[level] for level in levels]
        assert min(observed[0], observed[-1]) > 0
        assert sum(observed) == n
        assert stats.chisquare(observed, n * shares).pvalue > FALSE_FAILURE_RATE


def test_domains_that_are_no_space_are_refused_where_they_are_given() -> None:
    odd: Any = {"a": [1]}
    study = optuna.create_study()

    for ask in (
        adapter.distributions,
        adapter.define_by_run,
        partial(adapter.objective, function=len),
        partial(adapter.suggest, study.ask()),
        partial(adapter.ask, study),
        partial(adapter.enqueue_defaults, study),
    ):
        with pytest.raises(
            SpaceError, match=r"a space is a search_spaces\.Space, not {'a': \[1\]}: make one"
        ):
            ask(space=odd)
