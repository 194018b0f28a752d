"""Spaces for ConfigSpace (SMAC, auto-sklearn), and back.

Kept both ways: ranges, log scales, normal ranges, choices, weights, order, constants, defaults, conditions,
and those constraints that forbid values of one parameter, compare two, or join such by and, or, not. What one
of the two cannot say is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, assert_never

import numpy as np

from search_spaces.adapters.configspace_clauses import (
    Translator,
    write_clause,
    write_condition,
)
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Setting, name_density
from search_spaces.domains.codec import as_domain, domain_document
from search_spaces.errors import SpaceError, located
from search_spaces.expressions.parsing import parse_expression
from search_spaces.extras import needed_by
from search_spaces.space import Space

with needed_by(__name__):
    import ConfigSpace as cs  # noqa: N813  # a package named like a class

META_KEY = "search_spaces"
"""Where a hyperparameter keeps its place, and the documents of domain, condition and default."""


def to_configspace(space: Space, seed: int | None = None) -> cs.ConfigurationSpace:
    """The same parameters, conditions, constraints and defaults; what has steps is an ordinal of its levels.

    ConfigSpace wants a default for each parameter, and a legal one: where the space has none, the middle of
    the scale, or under constraints a legal setting, stands in, and is known for such on the way back.

    Raises:
        SpaceError: If a constraint or condition does arithmetic or compares what ConfigSpace cannot compare,
            a bound has more than 13 decimals, or an ordered choice or a range with steps is weighted.
    """
    Space.require(space)
    configspace = cs.ConfigurationSpace(seed=seed)
    start = _find_start(space)
    hyperparameters = {}
    for name in space.parameters:
        with located(prefix=f"{name}: "):
            hyperparameters[name] = _to_hyperparameter(space, name, start)
    configspace.add(list(hyperparameters.values()))
    for name, condition in space.conditions.items():
        configspace.add(Translator(space.parameters, hyperparameters, name).condition(condition.node))
    for constraint in space.constraints:
        for clause in Translator(space.parameters, hyperparameters).forbid(constraint.node):
            configspace.add(clause)
    return configspace


def from_configspace(configspace: cs.ConfigurationSpace) -> Space:
    """The space of a ConfigSpace, with its conditions, forbidden clauses, weights and defaults.

    ConfigSpace has a default for each parameter; all but those that `to_configspace` made up become defaults.

    Raises:
        SpaceError: If it holds a beta distribution, or a clause between ordinals of text.
    """
    # ConfigSpace sorts by name; what came from here goes back to its place
    hyperparameters = sorted(configspace.values(), key=lambda hp: _meta(hp).get("place", 0))
    metas = {hp.name: _find_meta(hp) for hp in hyperparameters}
    parameters: dict[str, Domain] = {}
    for hp in hyperparameters:
        with located(prefix=f"{hp.name}: "):
            meta = metas[hp.name]
            parameters[hp.name] = as_domain(meta["domain"]) if meta else _from_hyperparameter(hp)
    by_name = {hp.name: hp for hp in hyperparameters}
    conditions = {
        condition.child.name: _read_condition(condition, metas[condition.child.name], parameters, by_name)
        for condition in configspace.conditions
    }
    constraints = [f"not ({write_clause(clause)})" for clause in configspace.forbidden_clauses]
    if (known := _find_constraints(configspace, metas, parameters, by_name)) is not None:
        constraints = known
    defaults = {
        hp.name: hp.default_value
        for hp in hyperparameters
        if not isinstance(hp, cs.Constant) and not _is_made_up(hp, metas[hp.name])
    }
    return Space(parameters, conditions, constraints, defaults)


def _find_start(space: Space) -> Setting:
    """A default for the parameters that need one: those of the space, and under constraints what is legal."""
    if not space.constraints:
        return dict(space.defaults)
    for find in (space.default_setting, lambda: space.sample(np.random.default_rng(0))):
        try:
            if setting := find():
                return {**space.defaults, **setting}
        except SpaceError:  # nothing legal is found here; ConfigSpace may have a constraint to refuse
            pass
    return dict(space.defaults)


def _to_hyperparameter(space: Space, name: str, start: Mapping[str, Any]) -> Any:
    domain = space.parameters[name]
    document = {
        "place": list(space.parameters).index(name),
        "domain": domain_document(domain),
        "condition": space.conditions[name].text if name in space.conditions else None,
        "constraints": [c.text for c in space.constraints],
        "given": name in space.defaults,
        "default": start.get(name),
    }
    options: dict[str, Any] = {"meta": {META_KEY: document}}
    if name in start and not isinstance(domain, Fixed):
        options["default_value"] = start[name]
    return _make_hyperparameter(name, domain, options)


def _make_hyperparameter(name: str, domain: Domain, options: dict[str, Any]) -> Any:
    match domain:
        case Fixed(value):
            return cs.Constant(name, value, **options)
        case Choice(choices) if not domain.ordered:
            return cs.CategoricalHyperparameter(name, list(choices), weights=domain.weights, **options)
        case Integer(low, high) if domain.step == 1 and low < high:
            if domain.mean is None:
                return cs.UniformIntegerHyperparameter(name, low, high, log=domain.log, **options)
            mu, sigma = _to_normal(domain)
            return cs.NormalIntegerHyperparameter(name, mu, sigma, low, high, log=domain.log, **options)
        case Real(low, high) if domain.step is None and low < high:
            return _make_float(name, domain, options)
        case Choice() | Integer() | Real():
            if density := name_density(domain):
                raise SpaceError(
                    f"an ordinal of ConfigSpace has no place for {density}: drop it, or the order or step."
                )
            return cs.OrdinalHyperparameter(name, domain.levels(), **options)
        case _:
            assert_never(domain)


def _make_float(name: str, domain: Real, options: dict[str, Any]) -> Any:
    low, high = domain.low, domain.high
    with _valued(f"{domain!r} is too narrow or too near 0 for ConfigSpace, which rounds to 13 decimals"):
        if domain.mean is None:
            made = cs.UniformFloatHyperparameter(name, low, high, log=domain.log, **options)
        else:
            mu, sigma = _to_normal(domain)
            made = cs.NormalFloatHyperparameter(name, mu, sigma, low, high, log=domain.log, **options)
    if (made.lower, made.upper) != (low, high):
        raise SpaceError(
            f"ConfigSpace rounds to 13 decimals and would make [{made.lower}, {made.upper}] of {domain!r}: "
            "search the number in another unit."
        )
    return made


class _valued:  # noqa: N801  # a context, like located
    """Whatever ConfigSpace finds wrong inside is a `SpaceError`."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError) and not isinstance(error, SpaceError):
            raise SpaceError(f"{self._message}: search the number in another unit.") from None


