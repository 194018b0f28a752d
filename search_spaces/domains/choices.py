"""Domains that list their values: one, or several."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from search_spaces.domains.scalars import Scalar, as_scalar, check_flag, check_scalar, typed_key
from search_spaces.domains.scales import check_unit
from search_spaces.errors import SpaceError

_MAX_WEIGHT = 1e300
_MIN_SHARE = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class Fixed:
    """One value, for a parameter that is part of the space but not searched.

    Args:
        value: Text, a finite number, a truth value or None; its type counts.
    """

    value: Scalar

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", check_scalar(self.value, "Fixed"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fixed):
            return NotImplemented
        return typed_key(self.value) == typed_key(other.value)

    def __hash__(self) -> int:
        return hash((Fixed, typed_key(self.value)))

    def __repr__(self) -> str:
        return f"Fixed({self.value!r})"

    def size(self) -> int:
        """Number of values."""
        return 1

    def contains(self, value: object) -> bool:
        """Whether `value` is the one, type included."""
        return typed_key(as_scalar(value)) == typed_key(self.value)

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        return f"{self.value!r}"

    def level(self, k: int) -> Scalar:
        """The one value."""
        return self.value

    def levels(self, n: int | None = None) -> list[Scalar]:
        """The one value."""
        return [self.value]

    def from_unit(self, u: float) -> Scalar:
        """The value, wherever `u` lies."""
        return self.value

    def to_unit(self, value: object) -> float:
        """The middle: a single value has no place in the interval."""
        return 0.5

    def edge(self, k: int) -> float:
        """0, or 1 for the number of levels."""
        return float(k > 0)


@dataclass(frozen=True, eq=False, repr=False)
class Choice:
    """One of several values.

    A setting holds a scalar. Where lists are to choose from, each goes by a label, which is what the setting
    holds and expressions compare with; `Space.resolve` turns labels into lists.

    Args:
        choices: At least one value, all different; types count, but values that Python holds for equal
            (1, 1.0, True) cannot stand side by side, for no store of trials keeps them apart. A mapping gives
            labels to what they stand for; a list without one goes by its JSON text, `[64, 32]` say.
        ordered: Whether neighbours in the list are near each other, as in small, medium, large.
        weights: How likely each is, relative to the others: a number above 0 for each; None for equally.
    """

    choices: tuple[Scalar, ...]
    ordered: bool = False
    weights: tuple[float, ...] | None = None
    _texts: Mapping[str, str] = field(default_factory=dict)

    def __init__(
        self,
        choices: Iterable[Any] | Mapping[str, Any],
        ordered: bool = False,
        weights: Iterable[float] | None = None,
    ) -> None:
        if isinstance(choices, (str, bytes)) or not isinstance(choices, Iterable):
            raise SpaceError(f"Choice takes a list of values, not {choices!r}: write [{choices!r}].")
        if isinstance(choices, Set):
            raise SpaceError(f"a set has no order of its own, and {choices!r} is one: write a list.")
        ordered = check_flag(ordered, "ordered")
        values, texts = _read_choices(choices)
        _check_different(values)
        object.__setattr__(self, "choices", values)
        object.__setattr__(self, "ordered", ordered)
        object.__setattr__(self, "weights", _check_weights(weights, len(values)))
        object.__setattr__(self, "_texts", texts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Choice):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash((Choice, self._key))

    def __repr__(self) -> str:
        ordered = ", ordered=True" if self.ordered else ""
        weights = "" if self.weights is None else f", weights={list(self.weights)!r}"
        return f"Choice({self.notation()!r}{ordered}{weights})"

    @cached_property
    def _key(self) -> tuple[object, ...]:
        texts = tuple(sorted(self._texts.items()))
        return (self.ordered, self.weights, texts, *map(typed_key, self.choices))

    @cached_property
    def _indices(self) -> dict[tuple[str, object], int]:
        return {typed_key(choice): index for index, choice in enumerate(self.choices)}

    @cached_property
    def _edges(self) -> tuple[float, ...]:
        """Where the share of each choice ends."""
        weights = self.weights or (1.0,) * self.size()
        total = math.fsum(weights)
        return (*(min(below / total, 1.0) for below in accumulate(weights[:-1])), 1.0)

    def size(self) -> int:
        """Number of values."""
        return len(self.choices)

    def index(self, value: object) -> int:
        """Index of `value` in the list, from 0.

        Raises:
            SpaceError: If it is not there with this type.
        """
        index = self._find(value)
        if index is None:
            raise SpaceError(f"{value!r} is not a choice: give {self.describe()}.")
        return index

    def contains(self, value: object) -> bool:
        """Whether `value` is one of the choices, type included."""
        return self._find(value) is not None

    def _find(self, value: object) -> int | None:
        if isinstance(value, (list, dict, set)):
            return None
        value = as_scalar(value)
        try:
            return self._indices.get(typed_key(value))
        except TypeError:  # something else that has no hash
            return None

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        described = [repr(choice) for choice in self.choices]
        if self.weights is not None:
            described = [f"{text} (weight {w:g})" for text, w in zip(described, self.weights, strict=True)]
        return f"one of {(' < ' if self.ordered else ', ').join(described)}"

    def notation(self) -> list[Any] | dict[str, Any]:
        """The values as `Choice` takes them: lists in place of labels that are their JSON text."""
        if any(label != text for label, text in self._texts.items()):
            return {str(label): self.resolve(label) for label in self.choices}
        return [self.resolve(choice) for choice in self.choices]

    def resolve(self, value: Scalar) -> Any:
        """What the label `value` stands for, a new list each time; other values stand for themselves."""
        if not isinstance(value, str) or value not in self._texts:
            return value
        import json  # here, for few choices have labels

        return json.loads(self._texts[value])

    def label(self, value: object) -> object:
        """The label of a list or tuple that is to choose from; everything else as it is."""
        if not isinstance(value, (list, tuple)):
            return value
        try:
            text = _write_json(value)
        except SpaceError:
            return value
        return next((label for label, known in self._texts.items() if known == text), value)

    def level(self, k: int) -> Scalar:
        """The value number `k`, from 0."""
        return self.choices[k]

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All choices: leaving some out is for the user to say."""
        return list(self.choices)

    def from_unit(self, u: float) -> Scalar:
        """The choice whose share of [0, 1] holds `u`.

        Raises:
            SpaceError: If `u` lies outside.
        """
        check_unit(u)
        size = len(self.choices)
        if self.weights is None:
            return self.choices[min(int(u * size), size - 1)]
        return self.choices[min(bisect_right(self._edges, u), size - 1)]

    def to_unit(self, value: object) -> float:
        """The middle of the share of `value`."""
        index = self.index(value)
        if self.weights is None:
            return (index + 0.5) / self.size()
        return (self.edge(index) + self.edge(index + 1)) / 2

    def edge(self, k: int) -> float:
        """Where the share of choice `k` starts; 1 for the number of choices."""
        if k <= 0 or k >= self.size():
            return float(k > 0)
        return k / self.size() if self.weights is None else self._edges[k - 1]


