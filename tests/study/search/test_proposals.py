from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.search.proposals import Proposals
from study.store.ledger import Outcome
from study.trial import Assignment

GRU, LSTM = {"cell": "gru"}, {"cell": "lstm"}


@dataclass
class PretendSuggestion:
    number: int
    stands_for: tuple[int, int] | None = None

    def note(self, trial: int, first: int) -> None:
        self.stands_for = trial, first


def suggest(number: int, stands_for: tuple[int, int] | None = None) -> Any:
    return PretendSuggestion(number, stands_for)


def make_outcome(trial: int, replicate: int, params: dict[str, str], state: Any = "completed") -> Outcome:
    assignment = Assignment(trial=trial, replicate=replicate, attempt=1, seed=0, params=params)
    return Outcome(assignment=assignment, state=state, scores=(0.5,))


def test_a_setting_that_comes_again_is_answered_by_further_replicates_and_that_is_noted() -> None:
    proposals = Proposals([], [], n_seeds=2)
    first, other, again = suggest(0), suggest(1), suggest(2)

    answers = [
        proposals.place(suggestion, params, is_renumbered=False)
        for suggestion, params in ((first, GRU), (other, LSTM), (again, GRU))
    ]

    assert [(p.trial, p.replicates) for p in answers] == [(0, (1, 2)), (1, (1, 2)), (0, (3, 4))]
    assert (first.stands_for, other.stands_for, again.stands_for) == (None, None, (0, 3))


def test_where_numbers_are_no_trials_the_next_trial_is_free_and_noted() -> None:
    proposals = Proposals([make_outcome(6, 1, LSTM)], [], n_seeds=1)
    suggestion = suggest(0)

    assert proposals.place(suggestion, GRU, is_renumbered=True).trial == 7
    assert suggestion.stands_for == (7, 1)


def test_seeds_that_were_added_pass_over_what_answers_other_suggestions() -> None:
    proposals = Proposals([make_outcome(0, r, GRU) for r in (1, 2)], [(0, 2)], n_seeds=3)

    first, repeat = (proposals.review(s) for s in (suggest(0), suggest(4, stands_for=(0, 2))))

    assert (first.replicates, repeat.replicates) == ((1, 3, 4), (2, 5, 6))
    assert [o.assignment.replicate for o in first.outcomes] == [1]
    assert first.is_worth_seeds


def test_what_the_records_know_nothing_of_keeps_its_number_and_takes_nothing_from_a_plan() -> None:
    proposals = Proposals([make_outcome(0, 1, GRU)], [], n_seeds=1)

    assert proposals.review(suggest(0)).params == GRU
    assert proposals.review(suggest(5)).params is None
    assert proposals.leave_out([LSTM, GRU, GRU]) == [LSTM, GRU]
    assert proposals.place(suggest(6), LSTM, is_renumbered=True).trial == 6
