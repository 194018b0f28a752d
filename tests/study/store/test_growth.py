from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import analysis
from study.errors import StudyError
from study.running.verbs import extend_study
from study.search.optuna_export import list_trials
from study.spec.keys import put_setting
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.growth import bring_up_to_date, grow_spec
from study.store.ledger import Ledger
from study.trial import Assignment, Report
from tests.study.pretend.legs import GRID, read_table, run_leg
from tests.study.pretend.programs import ROOT
from tests.study.pretend.small_study import (
    STARTED_AT,
    OpenStudy,
    begin,
    make_spec,
    pretend_report,
    train,
    train_all,
)

FREE_SEARCH = {"kind": "search", "trials": 5, "scheduler": "none"}


def grow(spec: StudySpec, **changes: Any) -> StudySpec:
    document = spec.to_document()
    for key, value in changes.items():
        put_setting(document, key.replace("__", "."), value)
    return grow_spec(spec, document)


def train_longer(open_study: OpenStudy, spec: StudySpec) -> tuple[list[Assignment], Ledger]:
    """A leg after the study grew: what is handed out, each trained to the new maximum."""
    _, ledger = open_study(spec)
    bring_up_to_date(ledger, spec)
    ledger.close()
    search, ledger = open_study(spec)
    handed_out = []
    while (assignment := search.next()) is not None:
        handed_out.append(assignment)
        train(search, ledger, assignment, spec.training.max_epochs)
    return handed_out, ledger


def test_a_search_that_gets_more_trials_trains_these_alone(open_study: OpenStudy) -> None:
    spec = make_spec(design=FREE_SEARCH)
    search, ledger = open_study(spec)
    before = train_all(search, ledger)
    ledger.close()

    after, ledger = train_longer(open_study, grow(spec, design__trials=9))

    keys = [(a.trial, a.replicate) for a in (*before, *after)]
    assert (len(before), len(after)) == (5, 4)
    assert len(set(keys)) == 9
    assert ledger.facts.spec["design"]["trials"] == 9


