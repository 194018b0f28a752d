"""The search: which replicate to train next, and what Optuna learns of each. Knows nothing of Ray.

Optuna proposes settings and stores the search in `optuna.db`; the records decide what has happened. Where the
two disagree, after a crash between two commits, the search is told again from the records.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records import State
from study.database_faults import check_database, database_faults
from study.ledger import Ledger, Outcome
from study.packing import N_ROUNDS, pack
from study.seeds import derive_seed
from study.spec import StudySpec
from study.storage import Suggestion, objectives_of
from study.suggestions import Suggestions
from study.trial import Assignment, Report

if TYPE_CHECKING:
    from study.warm_start import WarmStart

logger = logging.getLogger(__name__)


@dataclass
class _Setting:
    """One distinct parameter set and its replicates."""

    params: dict[str, Any]
    outcomes: dict[int, Outcome] = field(default_factory=dict)


@dataclass
class _Proposal:
    """What is trained to answer a suggestion: a setting and some of its replicates."""

    suggestion: Suggestion
    trial: int
    replicates: tuple[int, ...]


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
        self._settings: dict[int, _Setting] = {}
        self._trial_of: dict[str, int] = {}
        self._queue: deque[Assignment] = deque()
        self._running: dict[tuple[int, int], Assignment] = {}
        self._proposals: dict[tuple[int, int], _Proposal] = {}
        self._firsts: set[tuple[int, int]] = set()
        planned = spec.design.plan(spec.space, spec.seed)
        self.n_trials = len(planned) if planned is not None else spec.design.count(spec.space)
        for outcome in ledger.outcomes():
            self._remember(outcome)
        if self._settings or storage.exists():
            check_database(storage)
        with database_faults(storage):
            self._suggestions = Suggestions(spec, storage, is_planned=planned is not None)
            self._catch_up()
        self._planned = None if planned is None else self._leave_out_proposed(planned)

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

    @property
    def running(self) -> list[Assignment]:
        """What was handed out and has not ended."""
        return list(self._running.values())

    def pack(self, n_slots: int) -> None:
        """Leave no long run of a plan for its end."""
        if self._planned is not None:
            n_last = math.ceil(N_ROUNDS * n_slots / self._spec.seeds)
            self._planned = pack(self._planned, lambda setting: setting, n_last, self._spec)

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
        outcome = self._setting(assignment).outcomes.get(assignment.replicate)
        scores = () if outcome is None else outcome.scores
        if report.figures is not None:
            sign = 1.0 if self._ledger.facts.maximizes else -1.0
            scores = (
                *scores[: report.figures.epoch - 1],
                sign * getattr(report.figures, self._spec.objective),
            )
        self._remember(Outcome(assignment=assignment, state=state, scores=scores))
        if state != "running":
            self._end(assignment)
        return state

    def lose(self, assignment: Assignment, state: State, reason: str, *, retry: bool) -> bool:
        """Record that an attempt ended without a word of its own; return whether it is tried again."""
        previous = self._setting(assignment).outcomes.get(assignment.replicate)
        scores = previous.scores if previous is not None else ()
        again = retry and assignment.attempt <= self._spec.resources.retries
        if again:
            successor = self._ledger.retry(assignment, state, reason)
            self._remember(Outcome(assignment=successor, state="running", scores=scores))
            del self._running[assignment.trial, assignment.replicate]
            self._queue.appendleft(successor)
        else:
            self._ledger.finish(assignment, state, reason)
            self._remember(Outcome(assignment=assignment, state=state, scores=scores))
            self._end(assignment)
        return again

    def redo(self, states: Collection[State]) -> int:
        """Queue a further attempt at each replicate that ended in one of `states`; return how many."""
        known = [o for s in self._settings.values() for o in s.outcomes.values()]
        ended = [o for o in known if o.state in states and o.assignment.phase == "search"]
        for outcome in ended:
            successor = self._ledger.redo(outcome.assignment)
            self._remember(Outcome(assignment=successor, state="running", scores=()))
            self._queue.append(successor)
        return len(ended)

    def _setting(self, assignment: Assignment) -> _Setting:
        setting = self._settings.setdefault(assignment.trial, _Setting(dict(assignment.params)))
        self._trial_of.setdefault(_identity(assignment.params), assignment.trial)
        return setting

    def _remember(self, outcome: Outcome) -> None:
        self._setting(outcome.assignment).outcomes[outcome.assignment.replicate] = outcome

    def _end(self, assignment: Assignment) -> None:
        del self._running[assignment.trial, assignment.replicate]
        proposal = self._proposals[assignment.trial, assignment.replicate]
        outcome = self._outcome(proposal, assignment.replicate)
        if outcome.state == "pruned":
            self._spare(assignment.trial)
        if not self._unfinished(proposal):
            with database_faults(self._storage):
                self._tell(proposal)

    def _spare(self, trial: int) -> None:
        """Drop a setting's waiting seeds: one was enough for the scheduler."""
        for spared in [a for a in self._queue if a.trial == trial]:
            self._queue.remove(spared)
            if (begun := self._setting(spared).outcomes.get(spared.replicate)) is not None:
                reason = "the scheduler stopped its setting under another seed"
                self._ledger.finish(spared, "pruned", reason)
                self._remember(replace(begun, state="pruned"))

    def _outcome(self, proposal: _Proposal, replicate: int) -> Outcome:
        return self._settings[proposal.trial].outcomes[replicate]

    def _outcomes(self, proposal: _Proposal) -> list[Outcome]:
        known = self._settings[proposal.trial].outcomes if proposal.trial in self._settings else {}
        return [known[r] for r in proposal.replicates if r in known]

    def _unfinished(self, proposal: _Proposal) -> bool:
        pending = {(a.trial, a.replicate) for a in self._queue} | self._running.keys()
        return any((proposal.trial, r) in pending for r in proposal.replicates)

    def _propose(self) -> None:
        suggestion, params = self._suggestions.ask(self._planned.pop(0) if self._planned else None)
        self._enqueue(self._place(suggestion, params), params)

    def _leave_out_proposed(self, planned: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what of a plan is still to be proposed: an extended design may order its settings anew."""
        proposals = {id(proposal): proposal for proposal in self._proposals.values()}
        known = [self._settings[p.trial] for p in proposals.values() if p.trial in self._settings]
        proposed = Counter(_identity(setting.params) for setting in known)
        left = []
        for setting in planned:
            if proposed[_identity(setting)]:
                proposed[_identity(setting)] -= 1
            else:
                left.append(setting)
        return left

    def _place(self, suggestion: Suggestion, params: Mapping[str, Any]) -> _Proposal:
        """Decide for which trial and replicates a new suggestion stands."""
        trial, first = suggestion.number, 1
        earlier = self._trial_of.get(_identity(params))
        if earlier is not None:
            # The sampler proposed what it had proposed before: a further seed tells more than a rerun.
            trial = earlier
            outcomes = self._settings[earlier].outcomes.values()
            known = [o.assignment.replicate for o in outcomes if o.assignment.phase == "search"]
            first = 1 + max([*known, *(r for t, r in self._proposals if t == earlier)], default=0)
        elif self._suggestions.is_renumbered:
            trial = 1 + max([t for t, _ in self._proposals] + list(self._settings), default=-1)
        if earlier is not None or self._suggestions.is_renumbered:
            suggestion.note(trial, first)
        return self._proposal(suggestion, trial, first)

    def _proposal(self, suggestion: Suggestion, trial: int, first: int) -> _Proposal:
        """Give a suggestion its replicates: the first, and the next that no other has."""
        replicates = [first]
        for replicate in itertools.count(first + 1):
            if len(replicates) == self._spec.seeds:
                break
            if (trial, replicate) not in self._firsts and (trial, replicate) not in self._proposals:
                replicates.append(replicate)
        proposal = _Proposal(suggestion, trial, tuple(replicates))
        self._proposals |= {(trial, replicate): proposal for replicate in replicates}
        return proposal

    def _enqueue(self, proposal: _Proposal, params: Mapping[str, Any]) -> None:
        is_cut = self._is_cut(proposal)
        for replicate in proposal.replicates:
            assignment = self._assign(proposal, replicate, params)
            done = self._setting(assignment).outcomes.get(replicate)
            if done is not None and done.state == "running":
                self._queue.append(done.assignment)
            elif done is None and not is_cut:
                self._queue.append(assignment)
        if is_cut:
            self._spare(proposal.trial)

    def _is_cut(self, proposal: _Proposal) -> bool:
        return any(o.state == "pruned" for o in self._outcomes(proposal))

    def _is_worth_seeds(self, proposal: _Proposal) -> bool:
        """Whether seeds that were added later may tell something: not of what was stopped, or only failed."""
        states = {o.state for o in self._outcomes(proposal)}
        return "pruned" not in states and bool(states & {"completed", "running"})

    def _assign(self, proposal: _Proposal, replicate: int, params: Mapping[str, Any]) -> Assignment:
        return Assignment(
            trial=proposal.trial,
            replicate=replicate,
            attempt=1,
            seed=derive_seed(self._spec.seed, "replicate", replicate),
            params=dict(params),
        )

    def _catch_up(self) -> None:
        """Bring queue and Optuna's storage to where the records are."""
        suggestions = self._suggestions.recall()
        self._firsts = {s.stands_for for s in suggestions if s.stands_for is not None}
        for suggestion in suggestions:
            if suggestion.is_open:
                self._continue(suggestion)
            else:
                self._review(suggestion)

    def _review(self, suggestion: Suggestion) -> None:
        """Take up what is left of a suggestion that Optuna has closed: a retry, or seeds that were added."""
        proposal = self._proposal(suggestion, *(suggestion.stands_for or (suggestion.number, 1)))
        setting = self._settings.get(proposal.trial)
        if setting is None:
            return  # the records, which may be an older copy, know nothing of it
        for replicate in proposal.replicates:
            outcome = setting.outcomes.get(replicate)
            if outcome is not None and outcome.state == "running":
                self._queue.append(outcome.assignment)
            elif outcome is None and self._is_worth_seeds(proposal):
                self._queue.append(self._assign(proposal, replicate, setting.params))
        if not self._unfinished(proposal):
            self._tell(proposal)  # it may have ended untold

    def _continue(self, suggestion: Suggestion) -> None:
        """Take up a suggestion that was open when the last leg ended, perhaps half made."""
        params = suggestion.complete()
        if params is None:
            return
        if suggestion.stands_for is not None:
            proposal = self._proposal(suggestion, *suggestion.stands_for)
        elif suggestion.number in self._settings and not self._suggestions.is_renumbered:
            proposal = self._proposal(suggestion, suggestion.number, 1)
        else:
            proposal = self._place(suggestion, params)
        self._enqueue(proposal, params)
        if not self._unfinished(proposal):
            self._tell(proposal)

    def _tell(self, proposal: _Proposal) -> None:
        """Tell Optuna what became of a proposal: the mean over its seeds of each one's best epoch."""
        outcomes = self._outcomes(proposal)
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


def _identity(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
