"""Optuna's own storages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from analysis import AnalysisError, import_study

if TYPE_CHECKING:
    import optuna
else:
    optuna = pytest.importorskip("optuna")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A study with a completed, a pruned and a failed trial, beside another study."""
    path = tmp_path / "a b%20?.db"
    from sqlalchemy import URL

    url = URL.create("sqlite", database=str(path)).render_as_string()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(storage=url, study_name="other")
    study = optuna.create_study(storage=url, study_name="mine", direction="maximize")

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 0.01, 1.0, log=True)
        trial.suggest_int("seed", 0, 9)
        for step in range(3):
            trial.report(0.5 + 0.1 * step, step)
            if trial.number == 1:
                raise optuna.TrialPruned
        trial.set_user_attr("val_loss", [0.9, 0.8, 0.85])
        if trial.number == 2:
            raise RuntimeError
        return 0.7

    for seed in (4, 5, 6):
        study.enqueue_trial({"lr": 0.1, "seed": seed})
    study.optimize(objective, n_trials=3, catch=(RuntimeError,))
    return path


def test_an_optuna_study_tells_curves_states_and_its_space(storage: Path) -> None:
    before = storage.read_bytes()

    study = import_study(str(storage), study_name="mine")

    assert storage.read_bytes() == before
    assert study.trials["state"].tolist() == ["completed", "pruned", "failed"]
    assert study.trials["seed"].tolist() == [4, 5, 6]
    first = study.epochs.query("replicate == 1")
    assert first["val_accuracy"].tolist() == [0.5, 0.6, 0.7]
    assert first["val_loss"].tolist() == [0.9, 0.8, 0.85]
    assert study.facts.space["parameters"] == {"lr": {"low": 0.01, "high": 1.0, "log": True}}


@pytest.mark.parametrize(
    ("steps", "losses", "epochs"),
    [
        ([1, 2, 3], [0.9, 0.8, 0.7], [0.9, 0.8, 0.7]),  # reported from 1 on, as epochs of most loops
        ([1, 2, 3], [0.9, 0.8], [0.9, 0.8, None]),
        ([2, 4], [0.9, 0.8], [0.9, 0.8]),
        ([2, 4], [0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]),  # the list has every epoch
    ],
)
def test_a_list_among_the_attributes_stands_at_the_steps_that_were_reported(
    tmp_path: Path, steps: list[int], losses: list[float], epochs: list[float | None]
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}", direction="maximize")

    def objective(trial: optuna.Trial) -> float:
        for step in steps:
            trial.report(step / 10, step)
        trial.set_user_attr("val_loss", losses)
        return 0.9

    study.optimize(objective, n_trials=1)

    read = import_study(str(tmp_path / "a.db")).epochs

    assert read["val_loss"].replace(np.nan, None).tolist() == epochs
    assert read["val_accuracy"].dropna().tolist() == [step / 10 for step in steps]


def test_of_several_studies_of_optuna_one_is_named(storage: Path) -> None:
    with pytest.raises(AnalysisError, match="holds 2 studies: say which with --study, one of mine and other"):
        import_study(str(storage))
    with pytest.raises(AnalysisError, match="has no study 'x': there are mine and other"):
        import_study(str(storage), study_name="x")


def test_an_objective_is_what_optuna_calls_it(tmp_path: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}", direction="maximize")
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.set_metric_names(["val_macro_f1"])

    def objective(trial: optuna.Trial) -> float:
        trial.set_user_attr("val_accuracy", [0.7, 0.8])
        for step in (1, 2):
            trial.report(trial.suggest_float("x", 0, 0.5) + step / 10, step)
        return 0.5

    study.optimize(objective, n_trials=2)

    read = import_study(str(tmp_path / "a.db"))

    assert read.facts.objective == "val_macro_f1"
    assert read.epochs["val_accuracy"].tolist() == [0.7, 0.8, 0.7, 0.8]
    assert read.trials["val_macro_f1"].tolist() == pytest.approx((read.trials["x"] + 0.2).tolist())


