"""Conditions inferred from settings, for libraries that record settings and no space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.domains import Domain, Scalar
from search_spaces.domains.scalars import typed_key
from search_spaces.errors import SpaceError
from search_spaces.expressions.writing import write_literal, write_name

MAX_PARENT = 50
"""Most values of a parameter that may decide whether another applies."""


def infer_conditions(domains: Mapping[str, Domain], settings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A condition for each parameter that some settings lack, in terms of another that decides it.

    Of several that do, the one that is in the most settings is taken, and then the first.

    Raises:
        SpaceError: If no single parameter decides it.
    """
    counts = {name: sum(name in setting for setting in settings) for name in domains}
    conditions = {}
    for name in domains:
        if counts[name] == len(settings):
            continue
        parents = [
            other
            for other in domains
            if other != name and counts[other] > counts[name] and domains[other].size() <= MAX_PARENT
        ]
        for parent in sorted(parents, key=lambda other: -counts[other]):
            if (values := _deciding_values(name, parent, settings)) is not None:
                listed = ", ".join(map(write_literal, values))
                conditions[name] = f"{write_name(parent)} in [{listed}]"
                break
        else:
            raise SpaceError(
                f"{name} is in {counts[name]} of {len(settings)} settings, and no value of another parameter "
                "says in which: write its condition yourself."
            )
    return conditions


def _deciding_values(name: str, parent: str, settings: Sequence[Mapping[str, Any]]) -> list[Scalar] | None:
    """The values of `parent` that come with `name`, if no setting with one of them lacks it."""
    together: dict[Any, Scalar] = {}
    apart = set()
    for setting in settings:
        if name in setting and parent not in setting:
            return None
        if parent in setting:
            key = typed_key(setting[parent])
            if name in setting:
                together[key] = setting[parent]
            else:
                apart.add(key)
    return None if apart & together.keys() else list(together.values())
