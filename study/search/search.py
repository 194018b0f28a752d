"""The search: which replicate to train next, and what Optuna learns of each. Knows nothing of Ray.

Optuna proposes settings and stores the search in `optuna.db`; the records decide what has happened. Where the
two disagree, after a crash between two commits, the search is told again from the records.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.records.schema import State
from study.designs import Plan
from study.search.first_settings import ask_first_settings
from study.search.proposals import Proposal, Proposals
from study.search.source import Ordering
from study.search.storage import Suggestion, objectives_of
from study.search.suggestions import Suggestions
from study.spec.schema import StudySpec
from study.store.database import check_database, database_faults
from study.store.ledger import Ledger, Outcome
from study.trial import Assignment, Report

if TYPE_CHECKING:
    from study.search.warm_start import WarmStart


class Search:
    """Hands out assignments and hears what became of them.

    One process uses it, from one thread. Each call commits to the records, then tells Optuna.

    Args:
        spec: What was asked.
        ledger: The study's records; what they hold is continued.
        storage: Path of Optuna's database.

    Attributes:
        n_trials: How many settings the design has in all.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, storage: Path) -> None:
        self._spec, self._ledger, self._storage = spec, ledger, storage
        self._queue: deque[Assignment] = deque()
        self._running: dict[tuple[int, int], Assignment] = {}
        planned = spec.design.plan(spec.space, spec.seed)
        self.n_trials = len(planned) if planned is not None else spec.design.count(spec.space)
        outcomes = ledger.outcomes()
        if outcomes or storage.exists():
            check_database(storage)
        with database_faults(storage):
            self._suggestions = Suggestions(spec, storage, is_planned=planned is not None)
            suggestions = self._suggestions.recall()
            noted = [s.stands_for for s in suggestions if s.stands_for is not None]
            self._proposals = Proposals(outcomes, noted, spec.seeds)
            self._catch_up(suggestions)
        self._planned = None if planned is None else self._proposals.leave_out(planned)

    @property
    def n_seeds(self) -> int:
        """How many replicates of each setting."""
        return self._spec.seeds

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was proposed yet, and nothing of earlier studies made ready."""
        return self._suggestions.is_fresh

    def warm(self, start: WarmStart) -> None:
        """Begin with what earlier studies found."""
        with database_faults(self._storage):
            self._suggestions.warm(start)

    def close(self) -> None:
        """Leave Optuna's database to others."""
        self._suggestions.close()

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out and nothing to hear."""
        return not self._running and not self._queue and not self._may_propose

    @property
    def _may_propose(self) -> bool:
        """Whether the design holds settings that were not proposed."""
        if self._planned is not None:
            return bool(self._planned)
        return self._suggestions.n_asked < self.n_trials

    def reorder(self, ordering: Ordering) -> None:
        """Put what is left of a plan into a better order."""
        if self._planned is not None:
            settings = self._planned
            self._planned = [settings[place] for place in ordering(settings, self._spec.seeds)]

    def foresee(self, n_slots: int) -> Plan:
        """Return the settings of the runs that are certain, in their order."""
        certain: Plan = self._planned or []
        if self._planned is None and self.is_fresh:
            certain = ask_first_settings(self._spec, n_slots)
        seeds = range(self._spec.seeds)
        return [*(run.params for run in self._queue), *(setting for setting in certain for _ in seeds)]

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        if not self._queue and self._may_propose:
            with database_faults(self._storage):
                self._propose()
        if not self._queue:
            return None
        assignment = self._queue.popleft()
        self._running[assignment.trial, assignment.replicate] = assignment
        return assignment

    def hear(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
        """Record a report; return the state of its trial.

        Args:
            assignment: Whose report it is.
            report: What the worker said.
            stopped: Whether the scheduler ends the trial after this report although it would go on.
        """
        state: State = "pruned" if stopped and report.state == "running" else report.state
        reason = report.reason
        if state == "pruned" and report.figures is not None:
            reason = f"stopped by the scheduler after epoch {report.figures.epoch}"
        self._ledger.hear(assignment, report, state, reason)
        outcome = self._proposals.outcome_of(assignment)
        scores = () if outcome is None else outcome.scores
        if report.figures is not None:
            sign = 1.0 if self._ledger.facts.maximizes else -1.0
            scores = (
                *scores[: report.figures.epoch - 1],
                sign * getattr(report.figures, self._spec.objective),
            )
        self._proposals.remember(Outcome(assignment=assignment, state=state, scores=scores))
        if state != "running":
            self._end(assignment, state)
        return state

    def lose(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word of its own; return whether it is tried again."""
        previous = self._proposals.outcome_of(assignment)
        scores = previous.scores if previous is not None else ()
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            successor = self._ledger.retry(assignment, state, reason)
            self._proposals.remember(Outcome(assignment=successor, state="running", scores=scores))
            del self._running[assignment.trial, assignment.replicate]
            self._queue.appendleft(successor)
        else:
            self._ledger.finish(assignment, state, reason)
            self._proposals.remember(Outcome(assignment=assignment, state=state, scores=scores))
            self._end(assignment, state)
        return again

    def redo(self, states: Collection[State]) -> int:
        """Queue a further attempt at each replicate that ended in one of `states`; return how many."""
        known = self._proposals.outcomes
        ended = [o.assignment for o in known if o.state in states and o.assignment.phase == "search"]
        for assignment in ended:
            successor = self._ledger.redo(assignment)
            self._proposals.remember(Outcome(assignment=successor, state="running", scores=()))
            self._queue.append(successor)
        return len(ended)

    def _end(self, assignment: Assignment, state: State) -> None:
        del self._running[assignment.trial, assignment.replicate]
        if state == "pruned":
            self._spare(assignment.trial)
        with database_faults(self._storage):
            self._settle(self._proposals.of(assignment))

    def _spare(self, trial: int) -> None:
        """Drop a setting's waiting seeds: one was enough for the scheduler."""
        for spared in [a for a in self._queue if a.trial == trial]:
            self._queue.remove(spared)
            if (begun := self._proposals.outcome_of(spared)) is not None:
                reason = "the scheduler stopped its setting under another seed"
                self._ledger.finish(spared, "pruned", reason)
                self._proposals.remember(replace(begun, state="pruned"))

    def _propose(self) -> None:
        suggestion, params = self._suggestions.ask(self._planned.pop(0) if self._planned else None)
        is_renumbered = self._suggestions.is_renumbered
        self._take_up(self._proposals.place(suggestion, params, is_renumbered=is_renumbered))

    def _catch_up(self, suggestions: Iterable[Suggestion]) -> None:
        """Bring queue and Optuna's storage to where the records are."""
        for suggestion in suggestions:
            if suggestion.is_open:
                self._continue(suggestion)
            else:
                self._review(suggestion)

    def _continue(self, suggestion: Suggestion) -> None:
        """Take up a suggestion that was open when the last leg ended, perhaps half made."""
        params = suggestion.complete()
        if params is not None:
            is_renumbered = self._suggestions.is_renumbered
            proposal = self._proposals.resume(suggestion, params, is_renumbered=is_renumbered)
            self._take_up(proposal)
            self._settle(proposal)

    def _review(self, suggestion: Suggestion) -> None:
        """Take up what is left of a suggestion that Optuna has closed: a retry, or seeds that were added."""
        proposal = self._proposals.review(suggestion)
        if proposal.params is not None:
            self._queue_up(proposal, anew=proposal.is_worth_seeds)
            self._settle(proposal)  # it may have ended untold

    def _take_up(self, proposal: Proposal) -> None:
        self._queue_up(proposal, anew=not proposal.is_cut)
        if proposal.is_cut:
            self._spare(proposal.trial)

    def _queue_up(self, proposal: Proposal, *, anew: bool) -> None:
        """Queue the replicates of a proposal that are in their training and, `anew`, those never begun."""
        for replicate in proposal.replicates:
            outcome = proposal.known.get(replicate)
            if outcome is not None and outcome.state == "running":
                self._queue.append(outcome.assignment)
            elif outcome is None and anew:
                assert proposal.params is not None, "what the records do not know is not trained"
                first = Assignment.first(self._spec.seed, proposal.trial, replicate, proposal.params)
                self._queue.append(first)

    def _settle(self, proposal: Proposal) -> None:
        """Tell Optuna of a proposal, if nothing of it is left to train."""
        pending = {(a.trial, a.replicate) for a in self._queue} | self._running.keys()
        if not any((proposal.trial, replicate) in pending for replicate in proposal.replicates):
            self._tell(proposal)

    def _tell(self, proposal: Proposal) -> None:
        """Tell Optuna what became of a proposal: the mean over its seeds of each one's best epoch."""
        outcomes = proposal.outcomes
        completed = [o for o in outcomes if o.state == "completed" and o.best_score is not None]
        cut = [o for o in outcomes if o.state == "pruned" and o.best_score is not None]
        sign = 1.0 if self._ledger.facts.maximizes else -1.0
        if cut:
            value = _mean([o.best_score for o in cut if o.best_score is not None])
            step = max(len(o.scores) for o in cut)
            proposal.suggestion.tell_pruned(sign * value, step)
        elif completed:
            measured = [self._ledger.measure(o.assignment) for o in completed]
            values = [_mean([figures[name] for figures in measured]) for name in objectives_of(self._spec)]
            n_epochs = max(len(o.scores) for o in completed)
            proposal.suggestion.tell_completed(values, n_epochs)
        else:
            proposal.suggestion.tell_failed()


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
