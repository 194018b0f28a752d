from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from study.errors import StudyError
from study.search.confirmation import Confirmation, choose_settings
from study.seeds import derive_seed
from study.store.ledger import Ledger
from study.store.manifest import Manifest
from study.trial import Assignment
from tests.study.pretend.small_study import (
    STARTED_AT,
    OpenStudy,
    begin,
    make_spec,
    pretend_report,
    reach,
    train_all,
)


@pytest.fixture
def ledger(open_study: OpenStudy) -> Ledger:
    """The records of a finished grid over three cells and two directions."""
    search, ledger = open_study(make_spec())
    train_all(search, ledger)
    return ledger


def confirm_all(source: Confirmation, ledger: Ledger) -> list[Assignment]:
    handed_out = []
    while (assignment := source.next()) is not None:
        handed_out.append(assignment)
        ledger.begin(assignment, STARTED_AT)
        for epoch in (1, 2, 3):
            report = pretend_report(assignment, epoch, 3, test_accuracy=0.6 if epoch == 3 else None)
            source.record(assignment, report, stopped=False)
    return handed_out


def test_the_best_settings_are_chosen_the_best_first(ledger: Ledger) -> None:
    chosen = choose_settings(ledger, 2, confirmed=())

    best = {o.assignment.trial: o.best_score for o in ledger.outcomes()}
    assert chosen == sorted(best, key=lambda trial: -(best[trial] or 0))[:2]


def test_a_setting_without_any_loss_is_the_best(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(objective="val_loss", training={"max_epochs": 1}))
    accuracies = itertools.chain([0.7, 1.0, 0.8], itertools.repeat(0.5))  # the loss is what is missing to 1
    while (assignment := search.next()) is not None:
        reach(search, ledger, assignment, next(accuracies))

    assert choose_settings(ledger, 2, confirmed=()) == [1, 2]


def test_every_chosen_setting_is_trained_on_the_same_fresh_seeds(ledger: Ledger) -> None:
    trials = choose_settings(ledger, 2, confirmed=())

    handed_out = confirm_all(Confirmation(make_spec(), ledger, dict.fromkeys(trials, 3)), ledger)

    searched = {o.assignment.seed for o in ledger.outcomes() if o.assignment.phase == "search"}
    for trial in trials:
        seeds = [a.seed for a in handed_out if a.trial == trial]
        assert seeds == [derive_seed(0, "replicate", 1_001 + i) for i in range(3)]
        assert not searched & set(seeds)
    assert {a.phase for a in handed_out} == {"confirm"}


def test_an_interrupted_confirmation_is_continued_and_nothing_is_done_twice(ledger: Ledger) -> None:
    plan = dict.fromkeys(choose_settings(ledger, 2, confirmed=()), 2)
    first = Confirmation(make_spec(), ledger, plan)
    done = begin(first, ledger)
    first.record(done, pretend_report(done, 3, 3), stopped=False)
    begun = begin(first, ledger)

    handed_out = confirm_all(Confirmation(make_spec(), ledger, plan), ledger)

    assert begun in handed_out
    assert done not in handed_out
    assert len(handed_out) == 3


def test_the_best_of_each_value_is_chosen(ledger: Ledger) -> None:
    cells = {o.assignment.trial: o.assignment.params["cell"] for o in ledger.outcomes()}
    best = {o.assignment.trial: o.best_score or 0.0 for o in ledger.outcomes()}

    chosen = choose_settings(ledger, 1, confirmed=(), per="cell")

    of_each = {cell: max((t for t in cells if cells[t] == cell), key=best.get) for cell in cells.values()}  # type: ignore[arg-type]
    assert set(chosen) == set(of_each.values())
    assert chosen == sorted(chosen, key=lambda trial: -best[trial])


def test_the_best_of_each_is_not_confirmed_twice(ledger: Ledger) -> None:
    first = choose_settings(ledger, 1, confirmed=())
    chosen = choose_settings(ledger, 1, confirmed=first, per="cell")
    assert len(chosen) == 2
    assert not {*first} & {*chosen}


@pytest.mark.parametrize("per", ["colour", "units"])
def test_the_best_of_each_is_of_a_parameter_with_a_few_values(ledger: Ledger, per: str) -> None:
    with pytest.raises(StudyError, match=rf"{per} has [01]; choose from bidirectional, cell, or leave"):
        choose_settings(ledger, 1, confirmed=(), per=per)


def test_a_setting_is_confirmed_once(ledger: Ledger) -> None:
    first = choose_settings(ledger, 1, confirmed=())

    assert choose_settings(ledger, 1, confirmed=first) == []
    assert choose_settings(ledger, 2, confirmed=first) == choose_settings(ledger, 2, confirmed=())[1:]


def test_confirmed_figures_choose_nothing(ledger: Ledger) -> None:
    before = choose_settings(ledger, 6, confirmed=())
    worst = before[-1]
    confirm_all(Confirmation(make_spec(), ledger, {worst: 50}), ledger)

    assert choose_settings(ledger, 6, confirmed=()) == before


def test_a_study_that_validated_on_its_test_split_has_none_to_open(ledger: Ledger) -> None:
    ledger.update_facts(ledger.facts.model_copy(update={"validated_on": "test", "n_test": 0}))

    with pytest.raises(StudyError, match="this study validated on it"):
        choose_settings(ledger, 1, confirmed=())


def test_the_manifest_remembers_for_what_the_test_split_was_opened(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.json", {"data": {"test_split": "sealed"}, "legs": []})

    manifest.open_test([3, 1], n_seeds=5)
    manifest.open_test([], n_seeds=9)
    manifest.open_test([2], n_seeds=4)

    assert manifest.confirmed == {3: 5, 1: 5, 2: 4}
    assert manifest.content["data"]["test_split"] == "opened"
