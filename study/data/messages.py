"""Pieces of error messages: values shown on one line, and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from search_spaces.errors import find_nearest

_SHOWN = 60
_LISTED = 20


def quoted(value: object) -> str:
    """A value as Python writes it, so that it stays on one line; long ones are cut."""
    shown = ascii(value) if isinstance(value, bytes) else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def listed(values: Sequence[object]) -> str:
    """Values in a row, the first twenty."""
    shown = ", ".join(quoted(value) for value in values[:_LISTED])
    return f"{shown} and {len(values) - _LISTED} more" if len(values) > _LISTED else shown


def nearest(name: str, valid: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for a near match, or nothing."""
    found = find_nearest(name, valid)
    return "" if found is None else f" (did you mean {quoted(found)}?)"
