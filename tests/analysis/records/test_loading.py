from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import AnalysisError, Study, load, write_parquet, write_report
from analysis.records.schema import EPOCH_COLUMNS, TRIAL_COLUMNS


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def test_a_database_becomes_the_two_documented_tables(small_study: Study) -> None:
    assert list(small_study.trials.columns[: len(TRIAL_COLUMNS)]) == list(TRIAL_COLUMNS)
    assert list(small_study.epochs.columns) == list(EPOCH_COLUMNS)
    assert small_study.parameters[:3] == ("cell", "bidirectional", "units")
    assert len(small_study.trials) == 24


def test_best_is_the_earliest_epoch_with_the_best_objective(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=1, n_seeds=1, max_epochs=4, prune_fraction=0, fail_fraction=0)
    for epoch, accuracy in enumerate([0.5, 0.8, 0.8, 0.6], start=1):
        change(path, "UPDATE epochs SET val_accuracy=?, val_loss=1 WHERE epoch=?", accuracy, epoch)

    row = load(path).trials.iloc[0]

    assert (row["best_epoch"], row["val_accuracy"], row["val_accuracy_last"]) == (2, 0.8, 0.6)


def test_a_study_that_minimizes_loss_is_best_where_loss_is_lowest(
    write_database: Callable[..., Path],
) -> None:
    path = write_database(
        n_trials=1, n_seeds=1, max_epochs=3, fail_fraction=0, prune_fraction=0, objective="val_loss"
    )
    for epoch, loss in enumerate([0.5, 0.3, 0.4], start=1):
        change(path, "UPDATE epochs SET val_accuracy=?, val_loss=? WHERE epoch=?", epoch / 10, loss, epoch)

    row = load(path).trials.iloc[0]

    assert (row["best_epoch"], row["val_loss"], row["val_accuracy"]) == (2, 0.3, 0.2)


def test_only_the_last_attempt_of_a_replicate_counts(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=1, n_seeds=1, fail_fraction=0, prune_fraction=0)
    change(
        path,
        "INSERT INTO attempts (trial, phase, replicate, attempt, state, seed, params, reason)"
        " SELECT trial, phase, replicate, 2, 'failed', seed, params, 'gone' FROM attempts",
    )

    study = load(path)

    assert study.trials["state"].tolist() == ["failed"]
    assert study.epochs.empty
    assert not study.predictions


