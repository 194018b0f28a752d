"""What a study may train and how well that may do, imagined before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from study.costs import CostModel
from study.designs import SearchDesign, Stratum, stratify
from study.rehearsal import Item
from study.spec import StudySpec

N_STARTUP = 10
"""Settings that a sampler draws by chance before it learns, as Optuna's TPE does."""

MAX_LEAN = 0.9
"""Correlation between how well a setting does and the logarithm of its cost, at most; at least 0."""


def program_of(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a setting's graph depends on, as `study.training.ProgramCache` has it."""
    return tuple(sorted((k, v) for k, v in params.items() if k not in ("learning_rate", "batch_size")))


class _Fortune:
    """Makes items of settings, and says how well each does: larger models better, to a degree drawn by lot.

    Nobody knows beforehand; but where size pays, a scheduler lets the expensive runs live and a sampler asks
    for more of them.
    """

    def __init__(self, spec: StudySpec, model: CostModel, factor: float, rng: np.random.Generator) -> None:
        design = spec.design
        self._scientific = design.scientific if isinstance(design, SearchDesign) else ()
        self._model, self._factor, self._rng = model, factor, rng
        self._lean = float(rng.uniform(0.0, MAX_LEAN))
        sizes = [math.log(model.predict(t.params).epoch_s) for t in model.timings]
        self._mean, self._spread = float(np.mean(sizes)), max(float(np.std(sizes)), 1e-9)

    def make_item(self, params: Mapping[str, Any]) -> Item:
        cost = self._model.predict(params)
        size = float(np.clip((math.log(cost.epoch_s) - self._mean) / self._spread, -3.0, 3.0))
        return Item(
            cost=cost.scaled(self._factor),
            program=program_of(params),
            merit=self._lean * size + math.sqrt(1.0 - self._lean**2) * self._rng.normal(),
            cohort=tuple(params.get(name) for name in self._scientific),
        )


def imagine(spec: StudySpec, model: CostModel, factor: float, rng: np.random.Generator) -> list[Item]:
    """Return what a study may train, in order: its own settings where they are fixed.

    A sampler that learns comes back to what did well: after its first settings, every second one is taken to
    be one of the best tenth so far.
    """
    fortune = _Fortune(spec, model, factor, rng)
    plan = spec.design.plan(spec.space, spec.seed)
    if plan is not None:
        return [fortune.make_item(params) for params in plan]
    scientific = spec.design.scientific if isinstance(spec.design, SearchDesign) else ()
    strata: list[Stratum] = stratify(spec.space, scientific)
    drawn: list[list[Item]] = [[] for _ in strata]
    items: list[Item] = []
    for number in range(spec.design.count(spec.space)):
        place = number % len(strata)
        earlier = drawn[place]
        if len(earlier) >= N_STARTUP and rng.random() < 0.5:
            best = sorted(earlier, key=lambda item: -item.merit)[: math.ceil(len(earlier) / 10)]
            item = best[int(rng.integers(len(best)))]
        else:
            item = fortune.make_item(strata[place].space.sample(rng))
        earlier.append(item)
        items.append(item)
    return items
