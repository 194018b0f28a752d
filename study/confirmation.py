"""The confirmation: the best settings trained again on fresh seeds, to their end, and tested once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any

from analysis.records import State
from study.errors import StudyError
from study.ledger import Ledger
from study.seeds import derive_seed
from study.spec import StudySpec
from study.trial import Assignment, Report

FIRST_REPLICATE = 1_001
"""Replicates of a search end at 1,000: however far it is extended, confirmations keep seeds of their own."""


class Confirmation:
    """Hands out the best settings of a search under seeds that chose nothing.

    Args:
        spec: What the study asks.
        ledger: Its records; what they hold of the confirmation is continued.
        plan: How many seeds each trial is confirmed under.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, plan: Mapping[int, int]) -> None:
        self._spec, self._ledger = spec, ledger
        self.n_trials, self.n_seeds = len(plan), max(plan.values(), default=0)
        self._running: dict[tuple[int, int], Assignment] = {}
        known = {(o.assignment.trial, o.assignment.replicate): o for o in ledger.outcomes()}
        params = {o.assignment.trial: o.assignment.params for o in known.values()}
        self._queue: deque[Assignment] = deque()
        # Seed by seed, so that a confirmation that is stopped has compared all its settings alike.
        for number in range(FIRST_REPLICATE, FIRST_REPLICATE + self.n_seeds):
            for trial in (t for t, n_seeds in plan.items() if number < FIRST_REPLICATE + n_seeds):
                outcome = known.get((trial, number))
                if outcome is None:
                    self._queue.append(self._assign(trial, number, params[trial]))
                elif outcome.state == "running":
                    self._queue.append(outcome.assignment)

    @property
    def is_exhausted(self) -> bool:
        """Whether all are done."""
        return not self._queue and not self._running

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        if not self._queue:
            return None
        assignment = self._queue.popleft()
        self._running[assignment.trial, assignment.replicate] = assignment
        return assignment

    def hear(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial. Nothing is stopped early here."""
        state: State = "pruned" if stopped and report.state == "running" else report.state
        self._ledger.hear(assignment, report, state, report.reason)
        if state != "running":
            del self._running[assignment.trial, assignment.replicate]
        return state

    def lose(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word; return whether it is tried again."""
        del self._running[assignment.trial, assignment.replicate]
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            self._queue.appendleft(self._ledger.retry(assignment, state, reason))
        else:
            self._ledger.finish(assignment, state, reason)
        return again

    def _assign(self, trial: int, replicate: int, params: dict[str, Any]) -> Assignment:
        return Assignment(
            trial=trial,
            replicate=replicate,
            attempt=1,
            seed=derive_seed(self._spec.seed, "replicate", replicate),
            params=params,
            phase="confirm",
        )


def choose_settings(ledger: Ledger, top: int, confirmed: Collection[int]) -> list[int]:
    """Return the best `top` settings of a search, the best first, without those that were confirmed.

    Selection is by the mean, over a setting's completed replicates, of the best that each reached; a setting
    that was cut short has none. The test split is opened once for each setting.

    Raises:
        StudyError: If the test split was validated on, or no setting completed.
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
            scores.setdefault(outcome.assignment.trial, []).append(outcome.best_score or -math.inf)
    if not scores:
        raise StudyError(
            "a setting is confirmed after a search in which it completed: none did; continue it first"
        )
    means = {trial: math.fsum(values) / len(values) for trial, values in scores.items()}
    best = sorted(means, key=lambda trial: (-means[trial], trial))[:top]
    return [trial for trial in best if trial not in confirmed]
