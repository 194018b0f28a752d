from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from study.data import DataSpec, RecallSpec, encode, load_corpus
from study.errors import StudyError


def test_a_source_of_ours_resolves_to_its_own_defaults() -> None:
    docstrings, recall = DataSpec().resolved(), DataSpec(source="recall").resolved()
    assert (docstrings.tokens, docstrings.padding, docstrings.truncation) == (
        "words_and_punctuation",
        "pre",
        "post",
    )
    assert (recall.tokens, recall.padding, recall.truncation) == ("words", "pre", "pre")


def test_a_given_value_is_not_replaced_by_a_default() -> None:
    assert DataSpec(truncation="pre").resolved().truncation == "pre"


def test_resolving_twice_changes_nothing() -> None:
    once = DataSpec(source="some/reviews.csv").resolved()
    assert once.resolved() == once


def test_a_path_resolves_to_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataSpec(source="reviews.csv").resolved().source == str(tmp_path / "reviews.csv")


def test_a_reader_sees_a_path_without_its_folders() -> None:
    assert DataSpec(source="home/of/someone/reviews.csv").source_name == "reviews.csv"
    assert DataSpec(source="imdb").source_name == "imdb"


def test_a_spec_survives_a_round_trip_through_plain_values() -> None:
    spec = DataSpec(source="recall", limit_train=100, recall=RecallSpec(distance=3, length=9)).resolved()
    assert DataSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"sources": "imdb"}, "^sources is not a key: did you mean 'source'\\?$"),
        ({"recall": {"lenght": 4}}, "recall.lenght is not a key: did you mean 'length'"),
        ({"source": 3}, "^source: "),
        ({"validation_fraction": 0.6, "test_fraction": 0.4}, "nothing is left to train on: 0.6 \\+ 0.4"),
        ({"validation_fraction": 0}, "greater than 0"),
        ({"limit_train": 0}, "greater than or equal to 1"),
        ({"split_seed": -1}, "greater than or equal to 0"),
        ({"tokens": "letters"}, "words_and_punctuation"),
        ({"validate_on": "train"}, "'validation' or 'test'"),
        ({"recall": {"distance": 20, "length": 40}}, "distance=20, length=40"),
        ({"recall": {"alphabet": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused(given: dict[str, Any], part: str) -> None:
    with pytest.raises(StudyError, match=part):
        DataSpec(**given)


def test_paths_are_taken_in_any_form() -> None:
    spec = DataSpec(source=Path("x.csv"), test=Path("y.csv"), class_names=Path("z.txt"))

    assert (spec.source, spec.test, spec.class_names) == ("x.csv", "y.csv", "z.txt")


def test_a_spec_does_not_change() -> None:
    with pytest.raises(StudyError, match="a DataSpec stays as it is: source='imdb' cannot be set; make"):
        DataSpec().source = "imdb"  # type: ignore[misc]


@pytest.mark.parametrize("given", ["reviews.csv", {"source": "reviews.csv"}, None])
def test_texts_are_asked_for_by_a_spec(given: Any) -> None:
    corpus = load_corpus(DataSpec(source="recall", recall=RecallSpec(n_texts=20)))

    for ask in (load_corpus, partial(encode, corpus)):
        with pytest.raises(StudyError, match=r"is (str|dict|NoneType); write DataSpec\(source=\.\.\.\)"):
            ask(given)
