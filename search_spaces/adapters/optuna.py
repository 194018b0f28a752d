"""Spaces for Optuna, and back: suggestions in any study, distributions, define-by-run functions.

Optuna's samplers propose one parameter after another and know no constraints. `ask` tells a proposal that
breaks one as pruned, of which `TPESampler` learns; after a few of them it goes on with a legal setting drawn
from the space, so that samplers that learn nothing from pruned trials (CMA-ES, GP, NSGA-II, NSGA-III, QMC,
random) come to no stop. Weights and normal ranges are unknown to Optuna: search `Space.uniform()`.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from search_spaces.adapters.densities import refuse_density
from search_spaces.adapters.inference import infer_conditions
from search_spaces.domains import Choice, Fixed, Integer, Real, Scalar, Setting
from search_spaces.errors import SpaceError, located
from search_spaces.extras import needed_by
from search_spaces.space import Space

with needed_by(__name__):
    import optuna
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )


class InfeasibleTrialError(SpaceError, optuna.TrialPruned):  # type: ignore[misc]
    """A suggestion that breaks a constraint; `Study.optimize` counts its trial as pruned."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The distribution of each searched parameter; fixed ones and expressions are left out.

    Raises:
        SpaceError: If the space has weights or normal ranges.
    """
    Space.require(space)
    found = {}
    for name, domain in space.parameters.items():
        if not isinstance(domain, Fixed):
            with located(prefix=f"{name}: "):
                found[name] = to_distribution(domain)
    return found


def to_distribution(domain: Choice | Integer | Real) -> BaseDistribution:
    """The distribution with the same values; it does not know whether a choice is ordered.

    Raises:
        SpaceError: If some values are likelier than others.
    """
    refuse_density(domain, "Optuna")
    match domain:
        case Choice(choices):
            return CategoricalDistribution(choices)
        case Integer(low, high):
            return IntDistribution(low, high, log=domain.log, step=domain.step)
        case Real(low, high):
            return FloatDistribution(low, high, log=domain.log, step=domain.step)
        case _:
            assert_never(domain)


def from_distributions(
    distributions: Mapping[str, BaseDistribution],
    fixed: Mapping[str, Scalar] | None = None,
    ordered: Collection[str] = (),
) -> Space:
    """The space of a study's distributions, those of its `trials[-1].distributions` say.

    Args:
        distributions: Distribution of each parameter.
        fixed: Further parameters with a value of their own.
        ordered: The categorical ones whose choices are in order, which Optuna does not record.

    Raises:
        SpaceError: If a distribution is of a kind unknown here, or a name stands in both.
    """
    domains = {name: from_distribution(d, ordered=name in ordered) for name, d in distributions.items()}
    return Space(domains).union(Space({name: Fixed(value) for name, value in (fixed or {}).items()}))


def from_distribution(distribution: BaseDistribution, ordered: bool = False) -> Choice | Integer | Real:
    """The domain with the same values.

    Raises:
        SpaceError: If its kind is unknown here.
    """
    if isinstance(distribution, CategoricalDistribution):
        return Choice(distribution.choices, ordered=ordered)
    if isinstance(distribution, IntDistribution):
        return Integer(distribution.low, distribution.high, log=distribution.log, step=distribution.step)
    if isinstance(distribution, FloatDistribution):
        return Real(distribution.low, distribution.high, log=distribution.log, step=distribution.step)
    raise SpaceError(
        f"Optuna's float, int and categorical distributions are known, not {distribution!r}: use these."
    )


def from_study(study: optuna.Study) -> Space:
    """The space that a study's trials came from, as far as they show it.

    Where a parameter is not in all trials, its condition is inferred: which values of a parameter of few
    values come with it, and with no trial that lacks it. A `UserWarning` says so: more trials may tell
    otherwise.

    Raises:
        SpaceError: If there are no trials, a parameter changed its distribution, or no condition explains why
            some trials lack it.
    """
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.distributions]
    if not trials:
        raise SpaceError("a study shows its space in its trials, and has none with parameters: run some.")
    known: dict[str, BaseDistribution] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            if known.setdefault(name, distribution) != distribution:
                raise SpaceError(
                    f"{name} has two distributions, {known[name]!r} and {distribution!r}: name its range "
                    "with from_distributions."
                )
    settings = [trial.params for trial in trials]
    domains = {name: from_distribution(distribution) for name, distribution in known.items()}
    conditions = infer_conditions(domains, settings)
    if conditions:
        inferred = "; ".join(f"{name} only where {text}" for name, text in conditions.items())
        warnings.warn(f"inferred from {len(trials)} trials: {inferred}", stacklevel=2)
    return Space(domains, conditions)


def suggest(trial: optuna.trial.BaseTrial, space: Space) -> Setting:
    """The trial's value for each active parameter; fixed ones are filled in without troubling the trial.

    Args:
        trial: Any Optuna trial, of `Study.optimize` or of `Study.ask()`.
        space: Where to suggest; a parameter is suggested after those that its condition mentions.

    Raises:
        SpaceError: If the space has weights or normal ranges.
        InfeasibleTrialError: If the suggestion breaks a constraint: an Optuna sampler draws one parameter
            after another and knows none. `ask` tries again; with `Study.ask` alone, tell the trial as pruned.
    """
    Space.require(space)
    params: Setting = {}
    for name in space.order:
        condition = space.conditions.get(name)
        if condition is not None and not condition.evaluate(params):
            continue
        domain = space.parameters[name]
        with located(prefix=f"{name}: "):
            params[name] = domain.value if isinstance(domain, Fixed) else _suggest_one(trial, name, domain)
    if violated := space.violated(params):
        raise InfeasibleTrialError(
            f"trial {trial.number} breaks {violated.text!r} with {params!r}: tell it as pruned and ask again."
        )
    return {name: params[name] for name in space.parameters if name in params}


def _suggest_one(trial: optuna.trial.BaseTrial, name: str, domain: Choice | Integer | Real) -> Scalar:
    refuse_density(domain, "Optuna")
    match domain:
        case Choice(choices):
            return trial.suggest_categorical(name, choices)  # type: ignore[no-any-return]
        case Integer(low, high):
            return trial.suggest_int(name, low, high, log=domain.log, step=domain.step)  # type: ignore[no-any-return]
        case Real(low, high):
            # Optuna's levels are multiples of doubles, 0.30000000000000004 for 0.3
            return domain.snap(trial.suggest_float(name, low, high, log=domain.log, step=domain.step))
        case _:
            assert_never(domain)


def ask(study: optuna.Study, space: Space, max_tries: int = 10) -> tuple[optuna.Trial, Setting]:
    """A new trial of `study` whose suggestion keeps all constraints, and its setting.

    Suggestions that break one are told as pruned, for the samplers that learn from such trials; each has its
    number. After `max_tries` of them, a legal setting is drawn from the space, enqueued and asked for. The
    draw depends on the last refused suggestion alone: a seeded study is repeatable.

    Raises:
        SpaceError: If the space is empty, or has weights or normal ranges.
    """
    Space.require(space)
    while True:
        for _ in range(max_tries):
            trial = study.ask()
            try:
                return trial, suggest(trial, space)
            except InfeasibleTrialError as error:
                trial.set_user_attr("infeasible", str(error))
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                refused = f"{trial.number} {trial.params!r}"
        seed = zlib.crc32(refused.encode()) if max_tries else 0
        setting = space.sample(np.random.default_rng(seed))
        study.enqueue_trial({name: setting[name] for name in space.dimensions if name in setting})


def enqueue_defaults(study: optuna.Study, space: Space) -> None:
    """Let the space's defaults be the study's next trial; the sampler chooses what has none.

    Nothing happens where the space has no defaults.
    """
    Space.require(space)
    if space.defaults:
        study.enqueue_trial(dict(space.defaults))


@dataclass(frozen=True)
class DefineByRun:
    """`suggest` for one space, as a function of the trial.

    Args:
        space: Where to suggest.
    """

    space: Space

    def __call__(self, trial: optuna.trial.BaseTrial) -> Setting:
        """The trial's setting."""
        return suggest(trial, self.space)


def define_by_run(space: Space) -> DefineByRun:
    """`suggest` for one space, as a function of the trial: what define-by-run interfaces ask for.

    A constraint that a suggestion breaks is an `InfeasibleTrialError`, which ends Ray Tune's own
    `OptunaSearch`; `adapters.ray.OptunaSpaceSearch` asks again.
    """
    Space.require(space)
    return DefineByRun(space)


@dataclass(frozen=True)
class Objective:
    """A function of a setting as a function of a trial.

    Args:
        space: Where to suggest.
        function: Of a setting.
    """

    space: Space
    function: Callable[[Setting], float]

    def __call__(self, trial: optuna.trial.BaseTrial) -> float:
        """The function's value at the trial's setting."""
        return self.function(suggest(trial, self.space))


def objective(space: Space, function: Callable[[Setting], float]) -> Objective:
    """A function of a setting as a function of a trial, for `Study.optimize`."""
    Space.require(space)
    return Objective(space, function)
