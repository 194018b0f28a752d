"""Where the trials of a leg come from: a search, or a confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from analysis.records.schema import State
from study.designs import Plan
from study.trial import Assignment, Report

Ordering = Callable[[Plan, int], list[int]]
"""Returns the indices of settings in the order to train them, given the number of runs of each."""


class Source(Protocol):
    """Hands out assignments and records what became of them; one thread uses it."""

    @property
    def n_trials(self) -> int:
        """How many settings there are in all."""

    @property
    def n_seeds(self) -> int:
        """How many replicates of each."""

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out and nothing is running."""

    def reorder(self, ordering: Ordering) -> None:
        """Put what is known to be left into a better order."""

    def foresee(self, n_slots: int) -> Plan:
        """Return the settings of the runs that are certain, in their order."""

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""

    def record(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial."""

    def record_loss(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word; return whether it is tried again."""