def _read_choices(choices: Iterable[Any] | Mapping[str, Any]) -> tuple[tuple[Scalar, ...], dict[str, str]]:
    """The values that settings hold, and the JSON texts of what labels among them stand for."""
    if isinstance(choices, Mapping):
        for label in choices:
            if not isinstance(label, str):
                raise SpaceError(f"a label is text, not {label!r}: put it in quotes.")
        return tuple(choices), {label: _write_json(value) for label, value in choices.items()}
    values: list[Scalar] = []
    texts: dict[str, str] = {}
    for choice in choices:
        if isinstance(choice, (list, tuple)):
            text = _write_json(choice)
            values.append(text)
            texts[text] = text
        else:
            values.append(check_scalar(choice, "Choice"))
    return tuple(values), texts


def _write_json(value: Any) -> str:
    import json  # here, for few choices have labels

    try:
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise SpaceError(
            f"a label stands for lists of text, finite numbers, truth values and null, not {value!r}: "
            "give one of these and build the object from it in your own code."
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return check_scalar(value, "a list to choose from")


def _check_different(values: tuple[Scalar, ...]) -> None:
    if not values:
        raise SpaceError("Choice needs at least one value, and [] holds none: list the values to try.")
    seen: dict[Scalar, Scalar] = {}
    for value in values:
        if value in seen:
            raise SpaceError(
                f"Choice holds {seen[value]!r} and {value!r}, which are equal: leave one out, "
                "or write both as text if they are meant to differ."
            )
        seen[value] = value


def _check_weights(weights: Iterable[float] | None, n: int) -> tuple[float, ...] | None:
    if weights is None:
        return None
    if isinstance(weights, (str, bytes, Mapping, Set)) or not isinstance(weights, Iterable):
        raise SpaceError(f"weights are a list of numbers, not {weights!r}: give one for each choice.")
    numbers = tuple(map(as_scalar, weights))
    if len(numbers) != n:
        raise SpaceError(f"{n} choices have {n} weights, not the {len(numbers)} of {list(numbers)!r}.")
    for number in numbers:
        if type(number) not in (int, float) or not 0 < number < _MAX_WEIGHT:  # type: ignore[operator]
            raise SpaceError(
                f"a weight is a number from above 0 to 1e300, not {number!r}: leave out what never comes."
            )
    floats = tuple(float(number) for number in numbers)  # type: ignore[arg-type]
    if min(floats) / max(floats) < _MIN_SHARE:
        raise SpaceError(
            f"the weights {list(floats)!r} are too far apart, by more than 10^12: leave out what never comes."
        )
    return None if len(set(floats)) == 1 else floats
