"""Spaces for Optuna, and back: suggestions in any study, distributions, define-by-run functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import assert_never

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search_spaces.domains import Choice, Fixed, Integer, Real, Scalar
from search_spaces.errors import SpaceError
from search_spaces.space import Space


class InfeasibleTrialError(SpaceError, optuna.TrialPruned):  # type: ignore[misc]
    """A suggestion that breaks a constraint; `Study.optimize` counts its trial as pruned."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The distribution of each searched parameter; fixed ones and expressions are left out."""
    return {
        name: to_distribution(domain)
        for name, domain in space.parameters.items()
        if not isinstance(domain, Fixed)
    }


def to_distribution(domain: Choice | Integer | Real) -> BaseDistribution:
    """The distribution with the same values; it does not know whether a choice is ordered."""
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


def suggest(trial: optuna.trial.BaseTrial, space: Space) -> dict[str, Scalar]:
    """The trial's value for each active parameter; fixed ones are filled in without troubling the trial.

    Args:
        trial: Any Optuna trial, of `Study.optimize` or of `Study.ask()`.
        space: Where to suggest; a parameter is suggested after those that its condition mentions.

    Raises:
        InfeasibleTrialError: If the suggestion breaks a constraint: an Optuna sampler draws one parameter
            after another and knows none. `ask` tries again; with `Study.ask` alone, tell the trial as pruned.
    """
    params: dict[str, Scalar] = {}
    for name in space.order:
        condition = space.conditions.get(name)
        if condition is not None and not condition.evaluate(params):
            continue
        domain = space.parameters[name]
        params[name] = domain.value if isinstance(domain, Fixed) else _suggest_one(trial, name, domain)
    if violated := space.violated(params):
        raise InfeasibleTrialError(
            f"trial {trial.number} breaks {violated.text!r} with {params!r}: tell it as pruned and ask again."
        )
    return {name: params[name] for name in space.parameters if name in params}


def _suggest_one(trial: optuna.trial.BaseTrial, name: str, domain: Choice | Integer | Real) -> Scalar:
    match domain:
        case Choice(choices):
            return trial.suggest_categorical(name, choices)  # type: ignore[no-any-return]
        case Integer(low, high):
            return trial.suggest_int(name, low, high, log=domain.log, step=domain.step)  # type: ignore[no-any-return]
        case Real(low, high):
            return trial.suggest_float(name, low, high, log=domain.log, step=domain.step)  # type: ignore[no-any-return]
        case _:
            assert_never(domain)


def ask(study: optuna.Study, space: Space, max_tries: int = 100) -> tuple[optuna.Trial, dict[str, Scalar]]:
    """A new trial of `study` whose suggestion keeps all constraints, and its setting.

    Suggestions that break one are told as pruned, so that samplers learn from them; each has its number.

    Raises:
        SpaceError: If `max_tries` suggestions in a row break a constraint.
    """
    for _ in range(max_tries):
        trial = study.ask()
        try:
            return trial, suggest(trial, space)
        except InfeasibleTrialError as error:
            trial.set_user_attr("infeasible", str(error))
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    raise SpaceError(
        f"{max_tries} suggestions in a row break a constraint: "
        "check that the space is not empty, or raise max_tries."
    )


def define_by_run(space: Space) -> Callable[[optuna.trial.BaseTrial], dict[str, Scalar]]:
    """`suggest` for one space, as a function of the trial: what define-by-run interfaces ask for."""

    def suggest_all(trial: optuna.trial.BaseTrial) -> dict[str, Scalar]:
        return suggest(trial, space)

    return suggest_all


def objective(
    space: Space, function: Callable[[dict[str, Scalar]], float]
) -> Callable[[optuna.trial.BaseTrial], float]:
    """A function of a setting as a function of a trial, for `Study.optimize`."""

    def evaluate(trial: optuna.trial.BaseTrial) -> float:
        return function(suggest(trial, space))

    return evaluate
