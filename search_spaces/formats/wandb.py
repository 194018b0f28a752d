"""Weights & Biases: the `parameters` of a sweep's configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

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
