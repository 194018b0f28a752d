"""Conditions and constraints: a small language of comparisons and arithmetic over parameters.

`units * layers <= 256`, `sequence_length <= 400 if cell == "rnn"`, `1 < layers < 4 and cell in ["gru"]`.
Nothing is handed to Python's `eval`: `parsing` builds nodes from text, and only they are evaluated.

A parameter that is not active has no value. What needs it is then undecided, as in Kleene's logic: `and` is
false with one false side, `or` true with one true side, and all else that touches it is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from search_spaces.errors import SpaceError
from search_spaces.expressions.evaluation import UNDECIDED, Evaluate, compile_node
from search_spaces.expressions.nodes import Node, list_names


@dataclass(frozen=True)
class Expression:
    """A parsed expression; equal where the canonical text is.

    Args:
        text: The canonical text, which `parse_expression` reads back to the same nodes.
        node: The root.
    """

    text: str
    node: Node = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.text, self.node)  # without what was compiled, which cannot travel

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters it mentions, each once, in order."""
        return list_names(self.node)

    @cached_property
    def _run(self) -> Evaluate:
        return compile_node(self.node)

    def evaluate(self, params: Mapping[str, Any]) -> bool | None:
        """Whether it holds for `params`; None where an inactive parameter leaves it undecided.

        Arithmetic is that of the numbers as they are written: 0.1 + 0.2 is 0.3.

        Raises:
            SpaceError: If it divides by zero or is no statement (a number, say).
        """
        try:
            value = self._run(params)
        except (ZeroDivisionError, OverflowError, TypeError) as error:
            raise SpaceError(
                f"{self.text!r} cannot be computed for {dict(params)!r} ({error}): guard it."
            ) from None
        if value is True or value is False:
            return value
        if value is UNDECIDED:
            return None
        raise SpaceError(f"{self.text!r} is {value!r}, not true or false: compare it with something.")
