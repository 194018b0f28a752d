"""What a search has proposed: the replicates of a setting that answer each suggestion, and what they came to.

A suggestion stands for the trial of its own number and its first replicate, unless it is noted otherwise.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.search.storage import Suggestion
from study.store.ledger import Outcome
from study.trial import Assignment


@dataclass(frozen=True, eq=False)
class Proposal:
    """What is trained to answer a suggestion: a setting, under some of its seeds.

    Attributes:
        suggestion: Which.
        trial: The number of the setting.
        replicates: Those that answer it.
        params: The setting; None where the records, which may be an older copy, know nothing of it.
        known: The last attempt at each replicate of the setting that was begun, others' replicates too.
    """

    suggestion: Suggestion
    trial: int
    replicates: tuple[int, ...]
    params: Mapping[str, Any] | None
    known: Mapping[int, Outcome]

    @property
    def outcomes(self) -> list[Outcome]:
        """The last attempt at each of its replicates that was begun."""
        return [self.known[replicate] for replicate in self.replicates if replicate in self.known]

    @property
    def is_cut(self) -> bool:
        """Whether the scheduler stopped it: one seed is enough for that."""
        return any(outcome.state == "pruned" for outcome in self.outcomes)

    @property
    def is_worth_seeds(self) -> bool:
        """Whether seeds that were added later may tell something: not of what was stopped, or only failed."""
        return not self.is_cut and any(o.state in ("completed", "running") for o in self.outcomes)


class Proposals:
    """The proposals of a search, and all that is known of their settings.

    Args:
        outcomes: What the records hold.
        noted: For which trial and first replicate earlier suggestions stand, where that was noted.
        n_seeds: How many replicates answer a suggestion.
    """

    def __init__(self, outcomes: Iterable[Outcome], noted: Collection[tuple[int, int]], n_seeds: int) -> None:
        self._n_seeds, self._firsts = n_seeds, set(noted)
        self._known: dict[int, dict[int, Outcome]] = defaultdict(dict)
        self._trial_of: dict[str, int] = {}
        self._proposals: dict[tuple[int, int], Proposal] = {}
        for outcome in outcomes:
            self.remember(outcome)

    @property
    def outcomes(self) -> list[Outcome]:
        """The last attempt at each replicate that was begun."""
        return [outcome for known in self._known.values() for outcome in known.values()]

    def outcome_of(self, assignment: Assignment) -> Outcome | None:
        """Return the last attempt at a replicate, None where it was not begun."""
        return self._known[assignment.trial].get(assignment.replicate)

    def remember(self, outcome: Outcome) -> None:
        """Put an attempt in place of what was known of its replicate."""
        assignment = outcome.assignment
        self._known[assignment.trial][assignment.replicate] = outcome
        self._trial_of.setdefault(_identity(assignment.params), assignment.trial)

    def of(self, assignment: Assignment) -> Proposal:
        """Return what a replicate is trained for."""
        return self._proposals[assignment.trial, assignment.replicate]

    def place(self, suggestion: Suggestion, params: Mapping[str, Any], *, is_renumbered: bool) -> Proposal:
        """Decide for which trial and replicates a new suggestion stands, and note what does not go by itself.

        Args:
            suggestion: Which.
            params: Its setting.
            is_renumbered: Whether its number is no trial's.
        """
        trial, first = suggestion.number, 1
        earlier = self._trial_of.get(_identity(params))
        if earlier is not None:
            # The sampler proposed what it had proposed before: a further seed tells more than a rerun.
            trial = earlier
            begun = [r for r, o in self._known[earlier].items() if o.assignment.phase == "search"]
            first = 1 + max([*begun, *(r for t, r in self._proposals if t == earlier)], default=0)
        elif is_renumbered:
            trial = 1 + max([t for t, _ in self._proposals] + list(self._known), default=-1)
        if earlier is not None or is_renumbered:
            suggestion.note(trial, first)
        return self._add(suggestion, trial, first, params)

    def resume(self, suggestion: Suggestion, params: Mapping[str, Any], *, is_renumbered: bool) -> Proposal:
        """Take up what was suggested in an earlier leg and is open; the arguments are those of `place`."""
        if suggestion.stands_for is not None:
            return self._add(suggestion, *suggestion.stands_for, params)
        if self._known.get(suggestion.number) and not is_renumbered:
            return self._add(suggestion, suggestion.number, 1, params)
        return self.place(suggestion, params, is_renumbered=is_renumbered)

    def review(self, suggestion: Suggestion) -> Proposal:
        """Take up what Optuna has closed, as the records know it."""
        trial, first = suggestion.stands_for or (suggestion.number, 1)
        begun = next(iter(self._known[trial].values()), None)
        return self._add(suggestion, trial, first, None if begun is None else begun.assignment.params)

    def _add(
        self, suggestion: Suggestion, trial: int, first: int, params: Mapping[str, Any] | None
    ) -> Proposal:
        """Give a suggestion its replicates: the first, and the next that no other has."""
        replicates = [first]
        for replicate in itertools.count(first + 1):
            if len(replicates) == self._n_seeds:
                break
            if (trial, replicate) not in self._firsts and (trial, replicate) not in self._proposals:
                replicates.append(replicate)
        proposal = Proposal(suggestion, trial, tuple(replicates), params, self._known[trial])
        self._proposals |= {(trial, replicate): proposal for replicate in replicates}
        if params is not None:
            self._trial_of.setdefault(_identity(params), trial)
        return proposal

    def leave_out(self, planned: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what of a plan is still to be proposed: an extended design may order its settings anew."""
        proposals = {id(proposal): proposal for proposal in self._proposals.values()}
        proposed = Counter(_identity(p.params) for p in proposals.values() if p.params is not None)
        left = []
        for setting in planned:
            if proposed[_identity(setting)]:
                proposed[_identity(setting)] -= 1
            else:
                left.append(setting)
        return left


def _identity(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)
