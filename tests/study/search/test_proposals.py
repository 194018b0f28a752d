from __future__ import annotations

import math
from typing import Any

import pytest

from study.search.proposals import Proposals
from study.store.outcomes import Outcome
from study.trial import Assignment

GRU, LSTM = {"cell": "gru"}, {"cell": "lstm"}


def make_outcome(
    trial: int, replicate: int, params: dict[str, str], state: Any = "completed", scores: Any = (0.5,)
) -> Outcome:
    assignment = Assignment(trial=trial, replicate=replicate, attempt=1, seed=0, params=params)
    return Outcome(assignment=assignment, state=state, scores=scores)


def test_a_setting_that_comes_again_is_answered_by_further_replicates() -> None:
    proposals = Proposals([], n_seeds=2)

    answers = [proposals.propose(params, number) for number, params in enumerate((GRU, LSTM, GRU))]

    assert [(p.trial, list(p.replicates)) for p in answers] == [(0, [1, 2]), (1, [1, 2]), (0, [3, 4])]
    assert proposals.propose({"cell": "rnn"}, 3).trial == 3


def test_a_number_that_a_trial_has_is_not_given_again() -> None:
    proposals = Proposals([make_outcome(6, 1, LSTM)], n_seeds=1)

    assert proposals.propose(GRU, 0).trial == 7


def test_what_the_records_hold_was_proposed_once_for_as_many_replicates_as_there_are_seeds() -> None:
    outcomes = [make_outcome(0, r, GRU) for r in (1, 2, 3)] + [make_outcome(2, 1, LSTM)]

    proposals = Proposals(outcomes, n_seeds=2)

    found = [(p.trial, p.replicates.start, p.is_open) for p in proposals.in_order()]
    assert found == [(0, 1, False), (0, 3, True), (2, 1, True)]
    open_runs = [(a.trial, a.replicate) for p in proposals.in_order() for a in p.list_open(0)]
    assert open_runs == [(0, 4), (2, 2)]
    assert proposals.leave_out([LSTM, GRU, GRU, GRU]) == [GRU]


def test_one_stopped_seed_ends_a_proposal_and_no_other_of_its_setting() -> None:
    outcomes = [make_outcome(0, 1, GRU, "pruned"), make_outcome(0, 3, GRU, "running")]

    first, again = Proposals(outcomes, n_seeds=2).in_order()

    assert (first.is_open, first.list_open(0)) == (False, [])
    assert [a.replicate for a in again.list_open(0)] == [3, 4]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["completed", "completed"], ("COMPLETE", (0.65,), {1: 0.5, 2: 0.6, 3: 0.65})),
        (["completed", "failed"], ("COMPLETE", (0.7,), {1: 0.5, 2: 0.6, 3: 0.7})),
        (["completed", "pruned"], ("PRUNED", None, {1: 0.5, 2: 0.6})),
        (["completed", "running"], ("RUNNING", None, {1: 0.5, 2: 0.6, 3: 0.65})),
        (["failed", "diverged"], ("FAIL", None, {})),
    ],
)
def test_a_proposal_comes_to_the_mean_over_its_seeds_of_the_best_so_far(
    states: list[str], expected: tuple[Any, ...]
) -> None:
    scores = [(0.5, 0.6, 0.7), (0.5, 0.6)]
    outcomes = [make_outcome(0, r, GRU, states[r - 1], scores[r - 1]) for r in (1, 2)]
    (proposal,) = Proposals(outcomes, n_seeds=2).in_order()

    result = proposal.conclude(["val_accuracy"], 1.0, lambda run: {"val_accuracy": 0.8 - 0.1 * run.replicate})

    state, values, curve = expected
    assert (result.state, result.curve) == (state, pytest.approx(curve))
    assert result.values == (None if values is None else pytest.approx(values))


def test_epochs_that_came_to_no_number_count_for_nothing() -> None:
    (proposal,) = Proposals([make_outcome(0, 1, GRU, "pruned", (math.nan, -0.3))], n_seeds=1).in_order()

    assert proposal.conclude(["val_loss"], -1.0, lambda run: {}).curve == {2: 0.3}
