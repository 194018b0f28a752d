"""What can be wrong with a search space or a value of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

_SHOWN = 60


class SpaceError(ValueError):
    """A bad domain, space, expression or setting: rule broken, value given, way out, in one line.

    Args:
        message: That line.
        path: Keys and list indices that lead to the fault within a space's document; empty where unknown.
    """

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class DocumentError(SpaceError):
    """Text that is not a document this package reads; the message starts with source:line:column."""


def check_mapping(params: object) -> None:
    """Refuse as a setting what holds no names.

    Raises:
        SpaceError: If it is no mapping.
    """
    if not isinstance(params, Mapping):
        raise SpaceError(f"a setting is a mapping from names to values, not {params!r}: write a dict.")


@contextmanager
def located(*path: str | int, prefix: str = "") -> Iterator[None]:
    """Whatever is wrong inside is wrong at `path`, and the message starts with `prefix`."""
    try:
        yield
    except SpaceError as error:
        raise SpaceError(f"{prefix}{error}", (*path, *error.path)) from None


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that an unknown one was meant to be, whatever its case; None where none is near."""
    from difflib import get_close_matches  # here, because only errors need it

    lowered = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    swapped = [found for found in nearest if sorted(found) == sorted(name.lower())]
    return lowered[(swapped or nearest)[0]] if nearest else None


def shorten(value: object) -> str:
    """A value as Python writes it, the end of a long one left out."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def hint_name(name: str, known: Iterable[str]) -> str:
    """The way out for an unknown name: the nearest known one where there is one, else all of them."""
    names = list(known)
    if (nearest := find_nearest(name, names)) is not None:
        return f"did you mean {nearest!r}?"
    return f"known: {', '.join(map(repr, names))}." if names else "none is known."


def check_form(form: str | None, known: Collection[str], verb: str) -> None:
    """Refuse the name of a form that is none of those known.

    Raises:
        SpaceError: With the nearest that is.
    """
    if form is not None and form not in known:
        raise SpaceError(f"{form!r} is no form that is {verb}: {hint_name(form, known)}")
