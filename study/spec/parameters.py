"""What the standard model takes of each parameter: a space that holds anything else is refused at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from search_spaces import Choice, Domain, Fixed, Space
from search_spaces.errors import find_nearest
from study.data import FIRST_WORD, TRAIN_SIZE
from study.errors import StudyError
from study.spec.cells import CELLS

OPTIMIZERS = (
    *("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "muon", "nadam"),
    *("rmsprop", "schedulefreeadamw", "sgd"),
)
"""Keras's optimizers that need nothing but a learning rate, in any case of letters: a spec is checked without
Keras. The last few releases each brought one."""


def _is_whole(least: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and value >= least


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_COUNT = (_is_whole(1), "a whole number from 1 on")

RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "cell": (lambda value: isinstance(value, str) and value in CELLS, f"one of {', '.join(CELLS)}"),
    "bidirectional": (lambda value: isinstance(value, bool), "true or false"),
    "units": _COUNT,
    "layers": _COUNT,
    "vocab_size": (_is_whole(FIRST_WORD + 1), f"a whole number from {FIRST_WORD + 1} on"),
    "sequence_length": _COUNT,
    "embedding_dim": _COUNT,
    "dropout": (lambda value: _is_real(value) and 0 <= value < 1, "a number from 0 on and below 1"),
    "optimizer": (
        lambda value: isinstance(value, str) and value.lower() in OPTIMIZERS,
        f"the name of an optimizer of Keras's, one of {', '.join(OPTIMIZERS)}",
    ),
    "learning_rate": (lambda value: _is_real(value) and value > 0, "a number above 0"),
    "batch_size": _COUNT,
}
"""For each parameter, whether a value will do, and how to say so."""

FURTHER_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "class_weight": (lambda value: value in ("none", "balanced"), "none or balanced"),
    TRAIN_SIZE: _COUNT,
}
"""As `RULES`, of parameters that a space may have besides."""

_NAMES: Mapping[str, Iterable[str]] = {"cell": CELLS, "optimizer": OPTIMIZERS}


def check_parameters(space: Space) -> None:
    """Refuse a space of settings that the standard model cannot be built from.

    Raises:
        StudyError: At the first parameter that is missing or may take a value that will not do.
    """
    for name, (will_do, rule) in RULES.items():
        if name in space.conditions:
            raise StudyError(
                f"the standard model has all its parameters in every setting: {name} applies only where "
                f"{space.conditions[name].text!r} holds; leave that out, or bring a model of your own"
            )
        _check_values(space, name, will_do, rule)
    for name, (will_do, rule) in FURTHER_RULES.items():
        if name in space.parameters:
            _check_values(space, name, will_do, rule)


def _check_values(space: Space, name: str, will_do: Callable[[Any], bool], rule: str) -> None:
    for value in extremes(space.parameters[name]):
        if not will_do(value):
            near = find_nearest(value, _NAMES.get(name, ())) if isinstance(value, str) else None
            way_out = "see `study space`" if near is None else f"did you mean {near!r}?"
            raise StudyError(f"space.{name} is {rule}: {value!r} is not; {way_out}")


def extremes(domain: Domain) -> Iterable[Any]:
    """All values of a choice, the ends of a range."""
    if isinstance(domain, Choice):
        return domain.choices
    return (domain.value,) if isinstance(domain, Fixed) else (domain.low, domain.high)
