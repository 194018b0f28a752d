"""Optuna's storage is lost, and made again from the records."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from search_spaces.documents import dump_document
from study.running.restoration import restore_search
from study.search.search import Search
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from study.store.ledger import Ledger
from study.trial import Report
from tests.study.pretend.small_study import (
    begin,
    make_facts,
    make_spec,
    next_of,
    pretend_report,
    train,
    train_all,
)

SEARCH = {"kind": "search", "trials": 16, "scheduler": "none"}  # of six settings: most are repeats
WIDE = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": {"low": 8, "high": 128, "log": True},
    "layers": 1,
    "vocab_size": 50,
    "sequence_length": 10,
    "embedding_dim": 4,
}

SPECS: dict[str, dict[str, Any]] = {
    "repeats": {"design": SEARCH},
    "seeds": {"design": SEARCH | {"trials": 9}, "seeds": 3},
    "levels": {"design": SEARCH | {"trials": 12, "scientific": ["cell"]}, "space": WIDE},
    "constraint": {
        "design": SEARCH | {"trials": 12},
        "space": {"parameters": WIDE, "constraints": ["units < 40"]},
    },
    "objectives": {
        "design": SEARCH | {"trials": 12, "sampler": "nsga2", "objectives": ["val_accuracy", "n_weights"]},
        "space": WIDE,
    },
    "grid": {"design": {"kind": "grid"}},
}


KINDS = [pytest.param(kind, marks=[] if kind == "repeats" else pytest.mark.slow) for kind in SPECS]


@pytest.fixture
def directory(tmp_path: Path) -> StudyDirectory:
    return StudyDirectory(tmp_path / "small")


def open_search(directory: StudyDirectory, spec: StudySpec) -> tuple[Search, Ledger]:
    if directory.records.exists():
        ledger = Ledger.open(directory.records)
    else:
        write_atomically(directory.spec, dump_document(spec.to_document()))
        write_atomically(directory.manifest, json.dumps({"data": {}, "legs": []}))
        ledger = Ledger.create(directory.records, make_facts(spec), np.array([0, 1, 0, 1]))
    return Search(spec, ledger, directory.search), ledger


def close(search: Search, ledger: Ledger) -> None:
    search.close()
    ledger.close()


def lose_and_restore(directory: StudyDirectory) -> list[str]:
    directory.search.unlink()
    return restore_search(directory)


def read_told(directory: StudyDirectory) -> Counter[str]:
    """What samplers were told, and how often."""
    told: Counter[str] = Counter()
    for name, trials in read_trials(directory).items():
        told.update(
            f"{name} {trial.state.name} {trial.params} {trial.values} {trial.intermediate_values}"
            for trial in trials
            if "infeasible" not in trial.user_attrs
        )
    return told


def read_trials(directory: StudyDirectory) -> dict[str, list[optuna.trial.FrozenTrial]]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{directory.search}")
    names = optuna.get_all_study_names(storage)
    trials = {name: optuna.load_study(study_name=name, storage=storage).trials for name in names}
    storage.engine.dispose()
    return trials


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_search_is_told_all_over_and_trains_nothing_again(
    directory: StudyDirectory, kind: str
) -> None:
    spec = make_spec(**SPECS[kind])
    search, ledger = open_search(directory, spec)
    train_all(search, ledger)
    close(search, ledger)
    before = read_told(directory)

    lose_and_restore(directory)

    assert read_told(directory) == before
    search, ledger = open_search(directory, spec)
    assert search.next() is None
    assert search.is_exhausted
    close(search, ledger)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_done", [1, 5])
def test_an_interrupted_search_goes_on_and_doubles_nothing(
    directory: StudyDirectory, kind: str, n_done: int
) -> None:
    spec = make_spec(**SPECS[kind])
    search, ledger = open_search(directory, spec)
    before = [next_of(search) for _ in range(n_done)]
    for assignment in before:
        train(search, ledger, assignment)
    begun = begin(search, ledger)
    close(search, ledger)

    lose_and_restore(directory)

    search, ledger = open_search(directory, spec)
    after = train_all(search, ledger)
    assert begun in after
    keys = Counter((a.trial, a.replicate) for a in (*before, *after))
    assert set(keys.values()) == {1}
    assert len(keys) == search.n_trials * spec.seeds
    seeds = {(str(o.assignment.params), o.assignment.seed) for o in ledger.outcomes()}
    assert len(seeds) == len(keys)
    close(search, ledger)
    assert {trial.state.name for trials in read_trials(directory).values() for trial in trials} <= {
        "COMPLETE",
        "PRUNED",  # what broke a constraint
        "FAIL",  # what left no record
    }


def test_what_was_stopped_failed_and_diverged_is_told_as_such(directory: StudyDirectory) -> None:
    spec = make_spec(design=SEARCH | {"trials": 8, "scheduler": "asha"}, space=WIDE)
    search, ledger = open_search(directory, spec)
    ends: list[dict[str, Any]] = [
        {"report": "first", "stopped": True},
        {"report": Report(state="failed", reason="no such layer"), "stopped": False},
        {"report": Report(state="diverged", reason="loss became nan"), "stopped": False},
    ]
    for end in ends:
        assignment = begin(search, ledger)
        report = pretend_report(assignment, 1, 3) if end["report"] == "first" else end["report"]
        search.hear(assignment, report, stopped=end["stopped"])
    train(search, ledger, next_of(search))
    close(search, ledger)
    before = read_told(directory)

    lose_and_restore(directory)

    assert read_told(directory) == before
    (trials,) = read_trials(directory).values()
    assert [trial.state.name for trial in trials] == ["PRUNED", "FAIL", "FAIL", "COMPLETE"]


def test_optunas_numbers_are_the_trials_again(directory: StudyDirectory) -> None:
    spec = make_spec(**SPECS["repeats"])
    search, ledger = open_search(directory, spec)
    train_all(search, ledger)
    params = {o.assignment.trial: o.assignment.params for o in ledger.outcomes()}
    close(search, ledger)

    lose_and_restore(directory)

    (trials,) = read_trials(directory).values()
    for trial, setting in params.items():
        assert trials[trial].params == {name: setting[name] for name in trials[trial].params}
        assert trials[trial].user_attrs["replicate_of"] == [trial, 1]


def test_earlier_studies_are_read_again_or_said_to_be_forgotten(directory: StudyDirectory) -> None:
    spec = make_spec(design=SEARCH, warm_start=["nowhere"])
    search, ledger = open_search(directory, spec)
    train(search, ledger, next_of(search))
    close(search, ledger)

    said = lose_and_restore(directory)

    assert said[0].startswith("What earlier studies had found is not known any more: ")
    search, ledger = open_search(directory, spec)
    assert not search.is_fresh
    close(search, ledger)


def test_a_search_that_has_no_record_begins_anew(directory: StudyDirectory) -> None:
    spec = make_spec(**SPECS["repeats"])
    search, ledger = open_search(directory, spec)
    close(search, ledger)

    lose_and_restore(directory)

    with closing(Ledger.open(directory.records)) as ledger:
        search = Search(spec, ledger, directory.search)
        assert search.is_fresh
        search.close()