def _to_normal(domain: Integer | Real) -> tuple[float, float]:
    """ConfigSpace's mu and sigma, which on a log scale are the exponentials of ours."""
    mean, std = domain.mean or 0.0, domain.std or 1.0
    return (math.exp(mean), math.exp(std)) if domain.log else (mean, std)


def _meta(hyperparameter: Any) -> dict[str, Any]:
    meta = dict(hyperparameter.meta or {}).get(META_KEY)
    return meta if isinstance(meta, dict) else {}


def _find_meta(hyperparameter: Any) -> dict[str, Any]:
    """What the hyperparameter was made from, unless it was edited since."""
    meta = _meta(hyperparameter)
    if not meta:
        return {}
    try:
        domain = as_domain(meta["domain"])
        again = _make_hyperparameter(
            hyperparameter.name,
            domain,
            {"meta": hyperparameter.meta}
            | ({} if isinstance(domain, Fixed) else {"default_value": hyperparameter.default_value}),
        )
    except (KeyError, TypeError, ValueError):
        return {}
    return meta if type(again) is type(hyperparameter) and again == hyperparameter else {}


def _is_made_up(hyperparameter: Any, meta: Mapping[str, Any]) -> bool:
    """Whether the default is one that `to_configspace` had to find."""
    if not meta or meta["given"]:
        return False
    options = {} if meta["default"] is None else {"default_value": meta["default"]}
    again = _make_hyperparameter(hyperparameter.name, as_domain(meta["domain"]), options)
    return bool(again.default_value == hyperparameter.default_value)


def _from_hyperparameter(hyperparameter: Any) -> Domain:
    match hyperparameter:
        case cs.Constant():
            return Fixed(hyperparameter.value)
        case cs.CategoricalHyperparameter():
            return Choice(list(hyperparameter.choices), weights=hyperparameter.weights)
        case cs.OrdinalHyperparameter():
            return Choice(list(hyperparameter.sequence), ordered=True)
        case cs.UniformIntegerHyperparameter():
            return Integer(int(hyperparameter.lower), int(hyperparameter.upper), log=hyperparameter.log)
        case cs.UniformFloatHyperparameter():
            return Real(hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log)
        case cs.NormalIntegerHyperparameter():
            normal = _from_normal(hyperparameter)
            return Integer(
                int(hyperparameter.lower), int(hyperparameter.upper), log=hyperparameter.log, **normal
            )
        case cs.NormalFloatHyperparameter():
            normal = _from_normal(hyperparameter)
            return Real(hyperparameter.lower, hyperparameter.upper, log=hyperparameter.log, **normal)
    raise SpaceError(
        f"{type(hyperparameter).__name__} has no counterpart here: "
        "use a uniform, normal, ordinal, categorical or constant one."
    )


def _from_normal(hyperparameter: Any) -> dict[str, Any]:
    mu, sigma = hyperparameter.mu, hyperparameter.sigma
    if not hyperparameter.log:
        return {"mean": mu, "std": sigma}
    if sigma <= 1:
        raise SpaceError(
            f"sigma={sigma} on a log scale is the factor of one standard deviation, and above 1: raise it."
        )
    return {"mean": math.log(mu), "std": math.log(sigma)}


def _read_condition(
    condition: Any,
    meta: Mapping[str, Any],
    parameters: Mapping[str, Domain],
    hyperparameters: Mapping[str, Any],
) -> str:
    """The condition's text: the one it was made from, if it is still what that makes."""
    if text := meta.get("condition"):
        try:
            translator = Translator(parameters, hyperparameters, condition.child.name)
            if translator.condition(parse_expression(text).node) == condition:
                return str(text)
        except (KeyError, ValueError):  # the parents were edited
            pass
    return write_condition(condition)


def _find_constraints(
    configspace: Any,
    metas: Mapping[str, Mapping[str, Any]],
    parameters: Mapping[str, Domain],
    hyperparameters: Mapping[str, Any],
) -> list[str] | None:
    """The constraints that the forbidden clauses were made from, if they are still what those make."""
    texts = next((meta["constraints"] for meta in metas.values() if meta), None)
    if texts is None:
        return None
    translator = Translator(parameters, hyperparameters)
    try:
        made = [clause for text in texts for clause in translator.forbid(parse_expression(text).node)]
    except (KeyError, ValueError):
        return None
    found = list(configspace.forbidden_clauses)
    return list(texts) if len(made) == len(found) and all(clause in found for clause in made) else None
