"""Syne Tune: a configuration space as `config_space_to_json_dict` or `to_dict` of its domains writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.domains.exact import exact
from search_spaces.errors import SpaceError, located
from search_spaces.formats.reading import (
    as_real,
    as_whole,
    check_mapping,
    make_normal,
    make_range,
    read_source,
    take,
)
from search_spaces.formats.refusing import refuse_absent


def read_synetune(source: Any) -> dict[str, Any]:
    """The document of a configuration space.

    Args:
        source: Domains and constants by name: a `Path`, JSON text, or a mapping.

    Raises:
        SpaceError: If it is none, or has a domain or sampler without counterpart.
    """
    space = check_mapping(read_source(source, "a configuration space"), "a configuration space")
    parameters = {}
    for name, value in space.items():
        with located("parameters", name, prefix=f"{name}: "):
            if isinstance(value, list):
                raise SpaceError(f"a constant is one value, not {value!r}: make it a domain.")
            is_domain = isinstance(value, Mapping)
            parameters[name] = _read(check_mapping(value, "a domain")) if is_domain else value
    return {"parameters": parameters}


def _read(given: Mapping[str, Any]) -> Any:
    kind, options = take(given, "domain_cls", "domain_kwargs")
    options = check_mapping(options, "domain_kwargs")
    sampler = str(given.get("sampler_cls", "Uniform")).lstrip("_")
    if kind == "Categorical":
        return options["categories"]
    if kind in ("Ordinal", "OrdinalNearestNeighbor"):
        return {"choice": options["categories"], "ordered": True}
    if kind == "FiniteRange":
        return _read_finite(options)
    if kind == "Float" and sampler == "Normal":
        how = check_mapping(given.get("sampler_kwargs", {}), "sampler_kwargs")
        return make_normal(as_real(how.get("mean", 0)), as_real(how.get("sd", 1)))
    if kind not in ("Float", "Integer") or sampler not in ("Uniform", "LogUniform"):
        raise SpaceError(f"{kind} with the sampler {sampler} has no counterpart here: use another domain.")
    as_kind = as_whole if kind == "Integer" else as_real
    low, high = (as_kind(end) for end in take(options, "lower", "upper"))
    return make_range(low, high, log=sampler == "LogUniform")


def _read_finite(options: Mapping[str, Any]) -> Any:
    """Evenly spaced values: a range with steps where these are decimals, a choice in order else."""
    low, high, size = (as_real(part) for part in take(options, "lower", "upper", "size"))
    n, log = as_whole(size), bool(options.get("log_scale", False))
    if n < 2 or (log and low <= 0):
        raise SpaceError(f"{dict(options)!r} is no finite range: give two values or more, above 0 if log.")
    cast, span = bool(options.get("cast_int", False)), Fraction(exact(high)) - Fraction(exact(low))
    step = float(span / (n - 1))
    if not log and Fraction(exact(step)) * (n - 1) == span and not (cast and step % 1):
        kind = int if cast else float
        return make_range(kind(low), kind(high), step=kind(step))
    start, end = (math.log(low), math.log(high)) if log else (low, high)
    places = [start + (end - start) * k / (n - 1) for k in range(n)]
    values = [math.exp(place) if log else place for place in places]
    values[0], values[-1] = low, high
    if cast:
        whole = [round(value) for value in values]
        return {"choice": list(dict.fromkeys(whole)), "ordered": True}
    return {"choice": [float(f"{value:.15g}") for value in values], "ordered": True}


def write_synetune(space: Core) -> dict[str, Any]:
    """The configuration space as `from_dict` of Syne Tune's domains reads it; steps are finite ranges.

    Raises:
        SpaceError: If the space has conditions, constraints, defaults, weights, normal ranges or labels.
    """
    refuse_absent(space, "a configuration space of Syne Tune")
    return {name: _write(domain) for name, domain in space.parameters.items()}


def _write(domain: Domain) -> Any:
    match domain:
        case Fixed(value):
            return value
        case Choice():
            if domain.ordered:
                return _write_domain("Ordinal", None, categories=domain.notation())
            return _write_domain("Categorical", "Uniform", categories=domain.notation())
        case Integer(low, high) | Real(low, high) if domain.step is None or (
            domain.step == 1 and isinstance(domain, Integer)
        ):
            kind = "Integer" if isinstance(domain, Integer) else "Float"
            return _write_domain(kind, "LogUniform" if domain.log else "Uniform", lower=low, upper=high)
        case Integer(low, high) | Real(low, high):
            whole = isinstance(domain, Integer)
            ends = {"lower": low, "upper": high, "size": int(domain.size())}
            if ends["size"] == 1:
                return low
            return _write_domain("FiniteRange", None, **ends, log_scale=False, cast_int=whole)
        case _:
            assert_never(domain)


def _write_domain(kind: str, sampler: str | None, **options: Any) -> dict[str, Any]:
    drawn = {} if sampler is None else {"sampler_cls": sampler, "sampler_kwargs": {}}
    return {"domain_cls": kind, "domain_kwargs": options, **drawn}