def test_a_study_may_lie_in_a_folder_whose_name_is_no_text(small_study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "\udcff"  # the byte 0xff, as Python hands it on
    folder.mkdir()
    write_parquet(small_study, folder)

    page = write_report(load(folder), folder / "report", figures=False)

    assert len(load(folder).trials) == len(small_study.trials)
    assert page.is_file()


def test_the_two_derived_tables_alone_give_the_same_study(small_study: Study, tmp_path: Path) -> None:
    write_parquet(small_study, tmp_path)

    alone = load(tmp_path)

    pd.testing.assert_frame_equal(alone.trials, small_study.trials)
    pd.testing.assert_frame_equal(alone.epochs, small_study.epochs)
    pd.testing.assert_frame_equal(alone.baselines, small_study.baselines)
    assert alone.facts == small_study.facts


def test_predictions_are_probabilities_by_replicate(small_study: Study) -> None:
    key = next(iter(small_study.predictions))
    probabilities = small_study.predictions[key]
    assert probabilities.shape == (400,)
    assert small_study.labels is not None
    assert np.mean((probabilities > 0.5) == small_study.labels) > 0.5


def test_predictions_of_many_classes_have_a_column_each(make_study: Callable[..., Study]) -> None:
    study = make_study(n_classes=5)
    assert study.predictions[next(iter(study.predictions))].shape == (400, 5)


def test_a_parameter_called_like_a_column_keeps_out_of_its_way(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=1, n_seeds=1)
    change(path, "UPDATE attempts SET params=?", json.dumps({"seed": 7, "units": 4}))

    study = load(path)

    assert study.parameters == ("seed (parameter)", "units")
    assert study.trials["seed"].tolist() == [1001]


def test_reading_changes_no_byte(write_database: Callable[..., Path]) -> None:
    path = write_database()
    before = path.read_bytes()

    load(path)

    assert path.read_bytes() == before
    assert {item.name for item in path.parent.iterdir()} == {"records.db", "manifest.json"}


def test_a_running_study_can_be_read(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=2)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE attempts SET state='running'")
        assert (load(path).trials["state"] != "running").all()
        writer.rollback()


def test_a_transaction_that_a_killed_writer_left_is_not_read(
    write_database: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_database(n_trials=30)
    whole = load(path)
    killed = tmp_path / "killed"
    killed.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size=1")  # pages are written before the transaction ends
        writer.execute("BEGIN")
        writer.execute("UPDATE attempts SET state='failed', reason=hex(zeroblob(2000))")
        for name in ("records.db", "records.db-journal"):
            (killed / name).write_bytes(path.with_name(name).read_bytes())
        writer.execute("ROLLBACK")
    before = {file.name: file.read_bytes() for file in killed.iterdir()}

    pd.testing.assert_frame_equal(load(killed).trials, whole.trials)

    assert {file.name: file.read_bytes() for file in killed.iterdir()} == before


@pytest.mark.parametrize("kept", [0, 100, 5000, -1000])
def test_a_truncated_database_is_named_in_one_line(write_database: Callable[..., Path], kept: int) -> None:
    path = write_database()
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(AnalysisError, match=r"records\.db") as caught:
        load(path)

    assert "\n" not in str(caught.value)


def test_a_damaged_database_gives_way_to_the_derived_tables(write_database: Callable[..., Path]) -> None:
    path = write_database()
    study = load(path)
    write_parquet(study, path.parent)
    path.write_bytes(path.read_bytes()[:9000])

    rescued = load(path.parent)

    pd.testing.assert_frame_equal(rescued.trials, study.trials)
    assert "damaged" in rescued.notes[0]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE baselines", "lacks the table 'baselines'"),
        ("UPDATE meta SET value='99' WHERE key='schema_version'", "schema 99"),
        ("UPDATE meta SET value='{}' WHERE key='facts'", "facts are broken"),
        ("UPDATE meta SET value='not json' WHERE key='facts'", "facts are broken"),
        ("UPDATE attempts SET params='[1]'", "not a JSON object"),
        ("UPDATE attempts SET state='fine'", "state not one of"),
        ("UPDATE attempts SET wall_s=-1", "duration below 0"),
        ("UPDATE epochs SET val_accuracy=1.5", r"accuracy outside \[0, 1\]"),
        ("UPDATE epochs SET val_loss=-1", "loss below 0"),
        ("UPDATE epochs SET train_loss=1e300", "absurdly large"),
        ("UPDATE epochs SET epoch=epoch+100", "more epochs than max_epochs=6"),
        ("UPDATE labels SET labels=x'00'", "validation labels for 400 texts"),
    ],
)
def test_what_cannot_be_true_is_refused(
    write_database: Callable[..., Path], statement: str, message: str
) -> None:
    path = write_database()
    change(path, statement)

    with pytest.raises(AnalysisError, match=message) as caught:
        load(path)

    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"x": NaN, "y": 1e999}', {"x": [], "y": []}),
        ('{"x": [1, {"a": 2}]}', {"x": ['[1, {"a": 2}]']}),
        ('{"x": 1' + "0" * 400 + "}", {"x": ["1" + "0" * 400]}),
        ('{"x": true, "y": null}', {"x": [True], "y": []}),
    ],
)
def test_odd_parameters_become_what_a_table_can_hold(
    write_database: Callable[..., Path], text: str, expected: dict[str, list[object]]
) -> None:
    path = write_database(n_trials=1, n_seeds=1)
    change(path, "UPDATE attempts SET params=?", text)

    trials = load(path).trials

    assert {name: trials[name].dropna().tolist() for name in expected} == expected


def test_no_flipped_byte_gives_a_traceback(write_database: Callable[..., Path]) -> None:
    path = write_database(n_trials=2, n_seeds=1, n_predicted=1)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for index in rng.integers(len(whole), size=40):
        broken = whole.copy()
        broken[index] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            load(path)
        except AnalysisError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("blob", [b"", b"\x00" * 800, b"\x00\x7c" * 400, b"\x00\xc0" * 400])
def test_broken_predictions_are_refused_when_read(write_database: Callable[..., Path], blob: bytes) -> None:
    path = write_database()
    change(path, "UPDATE predictions SET probabilities=?", blob)
    predictions = load(path).predictions
    key = next(iter(predictions))

    if blob == b"\x00" * 800:
        assert predictions[key].max() == 0
    else:
        with pytest.raises(AnalysisError, match="predictions of trial"):
            predictions[key]


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000, "\udcff"])
def test_an_unreadable_manifest_is_a_note_not_an_error(
    write_database: Callable[..., Path], text: str
) -> None:
    path = write_database(n_trials=1)
    path.with_name("manifest.json").write_bytes(text.encode(errors="surrogateescape"))

    study = load(path)

    assert study.manifest == {}
    assert "manifest.json could not be read" in study.notes[0]


def test_a_missing_study_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"give its directory, its records\.db"):
        load(tmp_path / "nothing")
    with pytest.raises(AnalysisError, match=r"holds neither records\.db nor trials\.parquet"):
        load(tmp_path)


def test_a_file_of_something_else_is_no_study_rather_than_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text,label\na,b\n")
    with pytest.raises(AnalysisError, match="no such study") as caught:
        load(tmp_path / "texts.csv")
    assert type(caught.value) is AnalysisError


@pytest.mark.parametrize("name", ["trials.parquet", "epochs.parquet"])
@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_cut_parquet_file_is_named_in_one_line(
    small_study: Study, tmp_path: Path, name: str, kept: int
) -> None:
    write_parquet(small_study, tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(AnalysisError, match=name) as caught:
        load(tmp_path)

    assert "\n" not in str(caught.value)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"cos\nsystem\n(S'touch gotcha'\ntR.")
    with pytest.raises(AnalysisError, match="damaged"):
        load(tmp_path)
