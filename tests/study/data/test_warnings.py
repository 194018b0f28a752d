from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from study.data import Corpus, DataSpec, encode, load_corpus
from study.data.warnings import explain_classes, find_warnings
from tests.study.data.published import sentences

N = 1_200
SENTENCES = [f"{text} one two three four five six" for text in sentences(N)]


def warn(
    folder: Path, texts: list[str], labels: list[object], *, longest: int | None = None, **options: object
) -> str:
    pd.DataFrame({"text": texts, "label": labels}).to_parquet(folder / "x.parquet")
    spec = DataSpec.model_validate({"source": str(folder / "x.parquet"), **options})
    corpus = load_corpus(spec)
    return "\n".join(find_warnings(corpus, encode(corpus, spec, folder / "cache"), longest))


def test_of_good_data_nothing_is_said(tmp_path: Path) -> None:
    assert warn(tmp_path, SENTENCES, ["a", "b"] * (N // 2), longest=100) == ""


def test_each_doubt_is_said_with_its_number(tmp_path: Path) -> None:
    texts = [*SENTENCES[:-6], SENTENCES[0], SENTENCES[0], SENTENCES[1], "", " ", "even once more"]
    labels: list[object] = ["a", "b"] * (N // 2)
    labels[:2], labels[-6:] = ["a", "b"], ["a", "b", "b", "a", "a", "a"]

    said = warn(tmp_path, texts, labels)

    assert "2 of 1,200 rows are left out (empty text)" in said
    assert "3 texts of 1,198 occurred before" in said
    assert "1 text under two labels" in said


def test_a_majority_is_named_with_its_share(tmp_path: Path) -> None:
    assert "85.0% of the texts are of the class 'a'" in warn(tmp_path, SENTENCES, ["a"] * 1_020 + ["b"] * 180)
    assert "of the class" not in warn(tmp_path, SENTENCES, ["a"] * 900 + ["b"] * 300)


def test_small_classes_are_named_with_their_training_texts(tmp_path: Path) -> None:
    said = warn(tmp_path, SENTENCES, ["a"] * 600 + ["b"] * 590 + ["c"] * 10)
    assert "1 of 3 classes has under 20 training texts, 'c' (7): little is learnt of it;" in said


def test_labels_that_measure_something_are_told(tmp_path: Path) -> None:
    labels: list[object] = [number % 40 for number in range(N)]
    assert "the 40 labels are all numbers" in warn(tmp_path, SENTENCES, labels)
    assert "regression" not in warn(tmp_path, SENTENCES, [f"c{label}" for label in labels])


def test_words_that_training_does_not_know_are_counted(tmp_path: Path) -> None:
    texts = [
        f"unheard{number} unseen{number} {text}" for number, text in enumerate(f"x{n} the" for n in range(N))
    ]
    said = warn(tmp_path, texts, ["a", "b"] * (N // 2))
    assert "25.0% of the validation tokens occur in training" in said


@pytest.mark.parametrize(
    "script", ["\u9152\u5e97\u623f\u95f4\u5f88\u597d", "\u0e42\u0e23\u0e07\u0e41\u0e23\u0e21\u0e14\u0e35"]
)
def test_a_script_without_spaces_is_recognised(tmp_path: Path, script: str) -> None:
    texts = [script * (1 + number % 5) + str(number) for number in range(N)]
    said = warn(tmp_path, texts, ["a", "b"] * (N // 2), tokens="words")
    assert "script without spaces between words" in said
    assert "0.0% of the validation tokens are known" in said


def test_texts_beyond_the_longest_sequence_are_counted(tmp_path: Path) -> None:
    said = warn(tmp_path, SENTENCES, ["a", "b"] * (N // 2), longest=5)
    assert "100% of the training texts are longer than 5" in said
    assert re.search(r"--set 'space\.sequence_length=\[5, \d+\]'", said)
    assert "space.sequence_length" in said


def test_a_small_validation_split_is_told_with_what_one_text_is_worth(tmp_path: Path) -> None:
    said = warn(tmp_path, SENTENCES[:100], ["a", "b"] * 50)
    assert "20 texts validate, so that one is 5.0% of accuracy" in said


def corpus_of(folder: Path, counts: dict[str, int]) -> Corpus:
    rows = [f"text {i} of {name},{name}" for name, n in counts.items() for i in range(n)]
    path = folder / "texts.csv"
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return load_corpus(DataSpec(source=str(path)))


def test_what_the_largest_of_unequal_classes_alone_would_reach_is_said(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, {"common": 300, "seldom": 90, "rare": 10})
    truth = corpus.labels_of("validation")
    common = corpus.classes.index("common")
    always = np.full(len(truth), common)

    (said,) = explain_classes(corpus)

    assert f"always saying 'common' is right for {(truth == common).mean():.1%}" in said
    assert f"macro-F1 {f1_score(truth, always, average='macro'):.2f}" in said
    n_rare = int((corpus.labels_of("train") == corpus.classes.index("rare")).sum())
    assert f"'rare', has {n_rare} training texts" in said


def test_of_classes_of_one_size_nothing_is_said(tmp_path: Path) -> None:
    assert explain_classes(corpus_of(tmp_path, {"a": 100, "b": 100, "c": 130})) == []
