from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from study.forecast.order import order_settings
from study.search.search import Search
from study.seeds import derive_seed
from study.store.ledger import Ledger
from study.trial import Assignment, Report
from tests.study.pretend.small_study import (
    STARTED_AT,
    OpenStudy,
    begin,
    list_told,
    make_spec,
    next_of,
    pretend_report,
    train,
    train_all,
)


def test_a_grid_trains_every_combination_once(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec())

    handed_out = train_all(search, ledger)

    settings = {(a.params["cell"], a.params["bidirectional"]) for a in handed_out}
    assert len(handed_out) == len(settings) == 6
    assert search.is_exhausted


def test_a_plan_ends_with_its_short_runs_and_all_of_it_is_trained(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    search.reorder(functools.partial(order_settings, spec=spec, n_slots=1))  # the last four

    handed_out = train_all(search, ledger)

    units = [1 + a.params["bidirectional"] for a in handed_out]
    cells = [a.params["cell"] for a in handed_out]
    assert (cells[:2], units[:2]) == (["rnn", "rnn"], [1, 2])
    assert list(zip(cells[2:], units[2:], strict=True)) == [("lstm", 2), ("gru", 2), ("lstm", 1), ("gru", 1)]


def test_replicate_two_of_every_setting_has_the_same_seed(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(seeds=3))

    handed_out = train_all(search, ledger)

    assert len(handed_out) == 18
    assert {a.seed for a in handed_out if a.replicate == 2} == {derive_seed(0, "replicate", 2)}
    assert len({a.seed for a in handed_out}) == 3


def test_a_setting_that_is_proposed_again_becomes_a_further_replicate(open_study: OpenStudy) -> None:
    design = {"kind": "search", "trials": 12, "scheduler": "none"}
    search, ledger = open_study(make_spec(design=design))

    handed_out = train_all(search, ledger)

    assert len(handed_out) == 12  # of only six settings
    by_setting: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for a in handed_out:
        by_setting.setdefault((a.params["cell"], a.params["bidirectional"]), []).append(
            (a.trial, a.replicate)
        )
    assert len(by_setting) <= 6
    for keys in by_setting.values():
        assert len({trial for trial, _ in keys}) == 1
        assert [replicate for _, replicate in keys] == list(range(1, len(keys) + 1))


def test_pruning_one_seed_spares_the_setting_its_other_seeds(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(seeds=3))
    first = begin(search, ledger)

    search.record(first, pretend_report(first, 1, 3), stopped=True)

    following = next_of(search)
    assert following.trial == 1


def test_a_lost_worker_is_tried_again_once_and_then_given_up(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec())
    first = begin(search, ledger)

    assert search.record_loss(first, "failed", "the worker was lost", retry=True)
    second = search.next()
    assert second == replace(first, attempt=2)
    ledger.begin(second, STARTED_AT)
    assert not search.record_loss(second, "failed", "the worker was lost", retry=True)

    following = next_of(search)
    assert following.trial == 1


@pytest.mark.parametrize("n_done", range(7))
def test_a_later_leg_trains_what_is_missing_and_nothing_twice(open_study: OpenStudy, n_done: int) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    for _ in range(n_done):
        train(search, ledger, next_of(search))
    ledger.close()

    search, ledger = open_study(spec)
    handed_out = train_all(search, ledger)

    assert [a.trial for a in handed_out] == list(range(n_done, 6))
    assert [o.state for o in ledger.outcomes()] == ["completed"] * 6


def test_a_sampler_is_told_once_of_a_setting_that_is_stopped_while_another_seed_sets_out(
    open_study: OpenStudy,
) -> None:
    spec = make_spec(seeds=2, design={"kind": "search", "trials": 4})
    search, ledger = open_study(spec)
    first, second = begin(search, ledger), begin(search, ledger)

    search.record(first, pretend_report(first, 1, 3), stopped=True)
    told_early = [trial for trial in list_told(search)[0] if trial.state.is_finished()]
    search.record(second, pretend_report(second, 1, 3), stopped=True)

    assert not told_early
    assert [trial.state.name for trial in list_told(search)[0]] == ["PRUNED"]


def test_a_trial_that_was_running_is_handed_out_again_by_the_next_leg(open_study: OpenStudy) -> None:
    spec = make_spec(design={"kind": "search", "trials": 5, "scheduler": "none"})
    search, ledger = open_study(spec)
    interrupted = begin(search, ledger)
    search.record(interrupted, pretend_report(interrupted, 1, 3), stopped=False)
    ledger.close()

    search, ledger = open_study(spec)

    assert search.next() == interrupted


def test_the_same_seed_proposes_the_same_settings(open_study: OpenStudy, tmp_path: Path) -> None:
    design = {"kind": "random", "trials": 8}
    search, ledger = open_study(make_spec(design=design))
    first = [a.params for a in train_all(search, ledger)]
    ledger.close()
    (tmp_path / "records.db").unlink()

    search, ledger = open_study(make_spec(design=design))

    assert [a.params for a in train_all(search, ledger)] == first


def test_constraints_hold_for_every_proposal_of_the_sampler(open_study: OpenStudy) -> None:
    space = {
        "parameters": {
            "cell": ["rnn", "lstm", "gru"],
            "bidirectional": [False, True],
            "units": [8, 64],
            "layers": 1,
            "vocab_size": 50,
            "sequence_length": 10,
        },
        "constraints": ["units <= 8 if cell == 'rnn'"],
    }
    design = {"kind": "search", "trials": 10, "scheduler": "none"}
    search, ledger = open_study(make_spec(space=space, design=design))

    handed_out = train_all(search, ledger)

    assert len(handed_out) == 10
    assert all(a.params["units"] == 8 for a in handed_out if a.params["cell"] == "rnn")


SAMPLED = {"kind": "search", "trials": 5, "scheduler": "none"}


def test_the_sampler_is_told_the_mean_over_seeds_of_the_best_epoch(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(design=SAMPLED, seeds=2))

    train_all(search, ledger)

    best = [max(o.scores) for o in ledger.outcomes() if o.assignment.trial == 0][:2]
    ((told, *_),) = list_told(search)
    assert told.value == pytest.approx(sum(best) / 2, abs=1e-12)


def test_a_trial_that_the_scheduler_stops_is_pruned_with_the_best_it_reached(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(design=SAMPLED))
    assignment = begin(search, ledger)

    state = search.record(assignment, pretend_report(assignment, 1, 3), stopped=True)

    ((told,),) = list_told(search)
    assert state == ledger.outcomes()[0].state == "pruned"
    assert told.state == optuna.trial.TrialState.PRUNED
    assert told.intermediate_values == {1: pytest.approx(pretend_report(assignment, 1, 3).score)}


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_diverged_trial_teaches_the_sampler_nothing(open_study: OpenStudy, loss: float) -> None:
    search, ledger = open_study(make_spec(design=SAMPLED))
    assignment = begin(search, ledger)
    healthy = pretend_report(assignment, 1, 3)
    assert healthy.figures is not None
    figures = replace(healthy.figures, val_loss=loss)

    search.record(assignment, replace(healthy, state="diverged", figures=figures, score=None), stopped=False)

    ((told,),) = list_told(search)
    assert ledger.outcomes()[0].state == "diverged"
    assert told.state == optuna.trial.TrialState.FAIL


def test_a_setting_that_was_proposed_and_never_begun_is_proposed_anew(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(design=SAMPLED))
    search.next()  # the process dies before the records hear of it
    ledger.close()

    search, ledger = open_study(make_spec(design=SAMPLED))

    assert list_told(search) == [[]]
    assert len(train_all(search, ledger)) == 5


def fail_first(search: Search, ledger: Ledger) -> Assignment:
    first = begin(search, ledger)
    search.record(first, Report(state="failed", reason="no such layer"), stopped=False)
    return first


def test_a_run_that_is_tried_again_is_open_until_it_ends_and_then_told(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(design=SAMPLED))
    failed = fail_first(search, ledger)
    train_all(search, ledger)
    ledger.redo(failed)
    ledger.close()

    search, ledger = open_study(make_spec(design=SAMPLED))
    ((before, *_),) = list_told(search)
    handed_out = train_all(search, ledger)

    ((after, *_),) = list_told(search)
    assert handed_out == [replace(failed, attempt=2)]
    assert (before.state.name, after.state.name) == ("RUNNING", "COMPLETE")
    assert search.is_exhausted


def test_a_repeat_of_a_setting_that_still_trains_is_another_seed(open_study: OpenStudy) -> None:
    space = {"cell": ["rnn"], "bidirectional": [False], "units": 8, "layers": 1, "vocab_size": 50}
    design = {"kind": "search", "trials": 3, "scheduler": "none"}
    search, _ = open_study(make_spec(space=space | {"sequence_length": 10}, design=design))

    handed_out = [search.next() for _ in range(3)]  # none has reported yet

    assert [(a.trial, a.replicate) for a in handed_out if a is not None] == [(0, 1), (0, 2), (0, 3)]


def test_seeds_that_were_spared_are_not_trained_by_the_next_leg(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(seeds=3))
    first, second = begin(search, ledger), begin(search, ledger)
    for assignment in (first, second):
        search.record(assignment, pretend_report(assignment, 1, 3), stopped=assignment == first)
    ledger.close()  # the second seed was still training

    search, ledger = open_study(make_spec(seeds=3))
    following = search.next()

    assert following is not None
    assert (following.trial, following.replicate) == (1, 1)
    assert [o.state for o in ledger.outcomes()] == ["pruned", "pruned"]