@pytest.mark.parametrize(
    ("names", "naming", "objective", "chosen"),
    [
        (["latency", "accuracy"], {}, "val_accuracy", "y"),
        (["latency", "quality"], {}, "val_loss", "x"),
        (["latency", "quality"], {"val_accuracy": "quality"}, "val_accuracy", "y"),
        (None, {}, "val_loss", "x"),
        (None, {"val_accuracy": "values_1"}, "val_accuracy", "y"),
    ],
)
def test_of_several_objectives_each_can_be_chosen_by_its_name(
    tmp_path: Path, names: list[str] | None, naming: dict[str, str], objective: str, chosen: str
) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}", directions=["minimize", "maximize"])
    if names is not None:
        with pytest.warns(optuna.exceptions.ExperimentalWarning):
            study.set_metric_names(names)
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 5), trial.suggest_float("y", 0, 1)), n_trials=3)

    read = import_study(str(tmp_path / "a.db"), metrics=naming)

    assert read.facts.objective == objective
    assert read.trials[objective].tolist() == read.trials[chosen].tolist()
    assert read.notes[0].startswith("It has 2 objectives, ")


def test_what_is_inferred_of_the_space_is_a_note(tmp_path: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{tmp_path / 'a.db'}")

    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("opt", ["adam", "sgd"]) == "sgd":
            trial.suggest_float("momentum", 0, 1)
        return 0.5

    for opt in ("adam", "sgd"):
        study.enqueue_trial({"opt": opt})
    study.optimize(objective, n_trials=2)

    notes = import_study(str(tmp_path / "a.db")).notes

    assert 'Of the space: inferred from 2 trials: momentum only where opt in ["sgd"].' in notes


def test_a_journal_of_optuna_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    study = optuna.create_study(storage=optuna.storages.JournalStorage(backend), study_name="j")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)

    imported = import_study(str(path))

    assert imported.facts.objective == "val_loss"
    assert imported.trials["val_loss"].tolist() == imported.trials["x"].tolist()


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
    before = path.read_bytes()

    with pytest.raises(AnalysisError, match="holds no runs of Optuna"):
        import_study(str(path))
    with pytest.raises(AnalysisError, match="is no storage of Optuna's"):
        import_study(str(path), kind="optuna")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_sqlite_file_is_read_by_its_url_too_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    optuna.create_study(storage=f"sqlite:///{path}").optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)

    assert len(import_study(f"sqlite:///{path}").trials) == 2
    with pytest.raises(AnalysisError, match="is no storage of Optuna's"):
        import_study(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_that_cannot_be_reached_is_refused_in_a_line() -> None:
    with pytest.raises(AnalysisError, match=r"nosuch://x/y: is no database that can be opened: ") as refusal:
        import_study("nosuch://x/y")
    assert "\n" not in str(refusal.value)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.create_study(storage=f"sqlite:///{path}").optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)
    return path


@pytest.mark.parametrize("place", ["zeros", "noise", "cut", "cut late"])
def test_a_damaged_database_is_refused_in_a_line_and_left_as_it_is(database: Path, place: str) -> None:
    whole = database.read_bytes()
    noise = np.random.default_rng(0).bytes(4096)
    damaged = {
        "zeros": whole[:9000] + bytes(4000) + whole[13000:],
        "noise": whole[:40960] + noise + whole[45056:],
        "cut": whole[:20000],
        "cut late": whole[:-600],
    }[place]
    database.write_bytes(damaged)

    with pytest.raises(AnalysisError, match=r"a\.db: damaged \(.*\): restore it from a copy$") as refusal:
        import_study(str(database))

    assert "\n" not in str(refusal.value)
    assert database.read_bytes() == damaged
    assert list(database.parent.iterdir()) == [database]


def test_a_broken_page_is_refused_though_the_rows_that_are_read_are_whole(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_studies_study_name'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as stream:
        stream.seek((page - 1) * size + 8)
        stream.write(b"\xff" * 40)

    with pytest.raises(AnalysisError, match=r"damaged \(.*\): restore it from a copy$"):
        import_study(str(database))


def test_rows_that_make_no_sense_are_refused_though_their_pages_are_whole(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE trial_params SET distribution_json = '{\"na'")

    with pytest.raises(AnalysisError, match=r"damaged, or of another version of Optuna \(.*\): restore"):
        import_study(str(database))


def test_a_damaged_journal_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    study = optuna.create_study(storage=optuna.storages.JournalStorage(backend), study_name="j")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], lines[2][:9] + "\n", *lines[3:]]))

    with pytest.raises(AnalysisError, match=r"journal\.log: damaged.*: restore it from a copy"):
        import_study(str(path))
