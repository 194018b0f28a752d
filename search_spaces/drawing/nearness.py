"""Which settings are near each other, and how far apart two are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar, Setting
from search_spaces.errors import SpaceError


def neighbours(space: Core, params: Mapping[str, Any], radius: float = 0.05) -> list[Setting]:
    """The legal settings one step away: one parameter changed, and what conditions then bring or remove.

    Args:
        space: Whose conditions and constraints count.
        params: A legal setting.
        radius: Step along a scale without steps of its own, as a share of it, in (0, 1].

    Raises:
        SpaceError: If `params` is not legal, or `radius` is out of range.
    """
    if not 0.0 < radius <= 1.0:
        raise SpaceError(f"radius is a share of a scale, in (0, 1], not {radius!r}: give 0.05 for example.")
    space.validate(params)
    middles = {name: domain.from_unit(0.5) for name, domain in space.parameters.items()}
    settings = []
    for name in params:
        for value in near_values(space.parameters[name], params[name], radius):
            values = {**middles, **params, name: value}
            setting = {active: values[active] for active in space.active(values)}
            if space.violated(setting) is None:
                settings.append(setting)
    return settings


def near_values(domain: Domain, value: Scalar, radius: float) -> list[Scalar]:
    """The values next to `value`, the nearest on either side where there is an order, else all others."""
    match domain:
        case Fixed():
            return []
        case Choice(choices):
            index = domain.index(value)
            if domain.ordered:
                return [choices[near] for near in (index - 1, index + 1) if 0 <= near < len(choices)]
            return [choice for other, choice in enumerate(choices) if other != index]
        case Integer():
            return _near_integers(domain, value, radius)
        case Real():
            return _near_reals(domain, value, radius)
        case _:
            assert_never(domain)


def _near_integers(domain: Integer, value: Scalar, radius: float) -> list[Scalar]:
    near: list[Scalar] = []
    for sign in (-1, 1):
        next_one = int(value or 0) + sign * domain.step
        if domain.contains(next_one):
            # on a log scale a step of 1 is a crawl far up, but the radius may be too small to leave the value
            far = domain.from_unit(_shift(domain, value, sign * radius)) if domain.log else next_one
            near.append(next_one if far == value else far)
    return near


def _near_reals(domain: Real, value: Scalar, radius: float) -> list[Scalar]:
    if domain.step is None:
        found = [domain.from_unit(_shift(domain, value, sign * radius)) for sign in (-1, 1)]
        return [number for number in found if number != value]
    index, last = domain.index(float(value or 0)) or 0, domain.size() - 1
    return [domain.level(k) for k in (index - 1, index + 1) if 0 <= k <= last]


def _shift(domain: Integer | Real, value: Scalar, by: float) -> float:
    return min(max(domain.to_unit(value) + by, 0.0), 1.0)


def distance(space: Core, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Mean over `dimensions` of the difference in each, in [0, 1]: a metric.

    Numbers and ordered choices differ by their way along the scale, others by 0 or 1; active differs from
    inactive by 1, inactive from inactive by 0.

    Raises:
        SpaceError: If a setting is not legal.

    Source: Gower (1971), Biometrics 27, 857-871, with inactive parameters as a value of their own.
    """
    space.validate(one)
    space.validate(other)
    names = space.dimensions
    if not names:
        return 0.0
    return math.fsum(_difference(space.parameters[name], name, one, other) for name in names) / len(names)


def _difference(domain: Domain, name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    if name not in one or name not in other:
        return float((name in one) != (name in other))
    left, right = _position(domain, one[name]), _position(domain, other[name])
    return abs(left - right) if left is not None and right is not None else float(one[name] != other[name])


def _position(domain: Domain, value: Scalar) -> float | None:
    """The way from the first value to the last, as a share; None where there is no order."""
    match domain:
        case Fixed():
            return None
        case Choice():
            return domain.index(value) / max(domain.size() - 1, 1) if domain.ordered else None
        case Integer() | Real():
            low, high, number = float(domain.low), float(domain.high), float(value or 0)
            if domain.log:
                low, high, number = math.log(low), math.log(high), math.log(number)
            return (number / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0
        case _:
            assert_never(domain)
