"""Arguments of public functions, looked at before anything is done: a wrong one is refused in one line."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from search_spaces.errors import hint_name

P = ParamSpec("P")
T = TypeVar("T")

_SHOWN = 60


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    Attributes:
        rule: How to say so.
        fits: Whether a value is of it.
        hint: The way out for a value that is not; `see help()` if there is none.
    """

    rule: str
    fits: Callable[[Any], bool]
    hint: Callable[[Any], str | None] = lambda value: None

    def or_none(self) -> Kind:
        """The same, and None."""
        return Kind(f"{self.rule}, or None", lambda value: value is None or self.fits(value), self.hint)


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str)


PATH = Kind("a path, as text or pathlib.Path", _is_path)
TEXT = Kind("text", lambda value: isinstance(value, str))
COUNT = Kind(
    "a whole number from 1 on",
    lambda value: hasattr(value, "__index__") and not isinstance(value, bool) and value >= 1,
)


def instance_of(kind: type, name: str) -> Kind:
    """An object of a class, which has a name of its own where it is public."""
    return Kind(
        f"a {name}",
        lambda value: isinstance(value, kind),
        lambda value: f"call it: {name}()" if value is kind or _is_subclass(value, kind) else None,
    )


def _is_subclass(value: object, kind: type) -> bool:
    return isinstance(value, type) and issubclass(value, kind)


def one_of(names: Iterable[str]) -> Kind:
    """One of a few words."""
    known = tuple(names)
    return Kind(
        f"one of {', '.join(known)}",
        lambda value: isinstance(value, str) and value in known,
        lambda value: hint_name(value, known) if isinstance(value, str) else None,
    )


def takes(error: type[ValueError], **kinds: Kind) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function refuse arguments that are not of their kind.

    Args:
        error: What is raised.
        **kinds: By the name of the parameter.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)
        assert kinds.keys() <= signature.parameters.keys()

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> T:
            given = signature.bind(*args, **kwargs).arguments
            for name, kind in kinds.items():
                if name in given and not kind.fits(value := given[name]):
                    hint = kind.hint(value) or f"see help({function.__name__})"
                    raise error(f"{name} is {kind.rule}: {_shorten(value)} is not; {hint}")
            return function(*args, **kwargs)

        return checked

    return decorate


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN and text.isprintable() else f"a value of type {type(value).__name__}"
