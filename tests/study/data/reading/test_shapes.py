"""Sets as they are published open without an option, and no row of theirs is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.data import DataSpec, load_corpus
from study.data.files import read_path
from tests.study.data.published import SHAPES, TEXTS


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_published_set_opens_as_it_comes(tmp_path: Path, shape: str) -> None:
    make, n_texts, classes = SHAPES[shape]
    corpus = load_corpus(DataSpec(source=str(make(tmp_path / "set"))))
    assert len(corpus.texts) == n_texts
    assert corpus.classes == classes
    assert min(corpus.splits.sizes().values()) > 0
    assert corpus.reading is not None
    assert corpus.reading.n_read - sum(corpus.reading.left_out.values()) == n_texts


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            "label, tab, text",
            {"delimiter": "\t", "quoting": "none", "header": False, "text": "2", "label": "1"},
        ),
        ("csv without header, class names beside", {"text": ["2", "3"], "class names": "classes.txt"}),
        ("cp1252 with empty columns", {"encoding": "cp1252", "header": True, "label": "v1"}),
        ("six columns, one class after the other", {"text": "6", "label": "1", "header": False}),
        ("four columns without header", {"text": "4", "label": "2"}),
        ("an index column, a quoted review", {"text": "review", "label": "rating", "quoting": "double"}),
        ("JSON lines, gz", {"text": ["headline", "short_description"], "compression": ".gz"}),
        ("many columns", {"text": "text", "label": "airline_sentiment"}),
        ("semicolons in UTF-16, xz", {"encoding": "utf-16", "delimiter": ";", "header": True}),
        ("fields between :::", {"delimiter": ":::", "label": "3"}),
    ],
)
def test_what_was_guessed_is_recorded(tmp_path: Path, shape: str, said: dict[str, object]) -> None:
    reading = read_path(DataSpec(source=str(SHAPES[shape][0](tmp_path / "set")))).reading
    assert reading is not None
    assert {key: reading.to_document()[key] for key in said} == said


def test_texts_come_back_as_they_stand_in_a_file_without_quoting(tmp_path: Path) -> None:
    rows = read_path(DataSpec(source=str(SHAPES["label, tab, text"][0](tmp_path))))
    expected = [f'"{text}' if number % 9 == 0 else text for number, text in enumerate(TEXTS)]
    assert rows.texts == expected


def test_the_rest_of_a_text_in_columns_without_a_name_is_joined_to_it_and_said(tmp_path: Path) -> None:
    rows = read_path(DataSpec(source=str(SHAPES["cp1252 with empty columns"][0](tmp_path))))
    assert rows.texts[7].endswith("\u00a35 \u2013 ok  GE")
    assert rows.texts[8].endswith("\u00a35 \u2013 ok")
    assert rows.reading is not None
    assert any("joined into one text" in note for note in rows.reading.notes)


def test_the_finer_of_two_levels_can_be_chosen(tmp_path: Path) -> None:
    path = SHAPES["LABEL:sublabel text"][0](tmp_path)
    assert len(set(read_path(DataSpec(source=str(path), label="fine")).labels)) == 9


def test_other_columns_that_could_be_labels_are_named(tmp_path: Path) -> None:
    reading = read_path(DataSpec(source=str(SHAPES["four columns without header"][0](tmp_path)))).reading
    assert reading is not None
    assert reading.notes == ["'1' could be the labels too; choose with --label"]