def test_what_was_stopped_or_only_failed_gets_no_more_seeds(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    pruned, failed = begin(search, ledger), begin(search, ledger)
    search.record(pruned, pretend_report(pruned, 1, 3), stopped=True)
    search.record(failed, Report(state="failed", reason="no such layer"), stopped=False)
    train_all(search, ledger)
    ledger.close()

    after, _ = train_longer(open_study, grow(spec, seeds=3))

    assert {a.trial for a in after} == {2, 3, 4, 5}
    assert {a.replicate for a in after} == {2, 3}


def test_the_sampler_is_told_of_all_seeds_when_those_that_were_added_have_ended(
    open_study: OpenStudy,
) -> None:
    spec = make_spec(design={"kind": "search", "trials": 5, "scheduler": "none"})
    search, ledger = open_study(spec)
    train_all(search, ledger)
    ledger.close()

    longer = grow(spec, seeds=2)
    _, ledger = train_longer(open_study, longer)

    (trials,) = list_trials(longer, ledger).values()
    first = [o.best_score for o in ledger.outcomes() if o.assignment.trial == 0][:2]
    assert trials[0].values == [pytest.approx(sum(filter(None, first)) / 2)]


def test_more_epochs_train_what_reached_the_old_maximum_again_with_its_seed(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    before = train_all(search, ledger)
    old = {(o.assignment.trial, o.assignment.replicate): o.scores for o in ledger.outcomes()}
    ledger.close()

    after, ledger = train_longer(open_study, grow(spec, training__max_epochs=5))

    assert [(a.trial, a.replicate, a.attempt, a.seed) for a in after] == [
        (a.trial, a.replicate, 2, a.seed) for a in before
    ]
    for outcome in ledger.outcomes():
        assert len(outcome.scores) == 5
        assert outcome.scores[:3] == old[outcome.assignment.trial, outcome.assignment.replicate]
    assert ledger.facts.max_epochs == 5
    ledger.close()
    again, _ = train_longer(open_study, grow(spec, training__max_epochs=5))
    assert again == []


def test_what_patience_or_a_failure_had_ended_stays(open_study: OpenStudy) -> None:
    # Pretended figures are best in epoch 2: with a patience of 1, a run of three epochs is over.
    spec = make_spec(training={"max_epochs": 3, "patience": 1})
    search, ledger = open_study(spec)
    failed = begin(search, ledger)
    search.record(failed, Report(state="failed", reason="no such layer"), stopped=False)
    train_all(search, ledger)
    ledger.close()

    after, _ = train_longer(open_study, grow(spec, training__max_epochs=5))

    assert after == []


def test_a_leg_that_died_after_it_changed_the_spec_loses_nothing(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    train_all(search, ledger)
    longer = grow(spec, training__max_epochs=5)

    assert bring_up_to_date(ledger, longer) == 6
    assert bring_up_to_date(ledger, longer) == 0

    assert [(o.state, o.assignment.attempt) for o in ledger.outcomes()] == [("running", 2)] * 6


def test_epochs_and_seeds_grow_at_once(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    train_all(search, ledger)
    ledger.close()

    after, _ = train_longer(open_study, grow(spec, training__max_epochs=4, seeds=2))

    assert sorted((a.trial, a.replicate, a.attempt) for a in after) == sorted(
        (trial, replicate, attempt) for trial in range(6) for replicate, attempt in ((1, 2), (2, 1))
    )


@pytest.mark.parametrize(
    ("start", "changes", "message"),
    [
        ({"seeds": 3}, {"seeds": 2}, "seeds would fall from 3 to 2"),
        ({}, {"training__max_epochs": 2}, "max_epochs would fall from 3 to 2"),
        ({"design": FREE_SEARCH}, {"design__trials": 4}, "would fall from 5 to 4"),
        ({}, {"space__units": [8, 16]}, r"space\.parameters\.units"),
        ({}, {"objective": "val_loss"}, "objective is no amount"),
        ({}, {"data__limit_train": 10}, r"data\.limit_train is no amount"),
        (
            {"design": {"kind": "search", "trials": 5}},
            {"training__max_epochs": 9},
            "a scheduler stopped runs for a training of 3 epochs",
        ),
    ],
)
def test_what_is_no_extension_is_refused_in_one_line(
    start: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    spec = make_spec(**start)
    if "space__units" in changes:
        document = spec.to_document()
        document["space"]["parameters"]["units"] = changes["space__units"]
        changes = {"space": document["space"]}

    with pytest.raises(StudyError, match=message) as caught:
        grow(spec, **changes)

    assert "\n" not in str(caught.value)


def test_a_confirmed_study_keeps_its_epochs(open_study: OpenStudy) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    train_all(search, ledger)
    fresh = Assignment(trial=0, replicate=1, attempt=1, seed=5, params={"cell": "rnn"}, phase="confirm")
    ledger.begin(fresh, STARTED_AT)

    with pytest.raises(StudyError, match="opened after 3 of them"):
        bring_up_to_date(ledger, grow(spec, training__max_epochs=5))

    assert ledger.facts.max_epochs == 3


def test_an_extension_without_anything_to_add_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nothing is asked"):
        extend_study(tmp_path, {})


def test_a_fraction_is_completed_to_the_whole(open_study: OpenStudy) -> None:
    spec = make_spec(design={"kind": "factorial", "fraction": "2/3"})
    search, ledger = open_study(spec)
    before = train_all(search, ledger)
    ledger.close()

    after, _ = train_longer(open_study, grow(spec, design__fraction=1.0))

    assert len(before) + len(after) == 6


PROGRAM = """
from pathlib import Path
from study.running.verbs import extend_study, run_study
from study.spec.schema import StudySpec
from tests.study.pretend.programs import SPEC

def load_worker():
    from tests.study.pretend.worker import PretendWorker  # imports Ray, not before it is told of tokens
    return PretendWorker

spec = StudySpec.from_document(SPEC, "test")
run_study(spec, Path("studies"), load_worker=load_worker)
extend_study(Path("studies/cheap"), {"seeds": 2, "training.max_epochs": 5}, load_worker=load_worker)
"""


@pytest.mark.slow
def test_a_finished_study_is_extended_in_its_directory(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert ended.returncode == 0, ended.stderr
    study = analysis.load(tmp_path / "studies" / "cheap")
    assert study.facts.max_epochs == 5
    assert study.facts.spec["seeds"] == 2
    assert sorted(study.trials["attempt"]) == [1] * 6 + [2] * 6
    assert (study.trials["epochs_run"] == 5).all()
    assert [leg["purpose"] for leg in study.manifest["legs"]] == ["run", "extend"]
    assert StudyDirectory(tmp_path / "studies" / "cheap").read_spec().training.max_epochs == 5


def test_a_study_whose_texts_were_moved_goes_on_where_they_lie_now(tmp_path: Path) -> None:
    run_leg(tmp_path / "small", GRID)
    directory = StudyDirectory(tmp_path / "small")
    before = read_table(directory.path)

    run_leg(directory.path, GRID, data="elsewhere.csv")
    run_leg(directory.path, GRID)

    assert directory.read_spec().data.source == "elsewhere.csv"
    assert read_table(directory.path) == before


def test_an_extension_may_say_where_the_texts_lie_now() -> None:
    document = GRID.to_document()
    document["data"]["source"] = "elsewhere.csv"
    assert grow_spec(GRID, document).data.source == "elsewhere.csv"
