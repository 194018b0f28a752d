"""The built-in samplers as a design speaks of them; `study.search.samplers` builds those that learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from study.designs.base import Plan
from study.designs.drawn import draw_at_random, draw_evenly
from study.designs.strata import Stratum


@dataclass(frozen=True)
class Sampler:
    """What is known of a sampler without Optuna.

    Attributes:
        said: What to call it within a sentence.
        plan: Draws that many settings in advance, in equal shares; None for a sampler that learns.
        begins_by_chance: Whether it draws its first settings from its seed alone, whatever became of them.
        learns_from_stopped: Whether a run that a scheduler stopped tells it anything.
        takes_objectives: Whether it can look for several at once.
    """

    said: str
    plan: Callable[[Sequence[Stratum], int, int], Plan] | None = None
    begins_by_chance: bool = False
    learns_from_stopped: bool = True
    takes_objectives: bool = True


SAMPLERS: Mapping[str, Sampler] = {
    "tpe": Sampler("TPE", begins_by_chance=True),
    "gp": Sampler("a Gaussian process", begins_by_chance=True, learns_from_stopped=False),
    "cmaes": Sampler("CMA-ES", takes_objectives=False),
    "nsga2": Sampler("NSGA-II"),
    "nsga3": Sampler("NSGA-III"),
    # Not Optuna's own: it leaves the first trial and all choices to chance.
    "qmc": Sampler("a Sobol sequence", plan=draw_evenly),
    "random": Sampler("chance", plan=draw_at_random),
}
"""By the name that a spec gives; any other is an import path."""
