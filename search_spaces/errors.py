"""What can be wrong with a search space or a value of it."""

from __future__ import annotations

from collections.abc import Iterable


class SpaceError(ValueError):
    """A bad domain, space, expression or setting: rule broken, value given, way out, in one line."""


class DocumentError(SpaceError):
    """Text that is not a document this package reads; the message starts with source:line:column."""


def hint_name(name: str, known: Iterable[str]) -> str:
    """The way out for an unknown name: the nearest known one where there is one, else all of them."""
    from difflib import get_close_matches  # here, because only errors need it

    names = list(known)
    if nearest := get_close_matches(name, names, n=1, cutoff=0.6):
        return f"did you mean {nearest[0]!r}?"
    return f"known: {', '.join(map(repr, names))}." if names else "none is known."
