"""What never ends, or is too large, is refused at once and leaves nothing behind."""

from __future__ import annotations

import gzip
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from study.data import DataSpec
from study.data.files import read_path
from study.errors import DataError


def refusal(path: Path | str, **options: Any) -> str:
    started_s = time.process_time()
    with pytest.raises(DataError) as caught:
        read_path(DataSpec(source=str(path), **options))
    assert time.process_time() - started_s < 20
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is neither" in refusal(tmp_path / "pipe")


def test_a_device_is_not_read() -> None:
    assert "'/dev/zero' is neither" in refusal("/dev/zero")


def test_folders_that_lead_back_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pos" / "more").mkdir(parents=True)
    (tmp_path / "pos" / "more" / "back").symlink_to("..")
    assert "'pos/more/back'" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x", "x.jsonl", "x.json"])
def test_ten_gigabytes_in_one_row_are_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"text": "a", "label": "b"}\n' if name == "x.jsonl" else "text,label\n")
    os.truncate(path, 10 * 2**30)  # sparse: nothing but the first line is on disk
    assert "may have at most" in refusal(path)


def test_a_row_that_only_unpacked_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a" * 20 * 2**20))
    assert "at most 16 MB: line 2" in refusal(path)


def test_a_text_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.txt").write_text("good")
    os.truncate(tmp_path / "pos" / "a.txt", 10 * 2**30)
    assert "'pos/a.txt' has 16.0 MB" in refusal(tmp_path)


def test_an_office_document_under_another_name_is_recognised(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.csv", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert "is an office document; save its sheet as .csv" in refusal(tmp_path / "x.csv")


def test_an_archive_to_unpack_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"file")
    assert "got 'x.tar'; unpack it" in refusal(tmp_path / "x.tar")


def test_the_same_split_in_two_formats_is_refused(tmp_path: Path) -> None:
    for suffix in ("csv", "tsv"):
        (tmp_path / f"train.{suffix}").write_text("text,label\na,x\nb,y\n")
    assert "one set of texts" in refusal(tmp_path)


def test_files_of_texts_and_labels_of_other_lengths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train_text.txt").write_text("a\nb\n")
    (tmp_path / "train_labels.txt").write_text("0\n")
    assert "'train_text.txt' has 2 and 'train_labels.txt' 1" in refusal(tmp_path)


def test_an_encoding_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\na,x\nb,y\n")
    assert "got 'klingon'" in refusal(tmp_path / "x.csv", encoding="klingon")


def test_names_for_other_classes_than_there_are_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\na,0\nb,5\n")
    (tmp_path / "names").write_text("one\ntwo\n")
    assert "'names' has too few" in refusal(tmp_path / "x.csv", class_names=str(tmp_path / "names"))


def test_a_test_file_beside_is_the_test_split(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\na,0\nb,1\n")
    (tmp_path / "y.csv").write_text("label,text\n1,c\n")
    rows = read_path(DataSpec(source=str(tmp_path / "x.csv"), test=str(tmp_path / "y.csv")))
    assert rows.splits == ["train", "train", "test"]
    assert (rows.texts[2], rows.labels[2]) == ("c", "1")
