"""Lines to beat on fewer texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.data import DataSpec, EncodedCorpus, encode, load_corpus
from study.training.lines_by_amount import MAX_FITTED, fit_lines_by_amount, list_amounts
from study.trial import Assignment
from tests.study.pretend.reviews import make_reviews


def assign(seed: int, size: int | None, phase: Any = "search") -> Assignment:
    params = {"cell": "gru"} | ({} if size is None else {"train_size": size})
    return Assignment(trial=0, replicate=1, attempt=1, seed=seed, params=params, phase=phase)


@pytest.fixture
def corpus(tmp_path: Path) -> EncodedCorpus:
    path = tmp_path / "reviews.csv"
    make_reviews(400).to_csv(path, index=False)
    spec = DataSpec(source=str(path))
    return encode(load_corpus(spec), spec, tmp_path)


def fail(name: str, error: Exception) -> None:
    raise AssertionError(name) from error


def test_what_runs_of_the_search_were_trained_on_is_listed_once() -> None:
    runs = [assign(2, 100), assign(1, 200), assign(1, 200), assign(9, 100, "confirm"), assign(1, None)]

    assert list_amounts(runs) == [(100, 2), (200, 1)]


def test_where_every_run_has_an_amount_of_its_own_no_line_is_fitted() -> None:
    assert list_amounts(assign(1, size) for size in range(1, MAX_FITTED + 2)) == []


def test_a_line_knows_the_texts_of_its_amount_and_seed_alone(corpus: EncodedCorpus, tmp_path: Path) -> None:
    lines = fit_lines_by_amount(corpus, [(8, 1), (8, 2), (280, 1), (280, 2)], tmp_path, fail)

    by_key = {(line.name, line.train_size, line.seed): line.val_accuracy for line in lines}
    assert {name for name, _, _ in by_key} == {"majority class", "TF-IDF + logistic regression", "NB-SVM"}
    few = [by_key["NB-SVM", 8, seed] for seed in (1, 2)]
    assert few[0] != few[1]  # other texts
    assert by_key["NB-SVM", 280, 1] == by_key["NB-SVM", 280, 2] > max(few)  # all texts


def test_a_line_that_cannot_be_fitted_says_on_how_many_texts(
    corpus: EncodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("no")

    monkeypatch.setattr("study.training.baselines._fit_nbsvm", refuse)
    faults: list[str] = []

    lines = fit_lines_by_amount(corpus, [(100, 1)], tmp_path, lambda name, error: faults.append(name))

    assert faults == ["NB-SVM on 100 texts"]
    assert len(lines) == 2
