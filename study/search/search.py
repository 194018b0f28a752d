"""The search: which replicate to train next, and what the sampler learns of each. Knows nothing of Ray.

The records are its only state. What they do not know was never begun, and is proposed anew by the next leg.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.records.schema import State
from study.designs import Plan
from study.search.first_settings import ask_first_settings
from study.search.optuna_study import Tuners, objectives_of
from study.search.proposals import Proposal, Proposals, Result
from study.search.source import Ordering
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.store.outcomes import Outcome
from study.trial import Assignment, Report

if TYPE_CHECKING:
    from study.search.warm_start import WarmStart


class Search:
    """Hands out assignments and records what became of them.

    One process uses it, from one thread. Each call commits to the records, then tells the sampler.

    Args:
        spec: What was asked.
        ledger: The study's records; what they hold is continued.
        start: What earlier studies found.

    Attributes:
        n_trials: How many settings the design has in all.
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, start: WarmStart | None = None) -> None:
        self._spec, self._ledger = spec, ledger
        self._queue: deque[Assignment] = deque()
        self._running: set[tuple[int, str, int]] = set()
        self._proposals = Proposals(ledger.outcomes(), spec.seeds, ledger.given_up)
        past = self._proposals.in_order()
        for proposal in past:
            self._queue.extend(proposal.list_open(spec.seed))
            if proposal.is_cut:
                self._skip_seeds(proposal)
        planned = spec.design.plan(spec.space, spec.seed)
        self._planned, self._tuners = None, None
        if planned is None:
            self.n_trials = spec.design.count(spec.space)
            self._tuners = Tuners(spec, past, self._conclude, start)
        else:
            self.n_trials = len(planned)
            self._planned = self._proposals.leave_out(planned)
        self._is_fresh = not past and start is None

    @property
    def n_seeds(self) -> int:
        """How many replicates of each setting."""
        return self._spec.seeds

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out and nothing is running."""
        return not self._running and not self._queue and not self._may_propose

    @property
    def _may_propose(self) -> bool:
        """Whether the design holds settings that were not proposed."""
        return bool(self._planned) or (self._tuners is not None and self._tuners.n_asked < self.n_trials)

    def reorder(self, ordering: Ordering) -> None:
        """Put what is left of a plan into a better order."""
        if self._planned is not None:
            settings = self._planned
            self._planned = [settings[index] for index in ordering(settings, self._spec.seeds)]

    def foresee(self, n_slots: int) -> Plan:
        """Return the settings of the runs that are certain, in their order."""
        certain: Plan = self._planned or []
        if self._planned is None and self._is_fresh:
            certain = ask_first_settings(self._spec, n_slots)
        seeds = range(self._spec.seeds)
        return [*(run.params for run in self._queue), *(setting for setting in certain for _ in seeds)]

    def next(self) -> Assignment | None:
        """Return what to train next, None while there is nothing to hand out."""
        if not self._queue and self._may_propose:
            self._queue.extend(self._propose().list_open(self._spec.seed))
        if not self._queue:
            return None
        assignment = self._queue.popleft()
        self._running.add(assignment.run)
        return assignment

    def record(self, assignment: Assignment, report: Report, *, stopped: bool) -> State:
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
        self._ledger.record(assignment, report, state, reason)
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

    def record_loss(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word of its own; return whether it is tried again."""
        previous = self._proposals.outcome_of(assignment)
        scores = previous.scores if previous is not None else ()
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            successor = self._ledger.retry(assignment, state, reason)
            self._proposals.remember(Outcome(assignment=successor, state="running", scores=scores))
            self._running.remove(assignment.run)
            self._queue.appendleft(successor)
        else:
            self._ledger.finish(assignment, state, reason)
            self._proposals.remember(Outcome(assignment=assignment, state=state, scores=scores))
            self._end(assignment, state)
        return again

    def _propose(self) -> Proposal:
        """Take up the next setting of the plan, or what a sampler suggests."""
        if self._planned:
            setting = self._planned.pop(0)
            params = {name: setting[name] for name in self._spec.space.parameters if name in setting}
            return self._proposals.propose(params, number=len(self._proposals))
        assert self._tuners is not None, "a design plans its settings or has samplers"
        suggestion, params = self._tuners.ask()
        proposal = self._proposals.propose(params, self._tuners.number_of(suggestion))
        proposal.suggestion = suggestion
        return proposal

    def _end(self, assignment: Assignment, state: State) -> None:
        self._running.remove(assignment.run)
        proposal = self._proposals.of(assignment)
        if state == "pruned":
            self._skip_seeds(proposal)
        # A seed that was handed out and has said nothing yet is not known to the proposal.
        is_awaited = any((proposal.trial, "search", seed) in self._running for seed in proposal.replicates)
        if proposal.suggestion is not None and not proposal.is_open and not is_awaited:
            proposal.suggestion.tell(self._conclude(proposal))

    def _skip_seeds(self, proposal: Proposal) -> None:
        """Drop a setting's waiting seeds: one was enough for the scheduler."""
        waiting = [a for a in self._queue if a.trial == proposal.trial and a.replicate in proposal.replicates]
        for run in waiting:
            self._queue.remove(run)
            if (begun := self._proposals.outcome_of(run)) is not None:
                self._ledger.finish(run, "pruned", "the scheduler stopped its setting under another seed")
                self._proposals.remember(replace(begun, state="pruned"))

    def _conclude(self, proposal: Proposal) -> Result:
        sign = 1.0 if self._ledger.facts.maximizes else -1.0
        return proposal.conclude(objectives_of(self._spec), sign, self._ledger.measure)
