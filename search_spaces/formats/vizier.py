"""Vizier, open source or on Vertex AI: the parameters of a study's specification, as JSON or YAML."""

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
    "parameter_id",
    "double_value_spec",
    "integer_value_spec",
    "categorical_value_spec",
    "discrete_value_spec",
    "scale_type",
    "conditional_parameter_specs",
    "default_value",
    "external_type",
)
_SCALES = ("SCALE_TYPE_UNSPECIFIED", "UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", None)


def read_vizier(source: Any) -> dict[str, Any]:
    """The document of a study's space, with conditional parameters and defaults.

    Args:
        source: A study, its specification, or the list of parameters, with keys in camel or snake case: a
            `Path`, JSON or YAML text, or an object.

    Raises:
        SpaceError: If it is none, or has a scale without counterpart.
    """
    found = _plain(read_source(source, "a study"))
    if isinstance(found, Mapping):
        found = found.get("study_spec", found)
        (found,) = take(check_mapping(found, "a study's specification"), "parameters")
    document: dict[str, dict[str, Any]] = {"parameters": {}, "conditions": {}, "defaults": {}}
    for spec in check_list(found, "parameters"):
        _read_spec(check_mapping(spec, "a parameter"), None, document)
    return {key: part for key, part in document.items() if part or key == "parameters"}


def _plain(value: Any) -> Any:
    """The same with keys in snake case."""
    if isinstance(value, Mapping):
        return {
            re.sub(r"(?<!^)(?=[A-Z])", "_", str(key)).lower(): _plain(part) for key, part in value.items()
        }
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _read_spec(spec: Mapping[str, Any], condition: str | None, document: dict[str, dict[str, Any]]) -> None:
    (name,) = take(spec, "parameter_id")
    with located(prefix=f"{name}: "):
        check_keys(spec, _KEYS)
        domain, default = _read_domain(spec)
        if document["parameters"].get(name, domain) != domain:
            raise SpaceError("it stands twice with different values: rename one of them.")
        if name in document["parameters"]:  # below several values of its parent
            other = document["conditions"].get(name)
            condition = f"({other}) or ({condition})" if other and condition else None
        document["parameters"][name] = domain
        document["conditions"].pop(name, None)
        if condition:
            document["conditions"][name] = condition
        if default is not None:
            document["defaults"][name] = default
        children = [
            (_read_parent(name, child), take(check_mapping(child, "a condition"), "parameter_spec")[0])
            for child in check_list(spec.get("conditional_parameter_specs") or [], "conditional specs")
        ]
    for text, child in children:
        _read_spec(check_mapping(child, "a parameter"), text, document)


def _read_parent(name: str, given: Mapping[str, Any]) -> str:
    for key, as_kind in (
        ("parent_categorical_values", str),
        ("parent_int_values", as_whole),
        ("parent_discrete_values", as_real),
    ):
        if key in given:
            values = take_list(check_mapping(given[key], key), "values")
            listed = ", ".join(write_literal(as_kind(value)) for value in values)
            return f"{write_name(name)} in [{listed}]"
    raise SpaceError("a conditional parameter names no values of its parent: add them.")


def _read_domain(spec: Mapping[str, Any]) -> tuple[Any, Any]:
    """The domain in compact notation, and the default, None where there is none."""
    scale = spec.get("scale_type")
    if scale not in _SCALES:
        raise SpaceError(f"{scale!r} has no counterpart here: use UNIT_LINEAR_SCALE or UNIT_LOG_SCALE.")
    log = scale == "UNIT_LOG_SCALE"
    for key, as_kind in (("double_value_spec", as_real), ("integer_value_spec", as_whole)):
        if key in spec:
            given = check_mapping(spec[key], key)
            # JSON leaves out what is 0
            low, high = as_kind(given.get("min_value", 0)), as_kind(given.get("max_value", 0))
            return make_range(low, high, log=log), _read_default(spec, given, as_kind)
    for key, as_kind in (("categorical_value_spec", str), ("discrete_value_spec", as_real)):  # type: ignore[assignment]
        if key in spec:
            given = check_mapping(spec[key], key)
            values: list[Any] = [as_kind(value) for value in take_list(given, "values")]
            document = values if key.startswith("categorical") else {"choice": values, "ordered": True}
            return document, _read_default(spec, given, as_kind)
    raise SpaceError("it has no value spec: give double, integer, categorical or discrete.")


def _read_default(spec: Mapping[str, Any], given: Mapping[str, Any], as_kind: Any) -> Any:
    default = given.get("default_value", spec.get("default_value"))
    if isinstance(default, Mapping):
        default = default.get("value")
    return None if default is None else as_kind(default)
