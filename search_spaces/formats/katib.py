"""Katib: the `parameters` of an Experiment of Kubernetes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.errors import SpaceError, located
from search_spaces.formats.reading import (
    as_real,
    as_whole,
    check_keys,
    check_list,
    check_mapping,
    make_range,
    read_source,
    take,
    take_list,
)
from search_spaces.formats.refusing import refuse_absent

_STD_SHARE = 6
"""Katib's normal distribution has the middle of the range for its mean, and a sixth of it for its std."""


def read_katib(source: Any) -> dict[str, Any]:
    """The document of an experiment's space.

    Args:
        source: The Experiment, its `spec`, or the list of parameters: a `Path`, YAML or JSON text, or an
            object. Only the parameters are read: the algorithm and the trials are the search's.

    Raises:
        SpaceError: If it is none of these, or searches an architecture.
    """
    found = read_source(source, "an Experiment")
    if isinstance(found, Mapping):
        spec = check_mapping(found.get("spec", found), "spec")
        if "nasConfig" in spec:
            raise SpaceError("nasConfig searches an architecture, which has no place here: leave it out.")
        (found,) = take(spec, "parameters")
    parameters = {}
    for index, value in enumerate(check_list(found, "parameters")):
        given = check_mapping(value, f"parameter {index}")
        check_keys(given, ("name", "parameterType", "feasibleSpace"))
        name, kind, feasible = take(given, "name", "parameterType", "feasibleSpace")
        with located(prefix=f"{name}: "):
            parameters[str(name)] = _read(kind, check_mapping(feasible, "feasibleSpace"))
    return {"parameters": parameters}


def _read(kind: str, feasible: Mapping[str, Any]) -> Any:
    check_keys(feasible, ("min", "max", "list", "step", "distribution"))
    if kind == "categorical":
        return take_list(feasible, "list")
    if kind == "discrete":
        values = [_as_number(value) for value in take_list(feasible, "list")]
        return {"choice": sorted(values), "ordered": True}
    if kind not in ("int", "double"):
        raise SpaceError(f"parameterType is int, double, discrete or categorical, not {kind!r}: give one.")
    as_kind = as_whole if kind == "int" else as_real
    low, high = (as_kind(end) for end in take(feasible, "min", "max"))
    step = as_kind(feasible["step"]) if feasible.get("step") not in (None, "") else None
    distribution = feasible.get("distribution") or "uniform"
    if distribution not in ("uniform", "logUniform", "normal", "logNormal"):
        raise SpaceError(f"the distribution {distribution!r} has no counterpart here: use another.")
    log = distribution.startswith("log")
    if kind == "double" and log:
        step = None  # Katib's log scales pass over the step
    document = make_range(low, high, step=step, log=log)
    if distribution in ("normal", "logNormal") and isinstance(document, dict):
        start, end = (math.log(low), math.log(high)) if log and low > 0 else (low, high)
        document |= {"mean": (start + end) / 2, "std": (end - start) / _STD_SHARE}
    return document


def _as_number(value: Any) -> int | float:
    """A number in the form that its text has: "32" is whole, "32.0" is not."""
    if isinstance(value, (int, float)):
        return value
    number = as_real(value)
    return int(number) if number.is_integer() and str(value).strip().lstrip("+-").isdigit() else number


def write_katib(space: Core) -> dict[str, Any]:
    """The `spec` of an Experiment with the space's parameters; the objective and the trials are to be added.

    Raises:
        SpaceError: If the space has conditions, constraints, defaults, weights, normal ranges, lists, or
            choices that are neither text nor all numbers.
    """
    refuse_absent(space, "an Experiment of Katib")
    parameters = []
    for name, domain in space.parameters.items():
        kind, feasible = _write(name, domain)
        parameters.append({"name": name, "parameterType": kind, "feasibleSpace": feasible})
    return {"spec": {"parameters": parameters}}


def _write(name: str, domain: Domain) -> tuple[str, dict[str, Any]]:
    match domain:
        case Fixed() | Choice():
            return _write_choices(name, domain)
        case Integer() | Real():
            feasible = {"min": repr(domain.low), "max": repr(domain.high)}
            if domain.log:
                feasible["distribution"] = "logUniform"
            elif domain.step not in (None, 1) or isinstance(domain.step, float):
                feasible["step"] = repr(domain.step)
            return "int" if isinstance(domain, Integer) else "double", feasible
        case _:
            assert_never(domain)


def _write_choices(name: str, domain: Fixed | Choice) -> tuple[str, dict[str, Any]]:
    values = domain.levels()
    if isinstance(domain, Choice) and any(isinstance(value, list) for value in domain.notation()):
        raise SpaceError(f"{name}: Katib has no place for lists to choose from: choose their names.")
    if all(type(value) is str for value in values):
        return "categorical", {"list": values}
    if all(type(value) in (int, float) for value in values):
        return "discrete", {"list": [repr(value) for value in values]}
    raise SpaceError(
        f"{name}: Katib's choices are text or numbers, not {values!r}: write them as text, in quotes."
    )
