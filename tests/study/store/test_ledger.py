from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis.records.amounts import AmountLine
from analysis.records.lines import Answers, Line
from study.errors import EnvironmentFaultError, IntegrityError
from study.store.ledger import Ledger
from study.trial import Assignment
from tests.study.pretend.small_study import make_facts, make_spec, pretend_report

ASSIGNMENT = Assignment(
    trial=0, replicate=1, attempt=1, seed=7, params={"cell": "lstm", "bidirectional": True, "dropout": None}
)
NOW = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "records.db", make_facts(make_spec()), np.array([0, 1, 0, 1]))


def test_what_was_heard_is_there_after_the_file_is_opened_again(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, 1, 3), "running", None)
    ledger.close()

    (outcome,) = Ledger.open(ledger.path).outcomes()

    assert outcome.assignment == ASSIGNMENT
    assert outcome.state == "running"
    assert len(outcome.scores) == 1


def test_a_loss_that_is_not_finite_is_stored_as_missing(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    report = pretend_report(ASSIGNMENT, 1, 3)
    assert report.figures is not None
    figures = replace(report.figures, val_loss=math.nan, val_accuracy=math.nan)

    ledger.record(ASSIGNMENT, replace(report, figures=figures), "diverged", "loss became nan")

    (outcome,) = ledger.outcomes()
    assert math.isnan(outcome.scores[0])
    assert outcome.best_score is None


def test_an_objective_beside_accuracy_is_recorded_and_judged_by(tmp_path: Path) -> None:
    spec = make_spec(objective="val_macro_f1")
    ledger = Ledger.create(tmp_path / "records.db", make_facts(spec), np.array([0, 1, 0, 1]))
    ledger.begin(ASSIGNMENT, NOW)
    for epoch, f1 in ((1, 0.5), (2, 0.25)):
        report = pretend_report(ASSIGNMENT, epoch, 2)
        assert report.figures is not None
        figures = replace(report.figures, val_macro_f1=f1, val_roc_auc=None)
        ledger.record(ASSIGNMENT, replace(report, figures=figures), report.state, None)

    (run,) = analysis.load(ledger.path).trials.to_dict("records")

    assert ledger.outcomes()[0].scores == (0.5, 0.25)
    assert ledger.measure(ASSIGNMENT)["val_macro_f1"] == 0.5
    assert (run["best_epoch"], run["val_macro_f1"], run["val_macro_f1_last"]) == (1, 0.5, 0.25)
    assert math.isnan(run["val_roc_auc"])


def test_an_epoch_that_is_heard_twice_is_kept_once(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    for _ in range(2):
        ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, 1, 3), "running", None)

    assert len(ledger.outcomes()[0].scores) == 1


def test_a_replicate_that_begins_again_keeps_the_epochs_of_its_checkpoint_only(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    for epoch in (1, 2, 3):
        ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, epoch, 5), "running", None)

    ledger.begin(ASSIGNMENT, NOW, epochs_kept=2)

    assert len(ledger.outcomes()[0].scores) == 2


def test_the_last_attempt_is_the_one_that_counts(ledger: Ledger) -> None:
    second = replace(ASSIGNMENT, attempt=2)
    ledger.begin(ASSIGNMENT, NOW)
    ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, 1, 3), "running", None)
    ledger.finish(ASSIGNMENT, "failed", "the worker was lost")
    ledger.begin(second, NOW)

    (outcome,) = ledger.outcomes()

    assert outcome.assignment == second
    assert outcome.scores == ()


@pytest.mark.parametrize("position", [0, 30, 4096])
def test_damaged_records_are_refused_by_name(ledger: Ledger, position: int) -> None:
    ledger.close()
    content = bytearray(ledger.path.read_bytes())
    content[position : position + 200] = b"\xff" * 200
    ledger.path.write_bytes(content)

    with pytest.raises(IntegrityError, match=r"records\.db"):
        Ledger.open(ledger.path).outcomes()


def test_records_of_another_schema_are_refused(ledger: Ledger) -> None:
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()

    with pytest.raises(IntegrityError, match="schema 99"):
        Ledger.open(ledger.path)


def test_records_that_another_program_holds_are_named_after_the_wait(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.close()
    connect = sqlite3.connect
    monkeypatch.setattr(
        "study.store.ledger.sqlite3.connect",
        lambda path, timeout=0.0, **rest: connect(path, timeout=0.05, **rest),
    )
    patient = Ledger.open(ledger.path)
    holder = connect(ledger.path)
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(EnvironmentFaultError, match=r"records\.db: database is locked; make room or free"):
        patient.begin(ASSIGNMENT, NOW)

    holder.close()
    patient.begin(ASSIGNMENT, NOW)
    assert len(patient.outcomes()) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.measure(ASSIGNMENT),
        lambda ledger: ledger.ran_out_of_memory(ASSIGNMENT),
    ],
)
def test_what_records_do_not_give_back_is_told_in_one_line(
    ledger: Ledger, ask: Callable[[Ledger], object]
) -> None:
    connection = sqlite3.connect(ledger.path)
    connection.execute("DROP TABLE attempts")
    connection.commit()
    connection.close()

    with pytest.raises(IntegrityError, match=r"records\.db: no such table"):
        ask(ledger)


