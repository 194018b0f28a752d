"""JSON schemas (draft 2020-12): of a space's settings, and of the documents that denote spaces.

Editors that know them complete and check YAML and JSON as it is typed.
"""

from __future__ import annotations

from typing import Any, assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_CHOSEN = {"anyOf": [_SCALAR, {"type": "array"}]}
_CHOICES = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _CHOSEN}
_LABELLED = {"description": "a label for each list or value", "type": "object", "minProperties": 1}


def json_schema(space: Core) -> dict[str, Any]:
    """The schema of the space's settings.

    JSON Schema has no arithmetic: conditions and constraints stand in descriptions, and
    `Space.validate` has the last word.
    """
    properties = {name: domain_schema(domain) for name, domain in space.parameters.items()}
    for name, condition in space.conditions.items():
        properties[name]["description"] += f"; only where {condition.text}"
    for name, value in space.defaults.items():
        properties[name]["default"] = value
    schema = {
        "$schema": DIALECT,
        "type": "object",
        "properties": properties,
        "required": [name for name in space.parameters if name not in space.conditions],
        "additionalProperties": False,
    }
    if space.constraints:
        schema["description"] = "; ".join(constraint.text for constraint in space.constraints)
    return schema


def domain_schema(domain: Domain) -> dict[str, Any]:
    """The schema of a domain's values."""
    description = {"description": domain.describe()}
    match domain:
        case Fixed(value):
            return {"const": value, **description}
        case Choice(choices):
            return {"enum": list(choices), **description}
        case Integer(low, high):
            return {"type": "integer", "minimum": low, "maximum": high, **description}
        case Real(low, high):
            return {"type": "number", "minimum": low, "maximum": high, **description}
        case _:
            assert_never(domain)


def document_schema() -> dict[str, Any]:
    """The schema of the documents that `Space.from_document` reads."""
    from search_spaces.expressions.writing import MAX_LENGTH  # here, as in `core`

    expression = {
        "type": "string",
        "maxLength": MAX_LENGTH,
        "examples": ['units * layers <= 256 if cell == "lstm"'],
    }
    return {
        "$schema": DIALECT,
        "title": "search space",
        "type": "object",
        "properties": {
            "parameters": {
                "description": "domain of each parameter",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/domain"},
            },
            "conditions": {
                "description": "when each conditional parameter applies",
                "type": "object",
                "additionalProperties": expression,
            },
            "constraints": {
                "description": "what every setting satisfies",
                "type": "array",
                "items": expression,
            },
            "defaults": {
                "description": "a value for some of the searched parameters, where a search begins",
                "type": "object",
            },
        },
        "required": ["parameters"],
        "additionalProperties": False,
        "$defs": {"domain": {"anyOf": [_fixed(), _choice(), _ordered_choice(), _range()]}},
    }


def _fixed() -> dict[str, Any]:
    return {"description": "one value, not searched", **_SCALAR}


def _choice() -> dict[str, Any]:
    return {"description": "one of several values", **_CHOICES}


def _ordered_choice() -> dict[str, Any]:
    return {
        "description": "one of several values, in order, with weights or by label",
        "type": "object",
        "properties": {
            "choice": {"anyOf": [_CHOICES, _LABELLED]},
            "ordered": {"type": "boolean", "default": False},
            "weights": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}},
        },
        "required": ["choice"],
        "additionalProperties": False,
    }


def _range() -> dict[str, Any]:
    return {
        "description": "whole numbers between whole ends, real numbers otherwise; both ends included",
        "type": "object",
        "properties": {
            "low": {"type": "number"},
            "high": {"type": "number"},
            "log": {"type": "boolean", "default": False},
            "step": {"type": "number", "exclusiveMinimum": 0},
            "mean": {"description": "makes it normal, with std; of the logarithm with log", "type": "number"},
            "std": {"type": "number", "exclusiveMinimum": 0},
        },
        "anyOf": [{"required": ["low", "high"]}, {"required": ["mean", "std"]}],
        "additionalProperties": False,
    }
