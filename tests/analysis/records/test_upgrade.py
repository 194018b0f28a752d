"""Records of schema 1, where the number of a replicate told its phase."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

import analysis
from analysis.records.provenance import _runs_of
from analysis.records.schema import FURTHER_METRICS
from analysis.records.upgrade import read_version, split_replicate, upgrade

OLD = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE attempts (trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " phase TEXT NOT NULL, state TEXT NOT NULL, seed INTEGER NOT NULL, params TEXT NOT NULL,"
    " n_weights INTEGER, cells TEXT, node TEXT, started_at TEXT, setup_s REAL, wall_s REAL, reason TEXT,"
    " test_loss REAL, test_accuracy REAL, PRIMARY KEY (trial, replicate, attempt)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE epochs (trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, train_loss REAL, train_accuracy REAL, val_loss REAL, val_accuracy REAL,"
    " learning_rate REAL, epoch_s REAL, PRIMARY KEY (trial, replicate, attempt, epoch)) STRICT,"
    " WITHOUT ROWID;"
    "CREATE TABLE predictions (trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, probabilities BLOB NOT NULL, PRIMARY KEY (trial, replicate, attempt)) STRICT;"
    "CREATE TABLE gradients (trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " moment TEXT NOT NULL, norms BLOB NOT NULL, PRIMARY KEY (trial, replicate, attempt, moment)) STRICT;"
    "CREATE TABLE labels (split TEXT PRIMARY KEY, labels BLOB NOT NULL) STRICT;"
    "CREATE TABLE baselines (name TEXT PRIMARY KEY, val_accuracy REAL NOT NULL, val_loss REAL,"
    " fit_s REAL NOT NULL) STRICT;"
)
RUNS = [(0, 1, "search", "pruned"), (0, 1001, "confirm", "completed"), (0, 2001, "audit", "completed")]


TEST_METRICS = ("test_macro_f1", "test_balanced_accuracy")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """One setting: stopped in the search, confirmed, and audited; each run has one epoch."""
    path = tmp_path / "records.db"
    facts = (
        '{"name": "old", "source": "test", "classes": ["no", "yes"], "n_train": 9, "n_validation": 2,'
        ' "n_test": 1, "max_epochs": 3, "design": "search", "space": {}}'
    )
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(OLD)
        db.execute("INSERT INTO meta VALUES ('schema_version', '1'), ('facts', ?)", (facts,))
        db.execute("INSERT INTO labels VALUES ('validation', x'00000100')")
        for number, (trial, replicate, phase, state) in enumerate(RUNS):
            db.execute(
                "INSERT INTO attempts (trial, replicate, attempt, phase, state, seed, params)"
                ' VALUES (?, ?, 1, ?, ?, ?, \'{"cell": "gru"}\')',
                (trial, replicate, phase, state, 10 + number),
            )
            figures = (0.5, 0.6, 0.5, 0.7 + number / 100, 1e-3, 0.1)
            db.execute(
                "INSERT INTO epochs VALUES (?, ?, 1, 1, ?, ?, ?, ?, ?, ?)", (trial, replicate, *figures)
            )
        db.execute("INSERT INTO predictions VALUES (0, 1001, 1, 1, x'00380038')")
        db.execute("INSERT INTO gradients VALUES (0, 2001, 1, 'end', x'0000803f')")
    return path


def test_each_phase_has_replicates_of_its_own(old: Path) -> None:
    before = old.read_bytes()

    study = analysis.load(old)

    rows = study.trials[["phase", "replicate", "state", "val_accuracy"]]
    assert rows.to_numpy().tolist() == [
        ["search", 1, "pruned", 0.7],
        ["confirm", 1, "completed", 0.71],
        ["audit", 1, "completed", 0.72],
    ]
    assert study.epochs["phase"].tolist() == ["search", "confirm", "audit"]
    assert list(study.predictions) == [(0, "confirm", 1)]
    assert study.predictions[0, "confirm", 1].tolist() == [0.5, 0.5]
    assert study.gradients["phase"].tolist() == ["audit"]
    assert old.read_bytes() == before


def test_what_is_brought_to_the_schema_of_today_reads_the_same(old: Path) -> None:
    before = analysis.load(old)

    with closing(sqlite3.connect(old)) as db:
        upgrade(db)
        assert read_version(db) == "2"

    after = analysis.load(old)
    assert_frame_equal(after.trials, before.trials)
    assert_frame_equal(after.epochs, before.epochs)
    assert_frame_equal(after.gradients, before.gradients)
    assert (list(after.predictions), after.facts) == (list(before.predictions), before.facts)


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db, db:
        db.execute("CREATE TABLE old_gradients (somebody TEXT)")  # in the way
    before = old.read_bytes()

    with closing(sqlite3.connect(old)) as db, pytest.raises(sqlite3.OperationalError):
        upgrade(db)

    assert old.read_bytes() == before


def test_tables_of_schema_1_read_as_todays(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = analysis.load(old)
    numbers = {"search": 0, "confirm": 1000, "audit": 2000}
    trials = study.trials.assign(replicate=study.trials["replicate"] + study.trials["phase"].map(numbers))
    epochs = study.epochs.assign(replicate=study.epochs["replicate"] + study.epochs["phase"].map(numbers))
    monkeypatch.setattr("analysis.records.files.SCHEMA_VERSION", 1)
    folder = tmp_path / "tables"
    folder.mkdir()

    later = [name for name in trials if name.removesuffix("_last") in FURTHER_METRICS or name in TEST_METRICS]
    epochs = epochs.drop(columns=["phase", *FURTHER_METRICS])
    analysis.write_parquet(replace(study, trials=trials.drop(columns=later), epochs=epochs), folder)
    monkeypatch.undo()

    read = analysis.load(folder)

    assert_frame_equal(read.trials, study.trials, check_dtype=False)
    assert_frame_equal(read.epochs, study.epochs, check_dtype=False)


def test_numbers_and_runs_of_schema_1_are_told_apart() -> None:
    assert [split_replicate(n) for n in (1, 1000, 1001, 2003)] == [
        ("search", 1),
        ("search", 1000),
        ("confirm", 1),
        ("audit", 3),
    ]
    assert list(_runs_of([[0, 2], [1, 1002], [2, "audit", 4], "no", [1]])) == [
        (0, "search", 2),
        (1, "confirm", 2),
        (2, "audit", 4),
    ]


def test_a_copy_in_a_folder_that_may_not_be_written_reads_too(old: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(old, folder)
    folder.chmod(0o500)

    assert len(analysis.load(folder).trials) == 3
