"""`optuna.db`: made from the records, read by Optuna itself."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest

from study.search.optuna_export import export_optuna, follows_from, list_trials
from study.search.search import Search
from study.search.warm_start import Known, WarmStart
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Report
from tests.study.pretend.small_study import (
    OpenStudy,
    begin,
    list_told,
    make_spec,
    next_of,
    pretend_report,
    read_optuna,
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
    "objectives": {
        "design": SEARCH | {"trials": 12, "sampler": "nsga2", "objectives": ["val_accuracy", "n_weights"]},
        "space": WIDE,
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.db"


@pytest.mark.parametrize("kind", SPECS)
def test_the_file_holds_what_the_samplers_were_told(open_study: OpenStudy, path: Path, kind: str) -> None:
    spec = make_spec(**SPECS[kind])
    search, ledger = open_study(spec)
    train_all(search, ledger)

    export_optuna(spec, ledger, path)

    def describe(trial: optuna.trial.FrozenTrial) -> tuple[Any, ...]:
        return trial.state.name, str(trial.params), str(trial.distributions), trial.values

    found = [sorted(map(describe, trials)) for trials in read_optuna(path).values()]
    assert sorted(found) == sorted(sorted(map(describe, told)) for told in list_told(search))


def test_a_later_leg_tells_its_sampler_what_the_first_leg_was_told(open_study: OpenStudy) -> None:
    spec = make_spec(**SPECS["objectives"])
    search, ledger = open_study(spec)
    train_all(search, ledger)
    ledger.close()

    later, _ = open_study(spec)

    def describe(trial: optuna.trial.FrozenTrial) -> tuple[Any, ...]:
        return trial.state, str(trial.params), trial.values

    ((*before,),), ((*after,),) = list_told(search), list_told(later)
    assert sorted(map(describe, after)) == sorted(map(describe, before))
    for told in (before, after):
        assert [t.system_attrs["NSGAIISampler:generation"] for t in told] == [n // 4 for n in range(12)]


def test_objectives_have_their_names(open_study: OpenStudy, path: Path) -> None:
    spec = make_spec(**SPECS["objectives"])
    _, ledger = open_study(spec)

    export_optuna(spec, ledger, path)

    with closing(sqlite3.connect(path)) as db:
        ((names,),) = db.execute(
            "SELECT value_json FROM study_system_attributes WHERE key = 'study:metric_names'"
        )
    assert json.loads(names) == ["val_accuracy", "n_weights"]


def test_a_trial_is_found_by_its_number_with_figures_of_each_epoch(open_study: OpenStudy, path: Path) -> None:
    spec = make_spec(seeds=2)
    search, ledger = open_study(spec)
    train_all(search, ledger)

    export_optuna(spec, ledger, path)

    (trials,) = read_optuna(path).values()
    assert [t.user_attrs for t in trials] == [{"trial": n, "replicates": [1, 2]} for n in range(6)]
    assert list(trials[0].intermediate_values) == [1, 2, 3]
    assert trials[0].intermediate_values[3] == pytest.approx(trials[0].value)
    assert trials[0].datetime_start is not None
    assert trials[0].datetime_complete is not None


def test_what_runs_was_stopped_failed_or_diverged_is_there_as_such(open_study: OpenStudy, path: Path) -> None:
    spec = make_spec(design=SEARCH | {"trials": 8, "scheduler": "asha"}, space=WIDE)
    search, ledger = open_study(spec)
    stopped, failed, diverged, running = (begin(search, ledger) for _ in range(4))
    search.record(stopped, pretend_report(stopped, 1, 3), stopped=True)
    search.record(failed, Report(state="failed", reason="no such layer"), stopped=False)
    search.record(diverged, Report(state="diverged", reason="loss became nan"), stopped=False)
    search.record(running, pretend_report(running, 1, 3), stopped=False)

    export_optuna(spec, ledger, path)

    (trials,) = read_optuna(path).values()
    assert [trial.state.name for trial in trials] == ["PRUNED", "FAIL", "FAIL", "RUNNING"]
    assert trials[3].intermediate_values == {1: pytest.approx(pretend_report(running, 1, 3).score)}


def test_what_the_sampler_learned_from_earlier_studies_is_there_with_its_source(
    open_study: OpenStudy, path: Path
) -> None:
    spec = make_spec(design=SEARCH)
    params = {"cell": "gru", "bidirectional": True}
    start = WarmStart([], [Known("quick/3", params, 0.75)], ())
    _, ledger = open_study(spec)
    ledger.note_warm_start(start.to_document())
    train(search := Search(spec, ledger, start), ledger, next_of(search))

    export_optuna(spec, ledger, path)

    ((learned, trained),) = read_optuna(path).values()
    assert (learned.params, learned.value, learned.user_attrs) == (params, 0.75, {"source": "quick/3"})
    assert trained.user_attrs["trial"] == 0


# ---- others' notes


def note(path: Path, number: int, text: str) -> None:
    """Write a note as optuna-dashboard does, and an attribute of a user's."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    study = optuna.load_study(study_name="small", storage=storage)
    trial_id = study.trials[number]._trial_id
    for key, value in ((f"dashboard:{trial_id}:note_ver", 1), (f"dashboard:{trial_id}:note_str:0", text)):
        storage.set_study_system_attr(study._study_id, key, value)
    storage.set_study_system_attr(study._study_id, "dashboard:note_str:0", "of the study")
    study.set_user_attr("mine", 7)
    storage.engine.dispose()


