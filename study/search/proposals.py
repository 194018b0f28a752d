"""What a search has proposed: which replicates of a setting answer each proposal, and what they came to.

A replicate is a setting's training under one seed; a proposal is a setting that a design or sampler wants
trained. Nothing but the records is needed to know what became of it. With three seeds, replicates 1 to 3 of a
setting answer its first proposal. Where a sampler proposes the same setting again, 4 to 6 answer that: a
further seed tells more than a rerun.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from study.store.outcomes import Outcome
from study.trial import Assignment

Measure = Callable[[Assignment], Mapping[str, float]]
"""Gives what a run was at its best epoch, by the names of objectives."""


@dataclass(frozen=True)
class Result:
    """What a proposal came to, in Optuna's terms.

    Attributes:
        state: Of Optuna's trial.
        values: The objectives, each a mean over replicates at their best epoch; None unless it completed.
        curve: By epoch, the mean over replicates of the best objective so far.
    """

    state: Literal["RUNNING", "COMPLETE", "PRUNED", "FAIL"]
    values: tuple[float, ...] | None
    curve: Mapping[int, float]


class Waiting(Protocol):
    """A sampler that waits for what its suggestion comes to."""

    def tell(self, result: Result) -> None:
        """Let the sampler know."""


@dataclass(eq=False)
class Proposal:
    """One setting as it was proposed once.

    Attributes:
        trial: The number of the setting.
        replicates: Those that answer it.
        params: The setting.
        known: The last attempt at each replicate of the setting that was begun, others' replicates too.
        is_given_up: Whether it had only failed when seeds were added: these may tell something of others.
        suggestion: Where the sampler waits for the result; None where nobody does.
    """

    trial: int
    replicates: range
    params: Mapping[str, Any]
    known: Mapping[int, Outcome]
    is_given_up: bool = False
    suggestion: Waiting | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        """The last attempt at each of its replicates that was begun."""
        return [self.known[replicate] for replicate in self.replicates if replicate in self.known]

    @property
    def is_cut(self) -> bool:
        """Whether the scheduler stopped it: one seed is enough for that."""
        return any(outcome.state == "pruned" for outcome in self.outcomes)

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to be trained."""
        is_missing = self._is_worth_seeds and len(self.outcomes) < len(self.replicates)
        return is_missing or any(outcome.state == "running" for outcome in self.outcomes)

    @property
    def _is_worth_seeds(self) -> bool:
        """Whether replicates that were never begun are to be trained."""
        has_more = any(outcome.state in ("completed", "running") for outcome in self.outcomes)
        return not self.is_cut and (has_more or not self.is_given_up)

    def list_open(self, study_seed: int) -> list[Assignment]:
        """Return what is still to be trained: begun attempts, and replicates that were never begun."""
        runs = []
        for replicate in self.replicates:
            outcome = self.known.get(replicate)
            if outcome is not None and outcome.state == "running":
                runs.append(outcome.assignment)
            elif outcome is None and self._is_worth_seeds:
                runs.append(Assignment.first(study_seed, self.trial, replicate, self.params))
        return runs

    def conclude(self, objectives: Sequence[str], sign: float, measure: Measure) -> Result:
        """Return what it came to.

        Args:
            objectives: What the sampler looks for.
            sign: 1 where more of the study's objective is better, else -1.
            measure: Gives the figures of a run that completed.
        """
        scored = [o for o in self.outcomes if o.best_score is not None]
        cut = [o for o in scored if o.state == "pruned"]
        completed = [o for o in scored if o.state == "completed"]
        if self.is_open:
            return Result("RUNNING", None, _join(scored, sign))
        if cut:
            return Result("PRUNED", None, _join(cut, sign))
        if completed:
            measured = [measure(o.assignment) for o in completed]
            values = tuple(_mean([figures[name] for figures in measured]) for name in objectives)
            return Result("COMPLETE", values, _join(completed, sign))
        return Result("FAIL", None, {})


