"""Dotted names as nested dicts, and back: `{"optimizer.lr": 0.1}` and `{"optimizer": {"lr": 0.1}}`."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from search_spaces.errors import SpaceError


def nest(setting: Mapping[str, Any]) -> dict[str, Any]:
    """The setting as nested dicts, one level for each dot of a name.

    Raises:
        SpaceError: If a name is also the beginning of another (`a` and `a.b`).
    """
    nested: dict[str, Any] = {}
    for name, value in setting.items():
        *outer, last = name.split(".")
        inner = nested
        for part in outer:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise SpaceError(f"{name!r} cannot lie within {part!r}, which has a value: rename one.")
        if last in inner:
            raise SpaceError(f"{name!r} cannot have a value, for others lie within it: rename it.")
        inner[last] = value
    return nested


def flatten(nested: Mapping[str, Any], known: Container[str] = ()) -> dict[str, Any]:
    """The values of nested dicts by dotted names; a name in `known` is looked into no further."""
    return dict(_walk(nested, known, ""))


def _walk(nested: Mapping[str, Any], known: Container[str], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and name not in known:
            yield from _walk(value, known, f"{name}.")
        else:
            yield name, value
