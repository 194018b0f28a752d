"""The design of a learning curve: a few settings, each trained on several amounts of text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.words.numbers import count, listing
from search_spaces import Fixed, Space
from study.designs.base import BaseDesign, Plan, say_luck, say_runs
from study.errors import StudyError

SIZE = "train_size"
"""The parameter that this design is about; `study.data.subsets` says what it does."""

MIN_FITTED = 3
"""Fewer amounts cannot tell how steeply a curve bends."""


class SizesDesign(BaseDesign):
    """Every other combination of the space's values at each amount of training text."""

    kind: Literal["sizes"] = "sizes"
    points: int = Field(default=3, ge=1, description="values taken from each numeric range")

    def check(self, space: Space, max_epochs: int) -> None:
        """Refuse a space that does not say which amounts of training text.

        Raises:
            StudyError: In one line.
        """
        domain = space.parameters.get(SIZE)
        if domain is None or isinstance(domain, Fixed):
            given = "is not given" if domain is None else f"is {domain.value!r} alone"
            raise StudyError(
                f"space.{SIZE} names the amounts of training text that a learning curve is made of: it "
                f"{given}; list some, e.g. [2000, 4000, 8000], or let `study learn DATA` choose them"
            )

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return every legal combination, all of the smallest amount first."""
        return sorted(space.grid(self.points), key=lambda setting: int(setting[SIZE]))

    def count(self, space: Space) -> int:
        """Return the number of legal combinations."""
        return len(space.grid(self.points))

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        plan = self.plan(space, study_seed)
        sizes = sorted({int(setting[SIZE]) for setting in plan})
        others = [name for name in space.dimensions if name != SIZE]
        curves = (
            "one curve" if not others else f"a curve for every combination of {listing(others, limit=12)}"
        )
        said = [
            say_runs(
                len(plan),
                seeds,
                f"{curves}, at {listing([f'{n:,}' for n in sizes], limit=12)} training texts.",
            ),
            "Each seed draws texts of its own, of each class its share; larger amounts hold the smaller "
            "ones. All are judged on the same validation texts, and so are the lines to beat, fitted on the "
            "same training texts.",
            "Can answer how accuracy grows with the amount of text, and how far the lines to beat are ahead "
            "or behind at each.",
        ]
        if len(sizes) < MIN_FITTED:
            said.append(
                f"Cannot answer what more text would bring: that takes {MIN_FITTED} amounts, and there are "
                f"{count(len(sizes), 'amount')}."
            )
        else:
            said.append(
                "Can answer roughly what twice as much text would bring, if the curve goes on as it bends; "
                "cannot answer what ten times as much would."
            )
        return [*said, *say_luck(seeds)]
