"""What the readers share: text to objects, keys that are known, and domains in compact notation."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from search_spaces.domains.exact import as_fraction, exact
from search_spaces.domains.scales import CUT_STD
from search_spaces.errors import SpaceError, hint_name


def read_source(source: Any, what: str) -> Any:
    """The object that a file, a text of YAML or JSON, or an object is or holds.

    Args:
        source: A `Path`, a text, or the object itself.
        what: What it should be, for messages.

    Raises:
        SpaceError: If there is no such file, or it is neither YAML nor JSON.
    """
    name = what
    if isinstance(source, Path):
        name = str(source)
        try:
            source = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpaceError(f"{name} cannot be read ({error}): give the path of {what}.") from None
    if not isinstance(source, str):
        return source
    if source.lstrip().startswith(("{", "[")):
        try:
            return json.loads(source)
        except ValueError:
            pass  # YAML may begin so as well
    from search_spaces.documents import load_document

    return load_document(source, name)


def check_mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Accept a mapping.

    Raises:
        SpaceError: If it is something else.
    """
    if not isinstance(value, Mapping):
        raise SpaceError(f"{what} is a mapping, not {value!r}: give that part of the file.")
    return value


def check_list(value: Any, what: str) -> list[Any]:
    """Accept a list.

    Raises:
        SpaceError: If it is something else.
    """
    if not isinstance(value, list):
        raise SpaceError(f"{what} is a list, not {value!r}: give that part of the file.")
    return value


def check_keys(given: Mapping[str, Any], known: Collection[str]) -> None:
    """Accept a mapping all of whose keys are read here: what is not would be lost in silence.

    Raises:
        SpaceError: If there is another.
    """
    for key in given:
        if key not in known:
            raise SpaceError(f"{key!r} is not read: {hint_name(str(key), known)}")


def take(given: Mapping[str, Any], *keys: str) -> list[Any]:
    """The values of keys that must be there.

    Raises:
        SpaceError: If one is not.
    """
    for key in keys:
        if key not in given:
            raise SpaceError(f"{dict(given)!r} lacks {key!r}: add it.")
    return [given[key] for key in keys]


def take_list(given: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key that must be there.

    Raises:
        SpaceError: If it is not, or is something else.
    """
    return check_list(take(given, key)[0], key)


def take_mapping(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under a key that must be there.

    Raises:
        SpaceError: If it is not, or is something else.
    """
    return check_mapping(take(given, key)[0], key)


def as_real(value: Any) -> float:
    """A number, or a text that writes one, as a float.

    Raises:
        SpaceError: If it is neither, or not finite.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise SpaceError(f"a finite number is expected, not {value!r}: give one.")
    return number


def as_whole(value: Any) -> int:
    """A whole number, or a text that writes one, as an int.

    Raises:
        SpaceError: If it is neither.
    """
    number = as_real(value)
    if not number.is_integer():
        raise SpaceError(f"a whole number is expected, not {value!r}: round it.")
    return int(number)


def make_range(low: float, high: float, *, step: float | None = None, log: bool = False) -> Any:
    """A range in compact notation, cut to the levels that its step reaches; one level is a single value."""
    document: dict[str, Any] = {"low": low, "high": high}
    if step is not None and not (isinstance(low, int) and step == 1):
        if step <= 0:
            raise SpaceError(f"step={step!r} goes nowhere: give a number above 0.")
        if log:
            raise SpaceError(f"a log scale with steps of {step!r} has no counterpart here: list its values.")
        span = Fraction(exact(high)) - Fraction(exact(low))
        reached = Fraction(exact(low)) + span // Fraction(exact(step)) * Fraction(exact(step))
        document["high"] = int(reached) if isinstance(low, int) else float(reached)
        document["step"] = step
    if log:
        document["log"] = True
    return document["low"] if low == high else document


def make_normal(mean: float, std: float, *, log: bool = False, step: float | None = None) -> Any:
    """A normal range without ends, which is cut at eight standard deviations."""
    if step is None:
        return {"mean": mean, "std": std, **({"log": True} if log else {})}
    if log:
        raise SpaceError(f"a log-normal range with steps of {step!r} has no counterpart here: drop the step.")
    first, last = math.ceil((mean - CUT_STD * std) / step), math.floor((mean + CUT_STD * std) / step)
    width = as_fraction(float(step))
    return {"low": float(first * width), "high": float(last * width), "step": step, "mean": mean, "std": std}


def make_multiples(
    low: float, high: float, step: float, *, whole: bool, log: bool, floored: bool = False
) -> Any:
    """Multiples of `step` from `low` to `high`, both included, which a number is rounded to.

    Evenly spaced they become levels of the same chance, although rounding gives the ends half of it; on a log
    scale a choice in order, with the shares of the scale for weights.

    Args:
        low: Where the numbers start.
        high: Where they end.
        step: Distance between multiples.
        whole: Whether the multiples are integers.
        log: Whether the numbers lie evenly on a log scale.
        floored: Whether a number goes to the multiple below it and not to the nearest, up to one step
            above the last.

    Raises:
        SpaceError: If no multiple lies between the ends.
    """
    width = Fraction(exact(step))
    if width <= 0:
        raise SpaceError(f"step={step!r} goes nowhere: give a number above 0.")
    first, last = (Fraction(exact(end)) / width for end in (low, high))
    start, stop = math.ceil(first) * width, math.floor(last) * width
    if start > stop:
        raise SpaceError(f"no multiple of {step!r} lies from {low!r} to {high!r}: choose another.")
    kind = int if whole else float
    if not log:
        return make_range(kind(start), kind(stop), step=kind(width))
    levels = [start + k * width for k in range(int((stop - start) / width) + 1)]
    if len(levels) == 1:
        return kind(start)
    edges = [*levels, stop + width] if floored else [start, *(k + width / 2 for k in levels[:-1]), stop]
    if start <= 0:
        raise SpaceError(f"a log scale starts above 0, not at {kind(start)!r}: raise it.")
    shares = [math.log(after / before) for before, after in pairwise(edges)]
    return {"choice": [kind(level) for level in levels], "ordered": True, "weights": shares}