def test_a_further_attempt_takes_over_the_epochs_up_to_the_checkpoint(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    for epoch in (1, 2, 3):
        ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, epoch, 5), "running", None)

    successor = ledger.retry(ASSIGNMENT, "failed", "the worker was lost")
    ledger.begin(successor, NOW, epochs_kept=2)

    (outcome,) = ledger.outcomes()
    assert outcome.assignment == replace(ASSIGNMENT, attempt=2)
    assert len(outcome.scores) == 2


def test_a_retry_that_never_began_is_known_to_the_next_leg(ledger: Ledger) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    ledger.retry(ASSIGNMENT, "failed", "the worker was lost")
    ledger.close()

    (outcome,) = Ledger.open(ledger.path).outcomes()

    assert (outcome.assignment.attempt, outcome.state) == (2, "running")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE attempts SET params = '{'",
        "UPDATE attempts SET params = CAST(x'ff' AS TEXT)",
        "UPDATE meta SET value = '{}' WHERE key = 'facts'",
        "DELETE FROM meta WHERE key = 'facts'",
    ],
)
def test_values_that_cannot_be_read_are_damage_too(ledger: Ledger, damage: str) -> None:
    ledger.begin(ASSIGNMENT, NOW)
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute(damage)
    connection.close()

    with pytest.raises(IntegrityError, match=r"the file is damaged: .*records\.db"):
        Ledger.open(ledger.path).outcomes()


def test_a_run_is_started_when_its_training_is(ledger: Ledger) -> None:
    later = "2026-01-02T00:00:00+00:00"

    def read_start() -> str:
        with closing(sqlite3.connect(ledger.path)) as connection:
            return str(connection.execute("SELECT started_at FROM attempts").fetchone()[0])

    ledger.begin(ASSIGNMENT, NOW)
    ledger.record(ASSIGNMENT, pretend_report(ASSIGNMENT, 1, 3), "running", None)
    ledger.begin(ASSIGNMENT, later, epochs_kept=1)
    assert read_start() == NOW  # it goes on from its checkpoint

    ledger.begin(ASSIGNMENT, later)
    assert read_start() == later  # it begins anew


def make_line(name: str, predicted: list[int], splits: tuple[str, ...] = ("validation",)) -> Line:
    answers = Answers(
        predicted=np.array(predicted, dtype=np.uint16),
        accuracy=0.75,
        loss=None,
        macro_f1=0.7,
        balanced_accuracy=0.72,
        roc_auc=0.8,
    )
    return Line(name=name, fit_s=1.5, answers=dict.fromkeys(splits, answers))


def test_lines_to_beat_are_kept_with_their_answers_in_place_of_earlier_ones(ledger: Ledger) -> None:
    assert not ledger.has_lines("validation")
    n_texts = ledger.facts.n_validation
    ledger.record_lines([make_line("old", [0] * n_texts), make_line("kept", [0] * n_texts)])
    ledger.record_lines([make_line("kept", [1] * n_texts)])
    ledger.record_lines([])

    assert ledger.has_lines("validation")
    assert not ledger.has_lines("test")
    study = analysis.load(ledger.path)
    (row,) = study.baselines.to_dict("records")
    assert (row["name"], row["val_accuracy"], row["val_roc_auc"], row["fit_s"]) == ("kept", 0.75, 0.8, 1.5)
    assert np.isnan(row["val_loss"])
    assert study.line_answers["validation"]["kept"].tolist() == [1] * n_texts


def test_lines_to_beat_on_fewer_texts_are_read_back_and_fitted_once(ledger: Ledger) -> None:
    seed = 2**62 + 1  # no float holds it
    lines = [AmountLine("NB-SVM", 100, seed, 0.7, 0.1), AmountLine("NB-SVM", 200, seed, 0.8, 0.1)]

    before = ledger.amounts_with_lines()
    ledger.record_lines_by_amount(lines)

    assert before == set()
    assert ledger.amounts_with_lines() == {(100, seed), (200, seed)}
    read = analysis.load(ledger.path).lines_by_amount
    assert [AmountLine(*row) for row in read.itertuples(index=False)] == lines


def test_a_study_of_one_amount_has_no_table_of_them(ledger: Ledger) -> None:
    assert analysis.load(ledger.path).lines_by_amount.empty


def test_a_line_whose_accuracy_cannot_be_is_damage(ledger: Ledger) -> None:
    ledger.record_lines_by_amount([AmountLine("NB-SVM", 100, 1, 1.7, 0.1)])

    with pytest.raises(analysis.AnalysisError, match=r"outside \[0, 1\]"):
        analysis.load(ledger.path)
