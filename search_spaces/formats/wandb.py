"""Weights & Biases: the `parameters` of a sweep's configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.domains.codec import as_domain
from search_spaces.domains.exact import exact
from search_spaces.errors import SpaceError, located
from search_spaces.formats.reading import (
    as_real,
    as_whole,
    check_keys,
    check_mapping,
    make_multiples,
    make_normal,
    make_range,
    read_source,
    take,
    take_list,
    take_mapping,
)
from search_spaces.formats.refusing import check_length, refuse_absent

_KEYS = ("distribution", "value", "values", "probabilities", "min", "max", "q", "mu", "sigma", "parameters")


def read_wandb(source: Any) -> dict[str, Any]:
    """The document of a sweep's space; nested parameters have names with dots.

    Args:
        source: The sweep's configuration: a `Path`, YAML or JSON text, or a mapping. Only `parameters` is
            read: the method, the metric and the like are the search's.

    Raises:
        SpaceError: If it is no sweep, or has a distribution without counterpart.
    """
    sweep = check_mapping(read_source(source, "a sweep"), "a sweep")
    parameters = take_mapping(sweep, "parameters")
    return {"parameters": dict(_walk(parameters, ""))}


def _walk(parameters: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in parameters.items():
        name = f"{prefix}{key}"
        with located("parameters", key, prefix=f"{name}: "):
            parameter = check_mapping(value, "a parameter")
            check_keys(parameter, _KEYS)
        if "parameters" in parameter:
            yield from _walk(check_mapping(parameter["parameters"], "parameters"), f"{name}.")
        else:
            with located("parameters", key, prefix=f"{name}: "):
                yield name, _read(parameter)


def _read(given: Mapping[str, Any]) -> Any:
    kind = given.get("distribution") or _guess(given)
    if kind == "constant":
        return given["value"]
    if kind in ("categorical", "categorical_w_probabilities"):
        values = take_list(given, "values")
        weights = given.get("probabilities")
        return values if weights is None else {"choice": values, "weights": weights}
    quantized, plain = (True, kind[2:]) if kind.startswith("q_") else (False, kind)
    step = as_real(given.get("q", 1)) if quantized else None
    if plain in ("normal", "log_normal"):
        mean, std = as_real(given.get("mu", 0)), as_real(given.get("sigma", 1))
        return make_normal(mean, std, log=plain == "log_normal", step=step)
    if kind == "int_uniform":
        low, high = take(given, "min", "max")
        return make_range(as_whole(low), as_whole(high))
    if plain not in ("uniform", "log_uniform", "log_uniform_values"):
        raise SpaceError(f"the distribution {kind!r} has no counterpart here: use another, or list values.")
    ends = [as_real(end) for end in take(given, "min", "max")]
    if plain == "log_uniform":  # its ends are exponents
        ends = [math.exp(end) for end in ends]
    log = plain != "uniform"
    if step is None:
        return make_range(*ends, log=log)
    if log and step == 1 and all(end.is_integer() for end in ends):
        return make_range(*map(int, ends), log=True)
    return make_multiples(ends[0], ends[1], step, whole=step.is_integer(), log=log)


def _guess(given: Mapping[str, Any]) -> str:
    """The distribution of a parameter that names none, as W&B takes it."""
    if "value" in given:
        return "constant"
    if "values" in given:
        return "categorical"
    if "mu" in given or "sigma" in given:
        return "normal"
    low, high = take(given, "min", "max")
    return "int_uniform" if type(low) is int and type(high) is int else "uniform"


def write_wandb(space: Core) -> dict[str, Any]:
    """The `parameters` of a sweep, for `wandb sweep` once a method and a metric stand beside them.

    Steps become W&B's rounded ranges, which give both ends half the chance of the other values.

    Raises:
        SpaceError: If the space has conditions, constraints, defaults or labels, a normal range has ends
            within eight standard deviations, or a range has too many levels to be listed.
    """
    refuse_absent(space, "a sweep of W&B", densities=False)
    return {"parameters": {name: _write(name, domain) for name, domain in space.parameters.items()}}


def _write(name: str, domain: Domain) -> dict[str, Any]:
    match domain:
        case Fixed(value):
            return {"value": value}
        case Choice():
            values = {"values": domain.notation()}
            if domain.weights is None:
                return values
            total = math.fsum(domain.weights)
            return {**values, "probabilities": [weight / total for weight in domain.weights]}
        case Integer() | Real() if domain.mean is not None:
            return _write_normal(name, domain)
        case Integer(low, high) if domain.step == 1:
            if domain.log:
                return {"distribution": "q_log_uniform_values", "min": low, "max": high, "q": 1}
            return {"distribution": "int_uniform", "min": low, "max": high}
        case Real(low, high) if domain.step is None:
            kind = "log_uniform_values" if domain.log else "uniform"
            return {"distribution": kind, "min": low, "max": high}
        case Real(low, high) if not Fraction(exact(low)) % Fraction(exact(domain.step)):
            return {"distribution": "q_uniform", "min": low, "max": high, "q": domain.step}
        case Integer() | Real():
            check_length(name, domain.size())
            return {"values": domain.levels()}
        case _:
            assert_never(domain)


def _write_normal(name: str, domain: Integer | Real) -> dict[str, Any]:
    """A normal range, if it is one that reading would make of W&B's, which have no ends."""
    assert domain.mean is not None and domain.std is not None
    step = domain.step if isinstance(domain, Real) else None
    if isinstance(domain, Real) and not (domain.log and step is not None):
        whole = as_domain(make_normal(domain.mean, domain.std, log=domain.log, step=step))
        if whole == domain:
            kind = "q_normal" if step else "log_normal" if domain.log else "normal"
            quantum = {"q": step} if step else {}
            return {"distribution": kind, "mu": domain.mean, "sigma": domain.std, **quantum}
    raise SpaceError(
        f"{name}: a sweep of W&B has no place for the ends of a normal range, and {domain!r} has some: "
        "widen it to eight standard deviations, or drop mean and std."
    )
