"""The design that tries every combination of given values."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analysis.words.numbers import listing
from search_spaces import Space
from study.designs.base import BaseDesign, Plan, say_luck, say_runs
from study.designs.crossing import cross


class GridDesign(BaseDesign):
    """Every combination of the space's values."""

    kind: Literal["grid"] = "grid"
    points: int = Field(default=3, ge=1, description="values taken from each numeric range")

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return every legal combination, the last parameter varying fastest."""
        return space.grid(self.points)

    def count(self, space: Space) -> int:
        """Return the number of legal combinations."""
        return len(space.grid(self.points))

    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot."""
        n_settings = self.count(space)
        varied = listing(space.dimensions, limit=12)
        if not varied:
            return [say_runs(n_settings, seeds, "the space holds a single setting."), *say_luck(seeds)]
        said = [
            say_runs(n_settings, seeds, f"every combination of {varied}."),
            f"Can answer which of these settings is best and what {varied} changes."
            if len(space.dimensions) == 1
            else f"Can answer which of these settings is best, what each of {varied} changes with all else "
            "equal, and which of them act together.",
            "Cannot answer what values between or beyond those tried would do.",
        ]
        if space.constraints or space.conditions:
            said.append(
                "Combinations that a constraint or condition rules out leave gaps: levels near them are "
                "compared over fewer settings."
            )
        return [*said, *cross(space, self.points).say_pairs(n_settings), *say_luck(seeds)]
