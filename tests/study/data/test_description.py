from __future__ import annotations

import json
from pathlib import Path

import pytest

from study.data import DataDescription, DataSpec, describe, encode, load_corpus


def describe_texts(folder: Path, rows: list[tuple[str, str, str]], **options: str) -> DataDescription:
    path = folder / "x.jsonl"
    records = [{"split": split, "label": label, "text": text} for split, label, text in rows]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    spec = DataSpec.model_validate({"source": str(path), **options})
    corpus = load_corpus(spec)
    return describe(corpus, encode(corpus, spec, folder / "cache"))


ROWS = [
    ("train", "x", "a " * 30),
    ("train", "y", "b c " * 10),
    ("train", "y", "a"),
    ("validation", "x", "a z"),
    ("validation", "y", "b b b b"),
    ("test", "x", "a"),
    ("test", "y", "q"),
]


def test_classes_are_counted_by_split(tmp_path: Path) -> None:
    table = describe_texts(tmp_path, ROWS).classes
    assert table.columns.to_list() == ["train", "validation", "test", "total"]
    assert table.loc["x"].to_list() == [1, 1, 1, 3]
    assert table.loc["y"].to_list() == [2, 1, 1, 4]


def test_lengths_count_words_and_leave_test_unread(tmp_path: Path) -> None:
    table = describe_texts(tmp_path, ROWS).lengths
    assert table.index.to_list() == ["train", "validation"]
    assert table.loc["train", ["mean", "0%", "50%", "100%"]].to_list() == [17, 1, 20, 30]
    assert table.loc["validation", "mean"] == 3


@pytest.mark.parametrize(("truncation", "lost"), [("pre", 5), ("post", 6)])
def test_cuts_count_the_words_that_are_lost(tmp_path: Path, truncation: str, lost: int) -> None:
    table = describe_texts(tmp_path, ROWS, truncation=truncation).cuts
    # Of 25 places, the start of a text takes one where the beginning is kept.
    assert table.loc[25, "texts_cut"] == pytest.approx(1 / 3)
    assert table.loc[25, "words_lost"] == pytest.approx(lost / 51)
    assert table.loc[50].to_list() == [0, 0]


def test_coverage_is_the_share_of_words_in_the_vocabulary(tmp_path: Path) -> None:
    described = describe_texts(tmp_path, ROWS)
    assert described.n_words == 3
    assert described.coverage.index.to_list() == [6]
    assert described.coverage.loc[6].to_list() == [1, pytest.approx(5 / 6)]


def test_coverage_grows_with_the_vocabulary(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(600)]
    rows = [(split, label, " ".join(words)) for split in ("train", "validation", "test") for label in "xy"]
    coverage = describe_texts(tmp_path, rows).coverage["train"]
    assert coverage.to_dict() == {500: pytest.approx(497 / 600), 603: 1}


def test_repeated_and_shared_texts_are_counted(tmp_path: Path) -> None:
    warnings = " ".join(describe_texts(tmp_path, ROWS).warnings)
    assert "1 text of 7 occurred before" in warnings
    assert "1 training text also in the validation or test split" in warnings


@pytest.mark.parametrize("tokens", ["words", "words_and_punctuation", "chars", "bpe"])
def test_texts_of_punctuation_alone_are_described(tmp_path: Path, tokens: str) -> None:
    rows = [
        (split, label, "!?" * n)
        for split in ("train", "validation", "test")
        for n, label in ((1, "x"), (2, "y"))
    ]
    description = describe_texts(tmp_path, rows, tokens=tokens)
    assert description.coverage["train"].iloc[-1] == (0.0 if tokens == "words" else 1.0)


def test_parts_of_words_cover_all_but_unknown_characters(tmp_path: Path) -> None:
    rows = [
        ("train", "x", "low lower " * 30),
        ("train", "y", "newest " * 30),
        ("validation", "x", "lowest q"),
    ]
    rows += [("validation", "y", "low"), ("test", "x", "a"), ("test", "y", "b")]
    coverage = describe_texts(tmp_path, rows, tokens="bpe").coverage
    assert coverage["train"].iloc[-1] == 1.0
    assert 0.5 < coverage["validation"].iloc[-1] < 1.0