class Proposals:
    """The proposals of a search, and all that is known of their settings.

    Args:
        outcomes: What the records hold; those of other phases do not count.
        n_seeds: How many replicates answer a proposal.
        given_up: Trials that had only failed when seeds were added.
    """

    def __init__(self, outcomes: Iterable[Outcome], n_seeds: int, given_up: Collection[int] = ()) -> None:
        self._n_seeds, self._given_up = n_seeds, given_up
        self._known: dict[int, dict[int, Outcome]] = defaultdict(dict)
        self._proposals: dict[tuple[int, int], Proposal] = {}
        self._trial_of: dict[str, int] = {}
        self._n_proposed: Counter[int] = Counter()
        self._next_trial = 0
        params = {}
        for outcome in outcomes:
            if outcome.assignment.phase == "search":
                self.remember(outcome)
                params[outcome.assignment.trial] = outcome.assignment.params
        for trial in sorted(params):
            for first in range(1, max(self._known[trial]) + 1, n_seeds):
                self._add(trial, first, params[trial])

    def __len__(self) -> int:
        return len(self._proposals)

    def outcome_of(self, assignment: Assignment) -> Outcome | None:
        """Return the last attempt at a replicate, None where it was not begun."""
        return self._known[assignment.trial].get(assignment.replicate)

    def remember(self, outcome: Outcome) -> None:
        """Put an attempt in place of what was known of its replicate."""
        self._known[outcome.assignment.trial][outcome.assignment.replicate] = outcome

    def of(self, assignment: Assignment) -> Proposal:
        """Return what a replicate is trained for."""
        first = 1 + (assignment.replicate - 1) // self._n_seeds * self._n_seeds
        return self._proposals[assignment.trial, first]

    def in_order(self) -> list[Proposal]:
        """Return all, as they may have been proposed: the number of a trial is its index among them.

        Numbers that no trial has were taken by settings that came again.
        """
        again = deque(sorted((p for p in self._proposals.values() if p.replicates.start > 1), key=_began))
        ordered: list[Proposal] = []
        for proposal in (p for key, p in sorted(self._proposals.items()) if key[1] == 1):
            while again and len(ordered) < proposal.trial:
                ordered.append(again.popleft())
            ordered.append(proposal)
        return [*ordered, *again]

    def propose(self, params: Mapping[str, Any], number: int) -> Proposal:
        """Take up a setting.

        Args:
            params: Of it.
            number: The trial's, unless the setting has one, or a later one is taken.
        """
        trial = self._trial_of.get(_identity(params))
        if trial is not None:
            return self._add(trial, 1 + self._n_seeds * self._n_proposed[trial], params)
        return self._add(max(number, self._next_trial), 1, params)

    def leave_out(self, planned: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what of a plan is still to be proposed: an extended design may order its settings anew."""
        proposed = Counter(_identity(proposal.params) for proposal in self._proposals.values())
        left = []
        for setting in planned:
            if proposed[_identity(setting)]:
                proposed[_identity(setting)] -= 1
            else:
                left.append(setting)
        return left

    def _add(self, trial: int, first: int, params: Mapping[str, Any]) -> Proposal:
        replicates = range(first, first + self._n_seeds)
        proposal = Proposal(trial, replicates, params, self._known[trial], trial in self._given_up)
        self._proposals[trial, first] = proposal
        self._n_proposed[trial] += 1
        self._next_trial = max(self._next_trial, trial + 1)
        self._trial_of.setdefault(_identity(params), trial)
        return proposal


def _began(proposal: Proposal) -> tuple[str, int, int]:
    started = min((o.started_at for o in proposal.outcomes if o.started_at is not None), default="")
    return started, proposal.trial, proposal.replicates.start


def _join(outcomes: Sequence[Outcome], sign: float) -> dict[int, float]:
    """Return by epoch the mean, over runs, of the best objective so far."""
    curve = {}
    for epoch in range(1, 1 + max((len(o.scores) for o in outcomes), default=0)):
        best = [o.best_within(epoch) for o in outcomes]
        reached = [score for score in best if score is not None]
        if reached:
            curve[epoch] = sign * _mean(reached)
    return curve


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _identity(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)
