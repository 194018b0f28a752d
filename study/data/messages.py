"""Error messages and pieces of them: values shown on one line, the nearest valid name, a model's refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, get_args

from pydantic import BaseModel, ValidationError

from search_spaces.errors import find_nearest, hint_name

Kinds: TypeAlias = Mapping[str, type[BaseModel]]

_SHOWN = 60
_MOST_OF_A_NAME = 255
_LISTED = 20


def quoted(value: object) -> str:
    """A value as Python writes it, so that it stays on one line; long ones are cut."""
    shown = ascii(value) if isinstance(value, bytes) else repr(value)
    return _cut(shown)


def path_quoted(path: str) -> str:
    """A path as Python writes it, whole, for its end tells most; cut where it is no file's."""
    return repr(path) if len(path) <= _MOST_OF_A_NAME else quoted(path)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def listed(values: Sequence[object]) -> str:
    """Values in a row, the first twenty."""
    shown = ", ".join(quoted(value) for value in values[:_LISTED])
    return f"{shown} and {len(values) - _LISTED} more" if len(values) > _LISTED else shown


def nearest(name: str, valid: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for a near match, or nothing."""
    found = find_nearest(name, valid)
    return "" if found is None else f" (did you mean {quoted(found)}?)"


_IN_OUR_WORDS = {
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type"), "takes a mapping of keys to values"
    ),
    "tuple_type": "takes a list",
}
"""What pydantic says of classes that a user never sees."""


def explain(error: ValidationError, model: type[BaseModel], kinds: Kinds = MappingProxyType({})) -> str:
    """Say a validation error in one line: where, the rule broken, the value given, the way out.

    Args:
        error: What checking a document raised.
        model: What it is checked against.
        kinds: Of a section that is told apart by its `kind`.
    """
    first = error.errors(include_url=False)[0]
    # A discriminated union puts its tag into the path, which no reader of the file wrote.
    path = [_cut(str(p)) for p in first["loc"] if p not in kinds]
    where = ".".join(path) or "the spec"
    cause = first.get("ctx", {}).get("error")
    if first["type"] == "value_error" and isinstance(cause, ValueError):
        return str(cause) if not path else f"{where}: {cause}"
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1], kinds)
        return f"{where} is not a key: {hint_name(path[-1], known)}"
    if first["type"] == "missing":
        return f"{where} is missing; give it, see docs/spec.md for what it takes"
    if first["type"] == "union_tag_invalid":
        given, known = str(first["ctx"]["tag"]), first["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"{where}.kind: {quoted(given)} is not a kind: {hint_name(given, known)}"
    message = _IN_OUR_WORDS.get(first["type"]) or first["msg"][0].lower() + first["msg"][1:]
    return f"{where}: {message}: {quoted(first['input'])} is not; see docs/spec.md for what it takes"


def _known_keys(model: type[BaseModel], path: Sequence[str | int], kinds: Kinds) -> list[str]:
    for part in map(str, path):
        field = model.model_fields.get(part)
        parts = [] if field is None else [field.annotation, *get_args(field.annotation)]
        sections = (kind for kind in parts if isinstance(kind, type) and issubclass(kind, BaseModel))
        model = kinds.get(part) or next(sections, model)
    return list(model.model_fields)
