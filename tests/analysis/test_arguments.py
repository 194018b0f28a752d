from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.arguments import COUNT, PATH, TEXT, Kind, instance_of, one_of, takes
from analysis.errors import AnalysisError


class Ear:
    """Something to be made first."""


class Long:
    def __repr__(self) -> str:
        return "line\n" * 99


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (PATH, 3, "x is a path, as text or pathlib.Path: 3 is not; see help(ask)"),
        (PATH, b"x", "x is a path, as text or pathlib.Path: b'x' is not; see help(ask)"),
        (PATH, None, "x is a path, as text or pathlib.Path: None is not; see help(ask)"),
        (COUNT, 0, "x is a whole number from 1 on: 0 is not; see help(ask)"),
        (COUNT, "3", "x is a whole number from 1 on: '3' is not; see help(ask)"),
        (COUNT, True, "x is a whole number from 1 on: True is not; see help(ask)"),
        (COUNT, 1.0, "x is a whole number from 1 on: 1.0 is not; see help(ask)"),
        (TEXT.or_none(), 3, "x is text, or None: 3 is not; see help(ask)"),
        (instance_of(Ear, "Ear"), 3, "x is a Ear: 3 is not; see help(ask)"),
        (
            one_of(["loss", "accuracy"]),
            "los",
            "x is one of loss, accuracy: 'los' is not; did you mean 'loss'?",
        ),
        (one_of(["loss"]), ["loss"], "x is one of loss: ['loss'] is not; see help(ask)"),
        (TEXT, Long(), "x is text: a value of type Long is not; see help(ask)"),
    ],
)
def test_what_is_not_of_its_kind_is_refused_in_one_line(kind: Kind, value: Any, said: str) -> None:
    @takes(AnalysisError, x=kind)
    def ask(x: Any) -> Any:
        raise NotImplementedError

    for call in (lambda: ask(value), lambda: ask(x=value)):
        with pytest.raises(AnalysisError) as refused:
            call()
        assert str(refused.value) == said


def test_a_class_is_not_an_object_of_it() -> None:
    @takes(AnalysisError, x=instance_of(Ear, "Ear"))
    def ask(x: Any) -> Any:
        raise NotImplementedError

    with pytest.raises(AnalysisError, match=r"is not; call it: Ear\(\)$"):
        ask(Ear)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PATH, "x"),
        (PATH, Path("x")),
        (COUNT, 1),
        (COUNT, np.int64(3)),
        (COUNT.or_none(), None),
        (instance_of(Ear, "Ear"), Ear()),
        (one_of(["loss"]), "loss"),
    ],
)
def test_what_is_of_its_kind_is_passed_on(kind: Kind, value: Any) -> None:
    @takes(AnalysisError, x=kind)
    def ask(x: Any = 3, *, y: int = 4) -> tuple[Any, int]:
        return x, y

    assert ask(value, y=5) == (value, 5)
    assert ask() == (3, 4)
    assert str(inspect.signature(ask)) == "(x: 'Any' = 3, *, y: 'int' = 4) -> 'tuple[Any, int]'"
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        ask(z=3)  # type: ignore[call-arg]
