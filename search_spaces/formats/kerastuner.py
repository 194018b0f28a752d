"""KerasTuner: hyperparameters as `HyperParameters.get_config` and a tuner's `oracle.json` write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.errors import SpaceError, located
from search_spaces.expressions.writing import write_literal, write_name
from search_spaces.formats.reading import (
    as_real,
    as_whole,
    check_list,
    check_mapping,
    make_range,
    read_source,
    take,
    take_list,
)


def read_kerastuner(source: Any) -> dict[str, Any]:
    """The document of a tuner's space, with the conditions of its scopes and with its defaults.

    Args:
        source: The configuration of `HyperParameters`, or a file or object with one under
            `hyperparameters`: a `Path`, JSON text, or a mapping.

    Raises:
        SpaceError: If it is none, or has a sampling without counterpart.
    """
    found = check_mapping(read_source(source, "a KerasTuner file"), "a KerasTuner file")
    found = check_mapping(found.get("hyperparameters", found), "hyperparameters")
    document: dict[str, dict[str, Any]] = {"parameters": {}, "conditions": {}, "defaults": {}}
    for value in take_list(found, "space"):
        kind, options = take(check_mapping(value, "a hyperparameter"), "class_name", "config")
        options = check_mapping(options, "config")
        (name,) = take(options, "name")
        with located(prefix=f"{name}: "):
            domain = _read(kind, options)
            condition = _read_conditions(options.get("conditions") or [])
        if name in document["parameters"] and document["parameters"][name] != domain:
            raise SpaceError(f"{name} stands twice with different values: rename one of them.")
        if name in document["parameters"]:
            condition = _join(document["conditions"].pop(name, None), condition)
        document["parameters"][name] = domain
        if condition:
            document["conditions"][name] = condition
        if options.get("default") is not None and kind != "Fixed":
            document["defaults"][name] = options["default"]
    return {key: part for key, part in document.items() if part or key == "parameters"}


def _join(one: str | None, other: str | None) -> str | None:
    """Where either of two conditions holds; None is everywhere."""
    return f"({one}) or ({other})" if one and other else None


def _read(kind: str, options: Mapping[str, Any]) -> Any:
    if kind == "Fixed":
        return options["value"]
    if kind == "Boolean":
        return [False, True]
    if kind == "Choice":
        values = take_list(options, "values")
        return {"choice": values, "ordered": True} if options.get("ordered") else values
    if kind not in ("Int", "Float"):
        raise SpaceError(f"the hyperparameter {kind!r} has no counterpart here: use another.")
    as_kind = as_whole if kind == "Int" else as_real
    low, high = (as_kind(end) for end in take(options, "min_value", "max_value"))
    step = None if options.get("step") is None else as_kind(options["step"])
    sampling = str(options.get("sampling") or "linear").lower()
    if sampling == "linear":
        return make_range(low, high, step=step)
    if sampling != "log":
        raise SpaceError(f"the sampling {sampling!r} has no counterpart here: use linear or log.")
    return make_range(low, high, log=True) if step is None else _list_powers(low, high, step)


def _list_powers(low: float, high: float, factor: float) -> Any:
    """The values from `low` to `high`, each `factor` times the one before."""
    if factor <= 1 or low <= 0:
        raise SpaceError(f"a log scale from {low!r} in factors of {factor!r} goes nowhere: correct it.")
    values = [low]
    while values[-1] * factor <= high * (1 + 1e-9):
        values.append(values[-1] * factor)
    return {"choice": [v if isinstance(v, int) else float(f"{v:.12g}") for v in values], "ordered": True}


def _read_conditions(conditions: Any) -> str | None:
    parts = []
    for value in check_list(conditions, "conditions"):
        kind, options = take(check_mapping(value, "a condition"), "class_name", "config")
        if kind != "Parent":
            raise SpaceError(f"the condition {kind!r} has no counterpart here: use Parent.")
        name, values = take(check_mapping(options, "config"), "name", "values")
        listed = ", ".join(map(write_literal, check_list(values, "values")))
        parts.append(f"{write_name(name)} in [{listed}]")
    return " and ".join(parts) or None
