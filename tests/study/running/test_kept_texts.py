"""What a leg keeps of the texts for the report, which has none at hand when it is written again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis
from analysis.errors import AnalysisError
from analysis.statistics.evidence import Evidence
from study.data import Corpus, DataSpec, EncodedCorpus, Splits, encode
from study.running.publication import keep_texts
from study.store.ledger import Ledger
from study.trial import Assignment
from tests.study.pretend.small_study import make_facts, make_spec, pretend_report

DATA = DataSpec(source="recall", tokens="words", truncation="pre")
PARAMS = {"cell": "gru", "bidirectional": False, "vocab_size": 5, "sequence_length": 2}
TEXTS = ("a a b b", "a b zebra", "=b zebra", "a", "a b b a a")
TRUTH = [0, 1, 0, 1]


def make_corpus() -> Corpus:
    return Corpus(
        source="test",
        texts=TEXTS,
        labels=np.array([0, *TRUTH], dtype=np.int32),
        classes=("no", "yes"),
        splits=Splits(np.array([0]), np.array([1, 2, 3, 4]), np.array([], dtype=np.int64)),
        validated_on="validation",
        fingerprint="kept texts",
        split_fingerprint="1",
    )


def add_run(ledger: Ledger, trial: int, saying: list[float], **changes: Any) -> None:
    run = Assignment.first(0, trial, 1, PARAMS | changes)
    ledger.begin(run, "2026-01-01T00:00:00+00:00")
    probabilities = np.array(saying, dtype="<f2").tobytes()
    report = pretend_report(run, 1, 1, probabilities=probabilities, best_epoch=1)
    ledger.record(run, report, "completed", None)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger.create(tmp_path / "records.db", make_facts(make_spec()), np.array(TRUTH))
    # Wrong on the first and the second text that validate.
    add_run(ledger, 0, [0.9, 0.1, 0.1, 0.9])
    return ledger


def keep(ledger: Ledger, tmp_path: Path) -> None:
    corpus = make_corpus()
    keep_texts(analysis.load(ledger.path), ledger, corpus, lambda: encode(corpus, DATA, tmp_path))


def test_records_without_texts_are_read_as_such(ledger: Ledger) -> None:
    assert analysis.load(ledger.path).texts.view(PARAMS) is None


def test_texts_that_the_report_shows_are_kept_as_the_best_setting_saw_them(
    ledger: Ledger, tmp_path: Path
) -> None:
    keep(ledger, tmp_path)

    view = Evidence(analysis.load(ledger.path)).text_view
    assert view is not None
    assert view.n_tokens.tolist() == [3, 2, 1, 5]
    assert view.n_seen.tolist() == [2, 2, 1, 2]
    assert view.n_unknown.tolist() == [1, 1, 0, 0]
    assert {row: str(text) for row, text in view.excerpts.items()} == {
        0: "[a] b zebra",
        1: "=b zebra",
    }


def test_texts_are_kept_once(ledger: Ledger, tmp_path: Path) -> None:
    keep(ledger, tmp_path)
    before = ledger.path.read_bytes()

    def refuse() -> EncodedCorpus:
        raise AssertionError("nothing is encoded again")

    keep_texts(analysis.load(ledger.path), ledger, make_corpus(), refuse)

    assert ledger.path.read_bytes() == before


def test_another_best_setting_puts_its_texts_in_place_of_the_last(ledger: Ledger, tmp_path: Path) -> None:
    keep(ledger, tmp_path)
    with closing(sqlite3.connect(ledger.path)) as db, db:
        db.execute("UPDATE epochs SET val_accuracy = 0.1")
    add_run(ledger, 1, [0.1, 0.1, 0.1, 0.9], sequence_length=3)

    keep(ledger, tmp_path)

    study = analysis.load(ledger.path)
    assert study.texts.view(PARAMS) is None
    view = study.texts.view(PARAMS | {"sequence_length": 3})
    assert view is not None
    assert list(view.excerpts) == [1]
    assert str(view.excerpts[1]) == "=b zebra"


def test_what_is_broken_is_told_and_made_again(ledger: Ledger, tmp_path: Path) -> None:
    keep(ledger, tmp_path)
    with closing(sqlite3.connect(ledger.path)) as db, db:
        db.execute("UPDATE views SET n_seen = x'00000000'")

    with pytest.raises(AnalysisError, match="lengths of 4 validation texts are broken"):
        analysis.load(ledger.path).texts.view(PARAMS)
    keep(ledger, tmp_path)

    assert analysis.load(ledger.path).texts.view(PARAMS) is not None


def test_a_study_without_predictions_keeps_no_texts(ledger: Ledger, tmp_path: Path) -> None:
    with closing(sqlite3.connect(ledger.path)) as db, db:
        db.execute("DELETE FROM predictions")

    keep(ledger, tmp_path)

    assert analysis.load(ledger.path).texts.view(PARAMS) is None
