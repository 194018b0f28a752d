"""Runs that are known before any of them is trained: handed out in order, and tried again where lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from analysis.records.schema import State
from study.designs import Plan
from study.search.source import Ordering
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Assignment, Report


class PlannedRuns:
    """Hands out a list of assignments; nothing is stopped early and nobody learns from them.

    Args:
        spec: What the study asks.
        ledger: Its records.
        assignments: What is to be trained; begun ones go on.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, assignments: Iterable[Assignment]) -> None:
        self._spec, self._ledger = spec, ledger
        self._running: set[tuple[int, str, int]] = set()
        self._queue = deque(assignments)

    @property
    def is_exhausted(self) -> bool:
        """Whether all are done."""
        return not self._queue and not self._running

    def reorder(self, ordering: Ordering) -> None:
        """Put the runs that wait into a better order."""
        runs = list(self._queue)
        self._queue = deque(runs[index] for index in ordering([run.params for run in runs], 1))

    def foresee(self, n_slots: int) -> Plan:
        """Return the settings that wait."""
        return [assignment.params for assignment in self._queue]

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        if not self._queue:
            return None
        assignment = self._queue.popleft()
        self._running.add(assignment.run)
        return assignment

    def record(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial."""
        state: State = "pruned" if stopped and report.state == "running" else report.state
        self._ledger.record(assignment, report, state, report.reason)
        if state != "running":
            self._running.remove(assignment.run)
        return state

    def record_loss(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word; return whether it is tried again."""
        self._running.remove(assignment.run)
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            self._queue.appendleft(self._ledger.retry(assignment, state, reason))
        else:
            self._ledger.finish(assignment, state, reason)
        return again
