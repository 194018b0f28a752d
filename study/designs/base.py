"""What every design can say before anything runs."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from analysis.words.numbers import count
from search_spaces import Space, SpaceError
from study.designs.strata import Stratum

Plan = Sequence[Mapping[str, Any]]
"""The settings of a design that fixes them, in order; the last few may be trained in another."""

MIN_SEEDS = 3
"""Fewer replicates of a setting support no verdict on it: the fewest pairs that a report judges by."""


class BaseDesign(BaseModel):
    """Which settings a study trains."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def check(self, space: Space, max_epochs: int) -> None:
        """Refuse, before anything is read or started, what this space or these epochs do not allow.

        Raises:
            StudyError: In one line.
        """

    @abstractmethod
    def plan(self, space: Space, study_seed: int) -> Plan | None:
        """Return the settings in order, None where a sampler decides them as it learns.

        The same space and seed give the same plan. More trials of a random or Sobol design leave those
        before them as they were.

        Raises:
            SpaceError: If the space holds no such settings.
        """

    @abstractmethod
    def count(self, space: Space) -> int:
        """Return how many settings it tries."""

    def strata(self, space: Space) -> list[Stratum]:
        """Return what is tuned for itself: the levels of its scientific parameters, or all of the space.

        Raises:
            StudyError: If they name what cannot be compared.
        """
        return [Stratum({}, space)]

    @abstractmethod
    def explain(self, space: Space, seeds: int, study_seed: int = 0) -> list[str]:
        """Say how much it trains, what it can answer and what it cannot, one sentence or two each.

        Args:
            space: Where it looks.
            seeds: Replicates of each setting.
            study_seed: The study's own seed, which decides what is drawn.
        """


def say_runs(n_settings: int, seeds: int, what: str) -> str:
    """Say how much is trained, e.g. `12 settings under 3 seeds each, 36 runs: every combination ...`."""
    each = "" if n_settings == 1 else " each"
    runs = count(n_settings * seeds, "run")
    return f"{count(n_settings, 'setting')} under {count(seeds, 'seed')}{each}, {runs}: {what}"


def say_luck(seeds: int) -> list[str]:
    """Say what so few seeds cannot tell; nothing where there are enough."""
    if seeds >= MIN_SEEDS:
        return []
    return [
        f"Cannot answer whether one single setting beats another: {count(seeds, 'seed')} cannot tell merit "
        f"from luck; set seeds to {MIN_SEEDS} or more, or confirm the best settings on fresh seeds."
    ]


def size_of(space: Space) -> float:
    """Return the number of settings of a space, infinity where they cannot be counted."""
    try:
        return space.size()
    except SpaceError:
        return math.inf
