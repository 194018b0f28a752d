"""The pruning audit: a random share of the runs that the scheduler stopped, trained to their end after all.

A run of the audit is the stopped run finished: the same setting and seed, from its first epoch, with no
scheduler. Nobody learns from it and no setting is chosen by it: it only tells how often stopping was wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from analysis.records.schema import State
from study.designs import Plan
from study.search.planned import PlannedRuns
from study.search.search import Search
from study.search.source import Ordering
from study.seeds import derive_seed
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.store.outcomes import Outcome
from study.trial import Assignment, Report


class AuditedSearch:
    """A search, and when it is exhausted, its audit.

    Args:
        spec: What was asked.
        search: The search.
        ledger: The study's records.
        share: Of the stopped runs, in (0, 1]; at least one is finished.
    """

    def __init__(self, spec: StudySpec, search: Search, ledger: Ledger, share: float) -> None:
        self._spec, self._search, self._ledger, self._share = spec, search, ledger, share
        self._audit: PlannedRuns | None = None
        self._ordering: Ordering | None = None

    @property
    def n_trials(self) -> int:
        """How many settings the search has in all."""
        return self._search.n_trials

    @property
    def n_seeds(self) -> int:
        """How many replicates of each."""
        return self._search.n_seeds

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out and nothing is running."""
        return self._search.is_exhausted and self._open().is_exhausted

    def reorder(self, ordering: Ordering) -> None:
        """Put the audit into a better order, when it is drawn: it comes last."""
        self._ordering = ordering

    def foresee(self, n_slots: int) -> Plan:
        """Return the settings of the search that are certain: nobody knows yet what is audited."""
        return self._search.foresee(n_slots)

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        assignment = self._search.next()
        if assignment is None and self._search.is_exhausted:
            return self._open().next()
        return assignment

    def record(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial."""
        return self._whose(assignment).record(assignment, report, stopped=stopped)

    def record_loss(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word; return whether it is tried again."""
        return self._whose(assignment).record_loss(assignment, state, reason, retry=retry)

    def _whose(self, assignment: Assignment) -> Search | PlannedRuns:
        return self._open() if assignment.phase == "audit" else self._search

    def _open(self) -> PlannedRuns:
        """Draw what is audited, once the search has come to its end."""
        if self._audit is None:
            runs = choose_runs(self._ledger.outcomes(), self._share, self._spec.seed)
            self._audit = PlannedRuns(self._spec, self._ledger, runs)
            if self._ordering is not None:
                self._audit.reorder(self._ordering)
        return self._audit


def choose_runs(outcomes: Collection[Outcome], share: float, study_seed: int) -> list[Assignment]:
    """Draw what is still to be audited, and take up what was begun.

    Every stopped run has a lot of its own, from the study's seed: those with the lowest are drawn, so that an
    audit that was interrupted goes on with the same ones.

    Args:
        outcomes: Of the whole study.
        share: Of all stopped runs, in (0, 1]; at least one, where one was stopped.
        study_seed: The study's own.
    """
    audited = {o.assignment.run: o for o in outcomes if o.assignment.phase == "audit"}
    stopped = [
        o.assignment
        for o in outcomes
        if o.assignment.phase == "search" and o.state == "pruned" and o.best_score is not None
    ]
    n_wanted = max(round(share * len(stopped)), min(len(stopped), 1)) - len(audited)
    # The runs that the stopped ones would have become.
    finished = [replace(run, attempt=1, phase="audit") for run in stopped]
    rest = [run for run in finished if run.run not in audited]
    rest.sort(key=lambda run: (_draw_lot(run, study_seed), run.run))
    begun = [o.assignment for o in audited.values() if o.state == "running"]
    return [*begun, *rest[: max(n_wanted, 0)]]


def _draw_lot(assignment: Assignment, study_seed: int) -> int:
    # Each run has a number of its own, as long as no trial has 2,000 replicates.
    return derive_seed(study_seed, "audit", 4_000 * assignment.trial + 2_000 + assignment.replicate)