def read_notes(path: Path) -> dict[int, str]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    study = optuna.load_study(study_name="small", storage=storage)
    attributes = storage.get_study_system_attrs(study._study_id)
    assert attributes["dashboard:note_str:0"] == "of the study"
    assert study.user_attrs == {"mine": 7}
    found = {
        trial.user_attrs["trial"]: attributes[f"dashboard:{trial._trial_id}:note_str:0"]
        for trial in study.trials
        if f"dashboard:{trial._trial_id}:note_ver" in attributes
    }
    storage.engine.dispose()
    return found


def stop_after(open_study: OpenStudy, spec: StudySpec, n_runs: int) -> Ledger:
    search, ledger = open_study(spec)
    for _ in range(n_runs):
        train(search, ledger, next_of(search))
    return ledger


def test_a_note_stays_with_its_trial_though_that_gets_another_number(
    open_study: OpenStudy, path: Path
) -> None:
    spec = make_spec(design=SEARCH, space=WIDE)
    ledger = stop_after(open_study, spec, 2)
    export_optuna(spec, ledger, path)
    note(path, 1, "look at this")
    ledger.note_warm_start(WarmStart([], [Known("a/0", {"cell": "gru"}, 0.5)], ()).to_document())

    for _ in range(2):
        export_optuna(spec, ledger, path)

    assert read_notes(path) == {1: "look at this"}
    (trials,) = read_optuna(path).values()
    assert trials[2].user_attrs["trial"] == 1


def test_a_note_is_no_damage_and_another_value_is(open_study: OpenStudy, path: Path) -> None:
    spec = make_spec()
    ledger = stop_after(open_study, spec, 3)
    export_optuna(spec, ledger, path)
    note(path, 2, "look at this")
    trials = list_trials(spec, ledger)

    assert follows_from(spec, trials, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE trial_values SET value = value + 0.001 WHERE trial_id = 2")
    assert not follows_from(spec, trials, path)


def test_a_file_that_somebody_has_open_shows_the_new_trials(open_study: OpenStudy, path: Path) -> None:
    spec = make_spec()
    search, ledger = open_study(spec)
    train(search, ledger, next_of(search))
    export_optuna(spec, ledger, path)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    watched = optuna.load_study(study_name="small", storage=storage)
    assert len(watched.trials) == 1

    train_all(search, ledger)
    export_optuna(spec, ledger, path)

    assert len(watched.trials) == 6
    storage.engine.dispose()


@pytest.mark.parametrize("damage", ["cut", "garbage", "another database"])
def test_a_damaged_file_is_made_anew_and_its_notes_said_to_be_lost(
    open_study: OpenStudy, path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    spec = make_spec()
    ledger = stop_after(open_study, spec, 2)
    export_optuna(spec, ledger, path)
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-5000])
        case "garbage":
            path.write_bytes(b"no database " * 1000)
        case _:
            path.unlink()
            with closing(sqlite3.connect(path)) as db, db:
                db.execute("CREATE TABLE mine (number INTEGER)")

    with caplog.at_level(logging.WARNING):
        export_optuna(spec, ledger, path)

    assert "without the notes in it" in caplog.text
    assert follows_from(spec, list_trials(spec, ledger), path)


@pytest.mark.parametrize("folder", ["a b", "a%20b", "runs?x", "runs#x", "{SCHEMA_VERSION}", "ünï çøde"])
def test_any_folder_gets_the_file_and_no_other_does(
    open_study: OpenStudy, tmp_path: Path, folder: str
) -> None:
    spec = make_spec()
    ledger = stop_after(open_study, spec, 1)
    (tmp_path / "out" / folder).mkdir(parents=True)

    for _ in range(2):
        export_optuna(spec, ledger, tmp_path / "out" / folder / "optuna.db")

    ledger.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path]
    assert files == [tmp_path / "out" / folder / "optuna.db"]
    ((trial,),) = read_optuna(files[0]).values()
    assert trial.user_attrs["trial"] == 0


def test_weights_of_values_do_not_keep_a_search_from_optuna(open_study: OpenStudy, path: Path) -> None:
    units = {"low": 8, "high": 128, "mean": 30, "std": 10}
    design = SEARCH | {"trials": 4, "sampler": "random"}
    spec = make_spec(design=design, space=WIDE | {"units": units})
    search, ledger = open_study(spec)
    train_all(search, ledger)

    export_optuna(spec, ledger, path)

    assert len(read_optuna(path)[spec.name]) == 4
