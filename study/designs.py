"""Designs: which settings a study trains, decided in advance or as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from search_spaces import Space
from study.seeds import derive_seed

Plan = Sequence[Mapping[str, Any]]
"""The settings of a design that fixes them, in order; the trial's number is the place."""


class _Design(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Drawn(_Design):
    trials: int = Field(default=24, ge=1, description="settings to try")

    def _draw(self, space: Space, study_seed: int) -> Plan:
        """Draw each setting from its own number, so that order and restarts change nothing."""
        import numpy as np

        return [
            space.sample(np.random.default_rng(derive_seed(study_seed, "design", number)))
            for number in range(self.trials)
        ]


class SearchDesign(_Drawn):
    """A sampler proposes settings, a scheduler stops the hopeless ones."""

    kind: Literal["search"] = "search"
    sampler: Literal["tpe", "random"] = "tpe"
    scheduler: Literal["asha", "none"] = "asha"
    grace_period_epochs: int = Field(default=2, ge=1, description="no trial is stopped before this epoch")
    reduction_factor: int = Field(default=3, ge=2, description="of this many trials at a rung, one goes on")

    def plan(self, space: Space, study_seed: int) -> Plan | None:
        """Return the settings, None where the sampler decides them as it learns."""
        return None if self.sampler == "tpe" else self._draw(space, study_seed)


class GridDesign(_Design):
    """Every combination of the space's values."""

    kind: Literal["grid"] = "grid"
    points: int = Field(default=3, ge=1, description="values taken from each numeric range")

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return every legal combination, the last parameter varying fastest."""
        return space.grid(self.points)


class RandomDesign(_Drawn):
    """Settings drawn independently of each other, each trained to its end."""

    kind: Literal["random"] = "random"

    def plan(self, space: Space, study_seed: int) -> Plan:
        """Return the settings."""
        return self._draw(space, study_seed)


Design = Annotated[SearchDesign | GridDesign | RandomDesign, Field(discriminator="kind")]
