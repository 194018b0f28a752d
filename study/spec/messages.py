"""What pydantic found wrong with a spec, in one line of ours."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ValidationError

from search_spaces.errors import hint_name
from study.designs import KINDS


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Say a validation error in one line: where, the rule broken, the value given, the way out."""
    first = error.errors(include_url=False)[0]
    # A discriminated union puts its tag into the path, which no reader of the file wrote.
    path = [str(p) for p in first["loc"] if p not in KINDS]
    where = ".".join(path) or "the spec"
    cause = first.get("ctx", {}).get("error")
    if first["type"] == "value_error" and isinstance(cause, ValueError):
        return str(cause) if not path else f"{where}: {cause}"
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, [str(p) for p in first["loc"][:-1]])
        return f"{where} is not a key: {hint_name(path[-1], known)}"
    if first["type"] == "missing":
        return f"{where} is missing; give it, see docs/spec.md for what it takes"
    if first["type"] == "union_tag_invalid":
        given, kinds = str(first["ctx"]["tag"]), first["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"{where}.kind: {given!r} is not a kind: {hint_name(given, kinds)}"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{where}: {message}: {shorten(first['input'])} is not; see docs/spec.md for what it takes"


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        field = model.model_fields.get(part)
        parts = [] if field is None else [field.annotation, *get_args(field.annotation)]
        sections = (kind for kind in parts if isinstance(kind, type) and issubclass(kind, BaseModel))
        model = KINDS.get(part) or next(sections, model)
    return list(model.model_fields)


def shorten(value: object) -> str:
    """Write a value in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
