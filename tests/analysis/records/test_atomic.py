from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from analysis.records.atomic import TEMPORARY_PATTERN, replace_file


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")

    def fail(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(path, fail)

    assert [item.read_text(encoding="utf-8") for item in tmp_path.iterdir()] == ["old"]


def test_a_reader_meanwhile_sees_the_old_file_and_one_that_is_known_as_temporary(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen: list[tuple[bytes, list[str]]] = []

    def write(stream: BinaryIO) -> None:
        stream.write(b"new")
        others = [item.name for item in tmp_path.iterdir() if item != path]
        seen.append((path.read_bytes(), others))

    replace_file(path, write)

    ((content, others),) = seen
    assert content == b"old"
    assert [TEMPORARY_PATTERN.fullmatch(name) is not None for name in others] == [True]
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
