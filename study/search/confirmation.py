"""The confirmation: the best settings trained again on fresh seeds, to their end, and tested once."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from study.errors import StudyError
from study.search.planned import PlannedRuns
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Assignment

MOST_LEVELS = 8
"""Values of a parameter up to which the best of each is confirmed: of more, each was hardly tried."""


class Confirmation(PlannedRuns):
    """Hands out the best settings of a search under seeds that chose nothing.

    Args:
        spec: What the study asks.
        ledger: Its records; what they hold of the confirmation is continued.
        plan: How many seeds each trial is confirmed under.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, plan: Mapping[int, int]) -> None:
        self.n_trials, self.n_seeds = len(plan), max(plan.values(), default=0)
        known = {o.assignment.run: o for o in ledger.outcomes()}
        params = {o.assignment.trial: o.assignment.params for o in known.values()}
        runs = []
        # Seed by seed, so that a confirmation that is stopped has compared all its settings alike.
        for replicate in range(1, self.n_seeds + 1):
            for trial in (trial for trial, n_seeds in plan.items() if replicate <= n_seeds):
                outcome = known.get((trial, "confirm", replicate))
                if outcome is None:
                    runs.append(Assignment.first(spec.seed, trial, replicate, params[trial], "confirm"))
                elif outcome.state == "running":
                    runs.append(outcome.assignment)
        super().__init__(spec, ledger, runs)


def choose_settings(
    ledger: Ledger, top: int, confirmed: Collection[int], per: str | None = None
) -> list[int]:
    """Return the best `top` settings of a search, the best first, without those that were confirmed.

    Selection is by the mean, over a setting's completed replicates, of the best that each reached; a setting
    that was cut short has none. The test split is opened once for each setting.

    Args:
        ledger: The study's records.
        top: How many.
        confirmed: Settings that were.
        per: A parameter: the best `top` at each of its values, in place of the best of all.

    Raises:
        StudyError: If the test split was validated on, no setting completed, or `per` has no two values among
            those that did.
    """
    facts = ledger.facts
    if facts.validated_on == "test" or facts.n_test == 0:
        raise StudyError(
            "a confirmation opens a test split that nothing was chosen by: this study validated on it; "
            "run it with data.validate_on=validation first"
        )
    scores: dict[int, list[float]] = {}
    for outcome in ledger.outcomes():
        if outcome.assignment.phase == "search" and outcome.state == "completed":
            best_score = outcome.best_score
            scores.setdefault(outcome.assignment.trial, []).append(
                -math.inf if best_score is None else best_score
            )
    if not scores:
        raise StudyError(
            "a setting is confirmed after a search in which it completed: none did; continue it first"
        )
    means = {trial: math.fsum(values) / len(values) for trial, values in scores.items()}
    best = sorted(means, key=lambda trial: (-means[trial], trial))
    if per is None:
        return [trial for trial in best[:top] if trial not in confirmed]
    params = {o.assignment.trial: o.assignment.params for o in ledger.outcomes()}
    chosen = _best_of_each({trial: params[trial] for trial in best}, top, per)
    return [trial for trial in chosen if trial not in confirmed]


def _best_of_each(params: Mapping[int, Mapping[str, Any]], top: int, per: str) -> list[int]:
    """The first `top` trials with each value of a parameter; those that do not set it are in none."""
    by_value: dict[str, list[int]] = {}
    for trial, own in params.items():
        if own.get(per) is not None:
            by_value.setdefault(repr(own[per]), []).append(trial)
    if not 2 <= len(by_value) <= MOST_LEVELS:
        names = {name for own in params.values() for name in own}
        counts = {name: len({repr(own.get(name)) for own in params.values()}) for name in sorted(names)}
        fit = [name for name, n in counts.items() if 2 <= n <= MOST_LEVELS]
        raise StudyError(
            f"the best of each is of a parameter with 2 to {MOST_LEVELS} values among the settings that "
            f"completed: {per} has {len(by_value)}; choose from {', '.join(fit) or 'none here'}, or leave "
            "the parameter out"
        )
    chosen = {trial for trials in by_value.values() for trial in trials[:top]}
    return [trial for trial in params if trial in chosen]
