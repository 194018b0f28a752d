"""The settings that a study is certain to begin with, known before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from study.designs import SearchDesign
from study.spec.schema import StudySpec


def ask_first_settings(spec: StudySpec, n_slots: int) -> Sequence[Mapping[str, Any]]:
    """Return the settings that are certain, in their order: all of a plan, the first of a search.

    A search is asked for its first settings once more, with the same seeds and without a file. A sampler
    learns nothing before as many of its runs ended as it leaves to chance. Where there is one sampler, it was
    asked for one more in each slot by then, since one run waits beyond those that run.

    Args:
        spec: The study; one with a warm start begins with what others found, and nothing of it is certain.
        n_slots: Runs at once.
    """
    plan = spec.design.plan(spec.space, spec.seed)
    if plan is not None:
        return plan
    design = spec.design
    if not isinstance(design, SearchDesign) or not design.begins_by_chance or spec.warm_start:
        return []
    from study.search.optuna_study import Tuners

    strata = design.strata(spec.space)
    share = design.trials // len(strata)
    n_by_chance = len(strata) * min(design.count_startup(share), share)
    n_certain = min(design.trials, n_by_chance + (n_slots if len(strata) == 1 else 0))
    tuners = Tuners(spec)
    return [tuners.ask()[1] for _ in range(n_certain)]
