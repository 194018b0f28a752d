"""What a new leg's scheduler knows of earlier legs: it begins empty, and would stop nobody for a while."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from study.cluster.schedulers import CLOCK, METRIC
from study.store.outcomes import Outcome

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


@dataclass(frozen=True, eq=False)
class _Ended:
    """What schedulers look at in a trial of Tune's."""

    trial_id: str
    config: dict[str, Any] = field(repr=False)


def replay(scheduler: TrialScheduler, outcomes: Iterable[Outcome]) -> None:
    """Let a scheduler hear what trials of earlier legs reached, epoch by epoch; its verdicts are known.

    Trials that go on are left out: they report again.
    """
    for outcome in outcomes:
        if outcome.state == "running" or outcome.assignment.phase != "search":
            continue
        assignment = outcome.assignment
        trial = _Ended(
            trial_id=f"earlier-{assignment.trial}-{assignment.replicate}",
            config={"assignment": asdict(assignment)},
        )
        scheduler.on_trial_add(None, trial)
        best = -math.inf
        for epoch, score in enumerate(outcome.scores, start=1):
            best = max(best, score) if math.isfinite(score) else best
            if math.isfinite(best):
                scheduler.on_trial_result(None, trial, {CLOCK: epoch, METRIC: best})
        scheduler.on_trial_remove(None, trial)
