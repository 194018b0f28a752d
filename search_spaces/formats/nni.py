"""NNI: a search space of `_type` and `_value`, with nested choices as conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from search_spaces.errors import SpaceError, located
from search_spaces.expressions.writing import write_literal, write_name
from search_spaces.formats.reading import (
    as_real,
    as_whole,
    check_keys,
    check_list,
    check_mapping,
    make_multiples,
    make_normal,
    make_range,
    read_source,
    take,
    take_list,
)


def read_nni(source: Any) -> dict[str, Any]:
    """The document of an experiment's search space.

    Args:
        source: Domains by name, or an experiment with them under `searchSpace`: a `Path`, JSON or YAML text,
            or a mapping. What a choice nests has names with dots, with the choice's `_name` among them.

    Raises:
        SpaceError: If it is none, or has a type without counterpart.
    """
    found = check_mapping(read_source(source, "a search space"), "a search space")
    for key in ("searchSpace", "search_space"):
        found = check_mapping(found.get(key, found), key)
    document: dict[str, dict[str, Any]] = {"parameters": {}, "conditions": {}}
    for name, domain, condition in _walk(found, "", ""):
        document["parameters"][name] = domain
        if condition:
            document["conditions"][name] = condition
    return {key: part for key, part in document.items() if part or key == "parameters"}


def _walk(space: Mapping[str, Any], prefix: str, condition: str) -> Iterator[tuple[str, Any, str]]:
    for key, value in space.items():
        name = f"{prefix}{key}"
        with located(prefix=f"{name}: "):
            given = check_mapping(value, "a parameter")
            check_keys(given, ("_type", "_value"))
            kind, values = take(given, "_type")[0], take_list(given, "_value")
            nested = [each for each in values if isinstance(each, Mapping)] if kind == "choice" else []
            if nested and (len(nested) < len(values) or not all("_name" in each for each in nested)):
                raise SpaceError("nested choices are mappings with '_name', all of them: correct them.")
            domain = [each["_name"] for each in nested] if nested else _read(kind, values)
        yield name, domain, condition
        for each in nested:
            own = f"{write_name(name)} == {write_literal(each['_name'])}"
            inner = {part: spec for part, spec in each.items() if part != "_name"}
            yield from _walk(inner, f"{name}.{each['_name']}.", own)


def _read(kind: str, values: list[Any]) -> Any:
    if kind == "choice":
        return values
    quantized, plain = kind.startswith("q"), kind.removeprefix("q")
    numbers = list(map(as_real, values))
    if plain not in ("randint", "uniform", "loguniform", "normal", "lognormal") or kind == "qrandint":
        raise SpaceError(f"the type {kind!r} has no counterpart here: use another.")
    if len(check_list(values, "_value")) != (3 if quantized else 2):
        raise SpaceError(f"{kind} takes {3 if quantized else 2} numbers, not {values!r}: correct them.")
    first, second, step = *numbers[:2], numbers[2] if quantized else None
    if plain == "randint":  # without its upper end
        return make_range(as_whole(first), as_whole(second) - 1)
    log = plain.startswith("log")
    if plain.endswith("normal"):
        return make_normal(first, second, log=log, step=step)
    if step is None:
        return make_range(first, second, log=log)
    return make_multiples(first, second, step, whole=step.is_integer(), log=log)
