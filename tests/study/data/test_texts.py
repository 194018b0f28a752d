from __future__ import annotations

from pathlib import Path

import pytest

from study.data import DataSpec
from study.data.texts import read_unlabelled
from study.errors import DataError
from tests.study.data.published import SHAPES


def read(path: Path) -> list[str]:
    return read_unlabelled(DataSpec(source=str(path))).texts


def test_a_text_a_line_is_read_with_its_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("one film, good\n\ntwo\n")
    assert read(tmp_path / "x.txt") == ["one film, good", "", "two"]


@pytest.mark.parametrize("name", ["text\n", ""])
def test_a_table_of_one_column_is_read_with_its_line_ends(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.csv").write_text(f'{name}"one, with\na line end"\ntwo\n')
    assert read(tmp_path / "x.csv") == ["one, with\na line end", "two"]


def test_a_column_of_labels_is_passed_over_and_no_row_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,text,label\n1,a good film,pos\n2,,neg\n3,a bad film,neg\n")
    assert read(tmp_path / "x.csv") == ["a good film", "", "a bad film"]


def test_a_table_without_labels_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": 1, "review": "a good film"}\n{"id": 2, "review": "bad"}\n')
    assert read(tmp_path / "x.jsonl") == ["a good film", "bad"]


@pytest.mark.parametrize("shape", ["label, tab, text", "one file a class", "aclImdb", "a zip archive"])
def test_what_a_study_reads_is_read(tmp_path: Path, shape: str) -> None:
    make, n_texts, _ = SHAPES[shape]
    assert len(read(make(tmp_path / "set"))) == n_texts


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not; check --file"):
        read(tmp_path / "none.csv")
