from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator

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


@given(space=..., seed=st.integers(0, 99))
@settings(max_examples=25)
def test_whatever_optuna_suggests_is_legal(space: Space, seed: int) -> None:
    trial, params = adapter.ask(new_study(seed), space, max_tries=10_000)

    space.validate(params)
    assert trial.params == {
        name: value for name, value in params.items() if not isinstance(space.parameters[name], Fixed)
    }


@pytest.mark.parametrize("sampler", ["RandomSampler", "TPESampler", "QMCSampler"])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # QMC is experimental
def test_samplers_of_every_kind_suggest_legal_settings(sampler: str) -> None:
    study = new_study(sampler=sampler)

    for _ in range(30):
        trial, params = adapter.ask(study, CONSTRAINED)
        CONSTRAINED.validate(params)
        study.tell(trial, float(params["units"]))  # type: ignore[arg-type]


@given(space=...)
def test_distributions_give_the_searched_parameters_back(space: Space) -> None:
    ordered = [n for n, d in space.parameters.items() if isinstance(d, Choice) and d.ordered]
    fixed = {n: d.value for n, d in space.parameters.items() if isinstance(d, Fixed)}

    again = adapter.from_distributions(adapter.distributions(space), fixed, ordered)

    assert dict(again.parameters) == dict(space.parameters)
    assert repr({n: again.parameters[n] for n in space.parameters}) == repr(dict(space.parameters))


@given(space=...)
def test_distributions_survive_optunas_own_storage_format(space: Space) -> None:
    distributions = adapter.distributions(space)

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


def test_asking_an_almost_empty_space_ends() -> None:
    space = Space({"a": Integer(1, 10**6)}, {}, ["a == 1"])

    with pytest.raises(SpaceError, match="20 suggestions in a row"):
        adapter.ask(new_study(), space, max_tries=20)


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

    params = adapter.define_by_run(space)(new_study().ask())

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
