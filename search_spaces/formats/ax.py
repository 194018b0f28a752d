"""Ax: parameters as `AxClient.create_experiment` takes them, with constraints as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search_spaces.errors import SpaceError, located
from search_spaces.expressions.writing import write_literal, write_name
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

_KEYS = (
    "name",
    "type",
    "parameter_type",
    "value_type",
    "bounds",
    "values",
    "value",
    "log_scale",
    "scaling",
    "step_size",
    "is_ordered",
    "sort_values",
    "dependents",
    "is_task",
    "is_fidelity",
    "target_value",
)


def read_ax(source: Any) -> dict[str, Any]:
    """The document of an experiment's space, with dependents as conditions.

    Args:
        source: The list of parameters, or a mapping with `parameters` and maybe `parameter_constraints`: a
            `Path`, YAML or JSON text, or an object.

    Raises:
        SpaceError: If it is none, or has something without counterpart.
    """
    found = read_source(source, "an Ax experiment")
    if isinstance(found, list):
        found = {"parameters": found}
    found = check_mapping(found, "an Ax experiment")
    parameters: dict[str, Any] = {}
    parents: dict[str, list[str]] = {}
    for value in take_list(found, "parameters"):
        given = check_mapping(value, "a parameter")
        (name,) = take(given, "name")
        with located(prefix=f"{name}: "):
            check_keys(given, _KEYS)
            parameters[name] = _read(given)
            for parent_value, children in check_mapping(given.get("dependents") or {}, "dependents").items():
                literal = write_literal(_as_value(parent_value, given))
                for child in check_list(children, "dependents"):
                    parents.setdefault(child, []).append(f"{write_name(name)} == {literal}")
    document: dict[str, Any] = {"parameters": parameters}
    if parents:
        document["conditions"] = {child: " or ".join(parts) for child, parts in parents.items()}
    if constraints := found.get("parameter_constraints"):
        document["constraints"] = [_read_constraint(text) for text in check_list(constraints, "constraints")]
    return document


def _as_value(text: Any, given: Mapping[str, Any]) -> Any:
    """The choice that a key of JSON, which is text, stands for."""
    values = given.get("values") or [given.get("value")]
    by_text = {str(value): value for value in values} | {str(value).lower(): value for value in values}
    return text if text in values else by_text.get(str(text), text)


def _read(given: Mapping[str, Any]) -> Any:
    for key in ("is_task", "is_fidelity"):
        if given.get(key):
            raise SpaceError(f"{key} has no counterpart here: leave the parameter out.")
    kind = given.get("type") or ("range" if "bounds" in given else "choice" if "values" in given else "fixed")
    if kind == "fixed":
        return take(given, "value")[0]
    if kind == "choice":
        values = take_list(given, "values")
        return {"choice": values, "ordered": True} if given.get("is_ordered") else values
    if kind != "range":
        raise SpaceError(f"type is range, choice or fixed, not {kind!r}: give one of these.")
    bounds = list(take(given, "bounds")[0])
    if len(bounds) != 2:
        raise SpaceError(f"bounds are two numbers, not {bounds!r}: give both.")
    declared = given.get("value_type") or given.get("parameter_type")
    whole = declared == "int" or (declared is None and all(type(bound) is int for bound in bounds))
    as_kind = as_whole if whole else as_real
    low, high = map(as_kind, bounds)
    step = None if given.get("step_size") is None else as_kind(given["step_size"])
    return make_range(low, high, step=step, log=bool(given.get("log_scale")) or given.get("scaling") == "log")


def _read_constraint(text: Any) -> str:
    """A constraint as an expression: Ax multiplies by `2 * x` as we do, and has one `<=` or `>=`."""
    if not isinstance(text, str) or not re.search(r"[<>]=?", text):
        raise SpaceError(f"a constraint is text such as 'x1 + x2 <= 2', not {text!r}: write it so.")
    return text
