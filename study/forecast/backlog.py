"""What a leg has before it: how many runs, and how large each is, as far as that is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces import Space
from study.forecast.costs import guess_text_s
from study.forecast.rehearsal import StoppingRule
from study.running.listener import Outlook
from study.spec.schema import StudySpec

N_DRAWN, MIN_DRAWN = 200, 32
"""Settings drawn to know how large one may be: in all, and of each stratum at least."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What a leg has before it.

    A size is what an epoch of a setting takes in a unit of its own, which runs tell.

    Attributes:
        n_runs: Replicates in all, those of earlier legs among them.
        n_seeds: Replicates of each setting.
        n_slots: Runs at once.
        max_epochs: No run is longer.
        n_ended: Replicates that ended before this leg.
        waiting: Sizes of the runs that are known, in their order; the first of a search, say.
        drawn: Of each stratum as many sizes of settings drawn by chance, as those that are not known may be.
        rungs: Epochs after which a scheduler may stop a run; it compares runs of one stratum.
        kept: The share of runs that pass a rung in the long run.
    """

    n_runs: int
    n_seeds: int = 1
    n_slots: int = 1
    max_epochs: int
    n_ended: int = 0
    waiting: Sequence[float] = ()
    drawn: Sequence[Sequence[float]] = ((1.0,),)
    rungs: Collection[int] = ()
    kept: float = 1.0


def size_of(spec: StudySpec, params: Mapping[str, Any]) -> float:
    """Return how large a setting is.

    Of a model of the user's own nothing is known, nor what counts on a GPU: there all are alike.
    """
    if spec.model is not None or spec.resources.gpus_per_trial > 0.0:
        return 1.0
    return guess_text_s(params, has_own_model=False)


def take_stock(spec: StudySpec, outlook: Outlook, n_slots: int) -> Backlog:
    """Return what a leg has before it.

    Args:
        spec: The study.
        outlook: What is known of the leg.
        n_slots: Runs at once.
    """
    n_runs, max_epochs = outlook.n_trials * outlook.n_seeds, spec.training.max_epochs
    rule = StoppingRule(spec.design, max_epochs, spec.training.patience)
    is_rung = [outlook.may_stop and rule.is_rung(0, epoch) for epoch in range(max_epochs + 1)]
    is_open = n_runs - outlook.n_ended > len(outlook.waiting)
    strata = spec.design.strata(spec.space)
    n_drawn = max(N_DRAWN // len(strata), MIN_DRAWN) if is_open else 1
    return Backlog(
        n_runs=n_runs,
        n_seeds=outlook.n_seeds,
        n_slots=max(n_slots, 1),
        max_epochs=max_epochs,
        n_ended=outlook.n_ended,
        waiting=[size_of(spec, params) for params in outlook.waiting],
        drawn=[_draw_sizes(spec, stratum.space, n_drawn) for stratum in strata],
        rungs=[epoch for epoch in range(1, max_epochs) if is_rung[epoch]],
        kept=rule.kept,
    )


def _draw_sizes(spec: StudySpec, space: Space, n: int) -> list[float]:
    rng = np.random.default_rng(0)
    return [size_of(spec, space.sample(rng)) for _ in range(n)]
