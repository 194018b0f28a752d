"""Levels crossed: every legal combination, as settings and as numbers of levels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_spaces import Space

if TYPE_CHECKING:
    from study.designs.fractions import Levels


_INACTIVE = object()


@dataclass(frozen=True)
class Crossing:
    """All combinations of levels, as settings and as level numbers.

    Attributes:
        names: The factors: the parameters with several levels.
        n_levels: Levels of each, "does not apply" among them.
        settings: Every legal combination.
        candidates: Level numbers of each, shape (n_settings, n_factors).
        is_full: Whether every combination is legal.
    """

    names: tuple[str, ...]
    n_levels: tuple[int, ...]
    settings: Sequence[Mapping[str, Any]]
    candidates: Levels
    is_full: bool

    @property
    def n_numbers(self) -> int:
        """The mean, and what each level changes: the fewest settings that tell all main effects apart."""
        return 1 + sum(n - 1 for n in self.n_levels)

    def say_pairs(self, n_settings: int) -> list[str]:
        """Say where the report has too few settings to tell which pairs act together; else nothing."""
        from analysis.statistics.additive import MIN_FREEDOM

        pairs = ((a - 1) * (b - 1) for a, b in itertools.combinations(self.n_levels, 2))
        wanted = self.n_numbers + max(pairs, default=0) + MIN_FREEDOM
        if len(self.names) < 2 or n_settings >= wanted:
            return []
        return [f"The report names pairs that act together from {wanted} settings on: look at the figures."]


def cross(space: Space, points: int) -> Crossing:
    """Cross the levels of all parameters that vary, `points` of each numeric range."""
    import numpy as np

    settings = space.grid(points)
    levels = {}
    for name in space.dimensions:
        values = list(dict.fromkeys(setting.get(name, _INACTIVE) for setting in settings))
        if len(values) > 1:
            levels[name] = {value: index for index, value in enumerate(values)}
    candidates = np.array(
        [[indices[setting.get(name, _INACTIVE)] for name, indices in levels.items()] for setting in settings],
        dtype=np.int64,
    ).reshape(len(settings), len(levels))
    n_levels = tuple(map(len, levels.values()))
    return Crossing(tuple(levels), n_levels, settings, candidates, len(settings) == math.prod(n_levels))
