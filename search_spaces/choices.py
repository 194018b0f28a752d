"""Domains that list their values: one, or several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search_spaces.errors import SpaceError
from search_spaces.scalars import Scalar, as_scalar, check_flag, check_scalar, typed_key


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

    def levels(self, n: int | None = None) -> list[Scalar]:
        """The one value."""
        return [self.value]

    def from_unit(self, u: float) -> Scalar:
        """The value, wherever `u` lies."""
        return self.value

    def to_unit(self, value: object) -> float:
        """The middle: a single value has no place in the interval."""
        return 0.5


@dataclass(frozen=True, eq=False, repr=False)
class Choice:
    """One of several values.

    Args:
        choices: At least one value, all different; types count, but values that Python holds for equal
            (1, 1.0, True) cannot stand side by side, for no store of trials keeps them apart.
        ordered: Whether neighbours in the list are near each other, as in small, medium, large.
    """

    choices: tuple[Scalar, ...]
    ordered: bool = False

    def __init__(self, choices: Iterable[Scalar], ordered: bool = False) -> None:
        if isinstance(choices, (str, bytes)) or not isinstance(choices, Iterable):
            raise SpaceError(f"Choice takes a list of values, not {choices!r}: write [{choices!r}].")
        check_flag(ordered, "ordered")
        values = tuple(check_scalar(value, "Choice") for value in choices)
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
        object.__setattr__(self, "choices", values)
        object.__setattr__(self, "ordered", ordered)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Choice):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash((Choice, self._key))

    def __repr__(self) -> str:
        return f"Choice({list(self.choices)!r}{', ordered=True' if self.ordered else ''})"

    @property
    def _key(self) -> tuple[object, ...]:
        return (self.ordered, *map(typed_key, self.choices))

    def size(self) -> int:
        """Number of values."""
        return len(self.choices)

    def index(self, value: object) -> int:
        """Place of `value` in the list, from 0.

        Raises:
            SpaceError: If it is not there with this type.
        """
        key = typed_key(as_scalar(value))
        for place, choice in enumerate(self.choices):
            if typed_key(choice) == key:
                return place
        raise SpaceError(f"{value!r} is not a choice: give {self.describe()}.")

    def contains(self, value: object) -> bool:
        """Whether `value` is one of the choices, type included."""
        key = typed_key(as_scalar(value))
        return any(typed_key(choice) == key for choice in self.choices)

    def describe(self) -> str:
        """The values in words, for messages and tables."""
        return f"one of {(' < ' if self.ordered else ', ').join(map(repr, self.choices))}"

    def levels(self, n: int | None = None) -> list[Scalar]:
        """All choices: leaving some out is for the user to say."""
        return list(self.choices)

    def from_unit(self, u: float) -> Scalar:
        """The choice whose equal share of [0, 1] holds `u`."""
        return self.choices[min(int(u * self.size()), self.size() - 1)]

    def to_unit(self, value: object) -> float:
        """The middle of the share of `value`."""
        return (self.index(value) + 0.5) / self.size()
