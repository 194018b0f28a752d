"""A wider range of a parameter, in the notation that a spec takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def widen(domain: Any, end: str) -> str | None:
    """Return a parameter's domain with more room at one end, None where its numbers do not say which.

    A list goes on by one value, in the steps or by the factor of its last two; a range grows by half of its
    width, and to twice the end, or half, where it is drawn by its logarithm.

    Args:
        domain: As a space's document has it.
        end: `lower` or `upper`.
    """
    match domain:
        case list():
            longer = _go_on(domain, end)
            return None if longer is None else json.dumps(longer)
        case {"choice": list() as values}:
            longer = _go_on(values, end)
            return None if longer is None else json.dumps({**domain, "choice": longer})
        case {"low": int() | float() as low, "high": int() | float() as high} if "mean" not in domain:
            wider = {**domain, **_stretch(low, high, end, is_log=bool(domain.get("log")))}
            return None if wider == domain else json.dumps(wider)
    return None


def _go_on(values: Sequence[Any], end: str) -> list[Any] | None:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or len(numbers) < 2 or len(set(numbers)) < len(numbers):
        return None
    ordered = sorted(numbers)
    last, before = (ordered[-1], ordered[-2]) if end == "upper" else (ordered[0], ordered[1])
    by_factor = before > 0 and last > 0
    beyond = last * last / before if by_factor else 2 * last - before
    if all(isinstance(value, int) for value in numbers):
        beyond = round(beyond)
    if beyond in ordered or (end == "lower" and beyond <= 0):
        return None
    return [*ordered, beyond] if end == "upper" else [beyond, *ordered]


def _stretch(low: float, high: float, end: str, *, is_log: bool) -> dict[str, float]:
    is_whole = isinstance(low, int) and isinstance(high, int)
    if end == "upper":
        wider = 2 * high if is_log else high + (high - low) / 2
        return {"high": round(wider) if is_whole else wider}
    wider = low / 2 if is_log else max(low - (high - low) / 2, 0.0)
    return {"low": max(round(wider), 1) if is_whole else wider}
