"""What a study may train and how well that may do, imagined before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from study.designs import Plan
from study.forecast.costs import CostModel, RunCost
from study.forecast.leanings import MAX_LEAN, MIN_LEAN, draw_merits, n_tried, standardize
from study.forecast.rehearsal import Item
from study.spec.schema import StudySpec

N_STARTUP = 10
"""Settings that a sampler of which nothing is certain draws by chance before it learns."""

N_POOL = 256
"""Settings drawn of each stratum, among which all others are."""


def program_of(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a setting's graph depends on, as `study.training.trainer.ProgramCache` has it."""
    return tuple(sorted((k, v) for k, v in params.items() if k not in ("learning_rate", "batch_size")))


@dataclass(frozen=True)
class _Candidate:
    """A setting, and what is known of it; its place is the one among all candidates."""

    place: int
    cost: RunCost
    program: tuple[Any, ...]
    cohort: tuple[Any, ...]


class Imagination:
    """Imagines a study again and again.

    Args:
        spec: The study.
        model: What settings cost.
        certain: The settings that it is certain to train, as `study.search.first_settings` has them.
    """

    def __init__(self, spec: StudySpec, model: CostModel, certain: Plan) -> None:
        design, rng = spec.design, np.random.default_rng(0)
        self._n_trials = max(design.count(spec.space), len(certain))
        strata = design.strata(spec.space)
        self._scientific = tuple(strata[0].levels)
        self._model, self._costs = model, list[RunCost]()
        self._certain = [self._consider(params) for params in certain]
        self._n_by_chance = len(certain) or N_STARTUP
        self._pools = []
        if self._n_trials > len(certain):
            for stratum in strata:
                drawn = [stratum.space.sample(rng) for _ in range(N_POOL)]
                self._pools.append([self._consider(params) for params in drawn])
        self._scores = standardize([cost.epoch_s for cost in self._costs])

    def _consider(self, params: Mapping[str, Any]) -> _Candidate:
        self._costs.append(self._model.predict(params))
        cohort = tuple(params.get(name) for name in self._scientific)
        return _Candidate(len(self._costs) - 1, self._costs[-1], program_of(params), cohort)

    def draw(self, factor: float, rng: np.random.Generator) -> list[Item]:
        """Return what the study may train, in order; all takes `factor` times as long as the model says."""
        lean = float(rng.uniform(MIN_LEAN, MAX_LEAN))
        merits = draw_merits(self._scores, lean, rng)
        items = [self._make_item(candidate, factor, merits) for candidate in self._certain]
        for number in range(len(self._certain), self._n_trials):
            pool = self._pools[number % len(self._pools)]
            n = 1 if number < self._n_by_chance else n_tried(number // len(self._pools))
            tried = [pool[place] for place in rng.integers(len(pool), size=n)]
            best = max(tried, key=lambda candidate: merits[candidate.place])
            items.append(self._make_item(best, factor, merits))
        return items

    def _make_item(self, candidate: _Candidate, factor: float, merits: Any) -> Item:
        return Item(
            cost=candidate.cost.scaled(factor),
            program=candidate.program,
            merit=float(merits[candidate.place]),
            cohort=candidate.cohort,
        )
